//! Executing a run: each verdict by itself, in a transaction that looks at the tag's facts once more.

use wharf_context::{Context, Govern, ProjectId};
use wharf_db::Tx;
use wharf_oci::RepositoryName;
use wharf_registry::Registry;
use wharf_registry::keeping::Tagged;

use super::facts::protections;
use super::run::{Item, Outcome, Run};
use super::section::Retention;
use super::{rule::Verdict, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::policy;

/// How many tags one transaction retires.
const RETIRED: usize = 20;

impl Governance {
    /// Executes what a run has written down and not done yet. False where the policy has changed since: what is left then
    /// stays as it is.
    pub(super) async fn execute_run(
        &self,
        ctx: &Context,
        (run, project): (&Run, ProjectId),
        retention: &Retention,
    ) -> Result<bool, Error> {
        loop {
            let done = self
                .db
                .transaction(async |tx| {
                    if policy::in_force(tx, project).await?.revision != run.policy_revision {
                        return Ok(None);
                    }
                    let items = store::to_do(tx, run.id, RETIRED).await?;
                    for item in &items {
                        let outcome = self.execute_verdict(tx, ctx, (run.id, project, retention), item).await?;
                        store::note(tx, (run.id, item.position), &outcome).await?;
                    }
                    Ok::<_, Error>(Some(items.len()))
                })
                .await?;
            match done {
                None => return Ok(false),
                Some(done) if done < RETIRED => return Ok(true),
                Some(_) => {}
            }
        }
    }

    async fn execute_verdict(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (run, project, retention): (i64, ProjectId, &Retention),
        item: &Item,
    ) -> Result<Outcome, Error> {
        let place: (Govern, &RepositoryName) = (Govern::decided(project), &item.repository);
        let now = Registry::find_tagged(tx, place, &item.tag).await?;
        let Some(tagged) = now.filter(|now| now.digest == item.digest && now.since == item.since) else {
            return Ok(Outcome::Left("the tag is gone, or points elsewhere".to_owned()));
        };
        if let Some(why) = self.must_stay(tx, place, (&tagged, retention)).await? {
            return Ok(Outcome::Left(why));
        }
        let why = format!("retention run {run}: {}", item.verdict.because);
        let retired = self.registry.retire(tx, ctx, place, (&tagged, &why)).await?;
        Ok(retired.map_or_else(|| Outcome::Left("the tag is gone, or points elsewhere".to_owned()), |_| Outcome::Done))
    }

    /// Why a tag must stay after all.
    async fn must_stay(
        &self,
        tx: &mut Tx<'_>,
        place: (Govern, &RepositoryName),
        (tagged, retention): (&Tagged, &Retention),
    ) -> Result<Option<String>, Error> {
        let seen_since = tx.now().minus(retention.running_lease.duration());
        let protections = protections(tx, &self.registry, place, (&[tagged], seen_since)).await?;
        let verdict = protections.first().and_then(|protections| Verdict::protected(protections));
        if let Some(verdict) = verdict {
            return Ok(Some(verdict.because));
        }
        let Some(image) = tagged.tag.attached_to() else { return Ok(None) };
        let is_there = !Registry::those_standing(tx, place, &[image]).await?.is_empty();
        Ok(is_there.then(|| Verdict::stays_with(&image).because))
    }
}
