//! Transfer: what was approved for an environment at another registry is carried there, and is done when that registry has
//! it.
//!
//! The transaction that would have placed it begins the way instead ([`State::Transferring`]); a job carries manifests,
//! blobs, tags and all that refers to them over and reads them back; and a last transaction checks once more and places it
//! here, too, so that inventory, sealing and rollback know it. The job may run twice or break off anywhere: what is there
//! already is not sent again. It is tried again, later each time, and in the end the promotion has failed.

use wharf_db::{Job, NewJob, Tx};
use wharf_oci::Source;

use super::job::{Payload, system};
use super::step::step;
use super::{Promotion, State, Step, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::policy;
use crate::ports::Parcel;
use crate::unread::Unread;
use crate::webhook::WebhookName;

/// The job's kind.
pub const TRANSFER: &str = "governance.transfer";
/// How often a transfer is tried: for a good hour.
const ATTEMPTS: u32 = 12;

impl Governance {
    /// The remote that an environment is at, if it is at one.
    pub(super) async fn remote_of(&self, tx: &mut Tx<'_>, promotion: &Promotion) -> Result<Option<WebhookName>, Error> {
        let policy = policy::in_force(tx, promotion.project).await?;
        let ladder = self.ladder(&policy)?;
        let rung = ladder.rungs().iter().find(|rung| rung.name == promotion.to);
        Ok(rung.and_then(|rung| rung.remote.clone()))
    }

    /// Puts a promotion on its way.
    pub(super) async fn send(
        &self,
        tx: &mut Tx<'_>,
        ctx: &wharf_context::Context,
        (promotion, remote): (&mut Promotion, &WebhookName),
    ) -> Result<(), Error> {
        step(tx, ctx, promotion, Step::Transfer, format!("it is on its way to `{remote}`")).await?;
        let payload = serde_json::to_string(&Payload { promotion: promotion.row });
        let payload = payload.map_err(|_| Error::MalformedRow { what: "a job's payload" })?;
        let run_at = tx.now();
        tx.enqueue(NewJob { kind: TRANSFER, payload, run_at }).await?;
        Ok(())
    }

    /// Carries a promotion to the registry that its environment is at. Nothing happens where it is not on its way any more.
    pub async fn transfer(&self, job: &Job) -> Result<(), Error> {
        let Payload { promotion: row } = job.decode()?;
        let Some(promotion) = store::by_row(&self.db, row).await? else { return Ok(()) };
        if promotion.state != State::Transferring {
            return Ok(());
        }
        match self.carry(&promotion).await {
            Ok(()) => self.arrive(&promotion).await,
            Err(error) if job.attempts >= ATTEMPTS => self.give_up(row, &chain(&error)).await,
            Err(error) => {
                self.explain(row, &format!("attempt {} failed: {}", job.attempts, chain(&error))).await?;
                Err(error)
            }
        }
    }

    async fn carry(&self, promotion: &Promotion) -> Result<(), Error> {
        let remote = self.db.transaction(async |tx| self.remote_of(tx, promotion).await).await?;
        // The policy names none any more: it has changed, and this promotion is void.
        let Some(remote) = remote else { return Ok(()) };
        let destination = self.destination(promotion.project, &remote).await?;
        let login = destination.login(self.webhook_ports()?, promotion.project).await?;
        for item in &promotion.items {
            let view = self.view(&promotion.from, &item.repository)?;
            let source = self.registry.open_source(&view).await?;
            let source: &dyn Source = source.as_ref().ok_or_else(|| Error::NotThere {
                repository: item.repository.clone(),
                reference: item.digest.to_string(),
                environment: promotion.from.clone(),
            })?;
            let parcel = Parcel {
                source,
                url: &destination.url,
                login: login.as_ref().map(|(account, secret)| (account.as_str(), secret.as_str())),
                repository: &item.repository,
                digest: &item.digest,
                tags: &item.tags,
            };
            self.transfers()?
                .carry(parcel)
                .await
                .map_err(|source| Error::Transfer { remote: remote.clone(), source })?;
        }
        Ok(())
    }

    /// The far side has all of it: checked once more, and placed here as well.
    async fn arrive(&self, promotion: &Promotion) -> Result<(), Error> {
        let (row, mut unread) = (promotion.row, Unread::default());
        loop {
            let arrived = self.db.transaction(async |tx| self.arrive_in(tx, row).await).await;
            match arrived {
                Ok(()) => return Ok(()),
                Err(error) if super::execute::is_hopeless(&error) => return self.give_up(row, &chain(&error)).await,
                Err(error) => self.read_missing(promotion.project, error, &mut unread).await?,
            }
        }
    }

    async fn arrive_in(&self, tx: &mut Tx<'_>, row: i64) -> Result<(), Error> {
        let Some(mut promotion) = store::by_row(&mut *tx, row).await? else { return Ok(()) };
        if promotion.state != State::Transferring {
            return Ok(());
        }
        let ctx = system();
        match self.still_good(tx, &ctx, &mut promotion).await? {
            Some(_) => self.settle_there(tx, &ctx, &mut promotion).await,
            None => Ok(()),
        }
    }

    async fn give_up(&self, row: i64, why: &str) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let Some(mut promotion) = store::by_row(&mut *tx, row).await? else { return Ok(()) };
                if promotion.state != State::Transferring {
                    return Ok(());
                }
                step(tx, &system(), &mut promotion, Step::Fail, why).await
            })
            .await
    }

    async fn explain(&self, row: i64, why: &str) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let Some(mut promotion) = store::by_row(&mut *tx, row).await? else { return Ok(()) };
                if promotion.state != State::Transferring {
                    return Ok(());
                }
                why.clone_into(&mut promotion.explanation);
                let now = tx.now();
                store::touch(tx, &mut promotion, now).await
            })
            .await
    }
}

/// An error with its causes, in one line that the catalog can keep.
fn chain(error: &Error) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").replace('\0', "")
}
