//! Charging a project: the early look that saves bytes their way, and the check inside the transaction that keeps them.

use serde_json::json;
use wharf_context::quota::{Amount, Quota, Resource};
use wharf_context::{Context, Event, Permit, ProjectId, Push, Right};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, RepositoryName};

use super::rule;
use super::shards::Reserved;
use super::store::{self, content, figures};
use crate::blob;
use crate::error::{Error, QuotaExceeded};
use crate::figures::add;
use crate::registry::Registry;
use crate::repository::RepositoryId;

/// Who pushes into which project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payer<'a> {
    ctx: &'a Context,
    project: ProjectId,
    repository: &'a RepositoryName,
}

impl<'a> Payer<'a> {
    pub(crate) fn new<R: Right>(ctx: &'a Context, permit: &'a Permit<R>) -> Self {
        Self::of(ctx, permit.project(), permit.repository())
    }

    /// Whoever pushes by a decision of the project.
    pub(crate) fn of(ctx: &'a Context, project: ProjectId, repository: &'a RepositoryName) -> Self {
        Self { ctx, project, repository }
    }
}

/// One transaction's way to charge a project: keep it until the transaction is over.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    registry: &'a Registry,
    payer: Payer<'a>,
    /// Reserved before the transaction begins: whoever had the number before has committed what this one then sees.
    shard: Reserved<'a>,
}

impl Registry {
    /// Opens a way to charge the payer's project, for one transaction.
    pub(crate) fn account<'a>(&'a self, payer: Payer<'a>) -> Account<'a> {
        Account { registry: self, payer, shard: self.desk.shards.reserve() }
    }

    /// Refuses bytes that have no room, before they are taken. What is counted is decided by [`Account`]; here a look at
    /// what was last committed is enough.
    pub(crate) async fn check_room(&self, permit: &Permit<Push>, bytes: u64) -> Result<(), Error> {
        let quota = figures::find(&self.db, permit.project()).await?;
        let quota = quota.unwrap_or(Quota { limits: self.settings.quota, ..Quota::default() });
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let fits = rule::fits(&quota.limits.bytes, quota.usage.bytes, bytes, Resource::Bytes);
        fits.map_err(|exceeded| self.refuse(permit.repository(), exceeded))
    }

    /// The same for a blob whose digest is known: one that the project is charged for already has room.
    pub(crate) async fn check_room_for(&self, permit: &Permit<Push>, digest: &Digest, bytes: u64) -> Result<(), Error> {
        let checked = self.check_room(permit, bytes).await;
        let is_refused = matches!(checked, Err(Error::QuotaExceeded { .. }));
        if is_refused && content::is_charged(&self.db, permit.project(), digest).await? {
            return Ok(());
        }
        checked
    }

    fn refuse(&self, repository: &RepositoryName, exceeded: QuotaExceeded) -> Error {
        add(&self.counters.quota_refusals, 1);
        let project = self.settings.environments.project(repository);
        Error::QuotaExceeded { project, exceeded: Box::new(exceeded) }
    }
}

impl Account<'_> {
    /// Links a blob into a repository of the project, and charges for it unless another repository has it already.
    /// The blob's review was postponed in this transaction.
    pub(crate) async fn link(
        &self,
        tx: &mut Tx<'_>,
        repository: RepositoryId,
        digest: &Digest,
        size_bytes: u64,
    ) -> Result<(), Error> {
        if !blob::store::link(tx, repository, digest).await? {
            return Ok(());
        }
        let bytes = i64::try_from(size_bytes).map_err(|_| Error::MalformedRow { what: "a blob's size" })?;
        if content::charge(tx, self.project(), digest, bytes).await? {
            self.take(tx, &Amount { bytes, manifests: 0 }).await?;
        }
        Ok(())
    }

    /// Charges for `amount`, all or nothing.
    pub(crate) async fn take(&self, tx: &mut Tx<'_>, amount: &Amount) -> Result<(), Error> {
        if *amount == Amount::default() || store::take(tx, self.project(), self.shard.number(), amount).await? {
            return Ok(());
        }
        self.ask(tx, amount).await
    }

    /// Asks for a larger allowance, with all shards in view.
    async fn ask(&self, tx: &mut Tx<'_>, amount: &Amount) -> Result<(), Error> {
        let (project, registry) = (self.project(), self.registry);
        let book = match store::book(tx, project).await? {
            Some(book) => book,
            None => {
                store::open(tx, project, &registry.settings.quota).await?;
                store::book(tx, project).await?.ok_or(Error::MalformedRow { what: "a quota" })?
            }
        };
        let number = self.shard.number();
        let grants = book.take(number, amount).map_err(|exceeded| registry.refuse(self.payer.repository, exceeded))?;
        store::grant(tx, project, number, (amount, &grants)).await?;
        let mut quota = book.quota();
        quota.usage.bytes += amount.bytes;
        quota.usage.manifests += amount.manifests;
        for resource in Resource::ALL.into_iter().filter(|resource| grants.of(*resource).has_crossed) {
            self.tell(tx, &quota, resource).await?;
        }
        Ok(())
    }

    /// Tells people that the project uses more than the limit that warns.
    async fn tell(&self, tx: &mut Tx<'_>, quota: &Quota, resource: Resource) -> Result<(), Error> {
        let Payer { ctx, project, repository } = self.payer;
        let name = self.registry.settings.environments.project(repository);
        let (used, limit) = (*quota.usage.of(resource), quota.limits.of(resource));
        let details = json!({ "resource": resource.name(), "used": used, "warn": limit.warn, "hard": limit.hard });
        tx.audit(&AuditEntry::new(ctx, "quota.warn", name.as_str()).with_details(details)).await?;
        let resource = resource.name().to_owned();
        tx.announce(Event::QuotaWarned { project: name.to_string(), resource }).await?;
        self.registry.note_warning(project, quota);
        Ok(())
    }

    fn project(&self) -> ProjectId {
        self.payer.project
    }
}
