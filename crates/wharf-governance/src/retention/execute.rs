//! Executing a run: each verdict by itself, in a transaction that looks at the tag's facts once more.

use wharf_context::{Context, Govern, ProjectId};
use wharf_db::Tx;
use wharf_oci::{Reference, RepositoryName};
use wharf_registry::Registry;
use wharf_registry::keeping::Tagged;

use super::facts::{carried, facts};
use super::rule::{Facts, Verdict, still_matches};
use super::run::{Item, Outcome, Run};
use super::section::Retention;
use super::store;
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
                        let outcome = self.execute_verdict(tx, ctx, (run, project, retention), item).await?;
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
        (run, project, retention): (&Run, ProjectId, &Retention),
        item: &Item,
    ) -> Result<Outcome, Error> {
        let place: (Govern, &RepositoryName) = (Govern::decided(project), &item.repository);
        let now = Registry::find_tagged(tx, place, &item.tag).await?;
        let Some(tagged) = now.filter(|now| now.digest == item.digest && now.since == item.since) else {
            return Ok(Outcome::Left("the tag is gone, or points elsewhere".to_owned()));
        };
        let facts = self.facts_of(tx, place, (&tagged, retention)).await?;
        if let Some(why) = must_stay(tx, place, (&tagged, &facts)).await? {
            return Ok(Outcome::Left(why));
        }
        let rule = retention.rules.iter().find(|rule| Some(&rule.name) == item.verdict.rule.as_ref());
        if rule.is_some_and(|rule| !still_matches(rule, (&tagged, &facts), run.judged_at)) {
            return Ok(Outcome::Left("it was pulled, promoted or replaced since it was judged".to_owned()));
        }
        let why = format!("retention run {}: {}", run.id, item.verdict.because);
        match self.registry.retire(tx, ctx, place, (&tagged, &why)).await? {
            None => return Ok(Outcome::Left("the tag is gone, or points elsewhere".to_owned())),
            Some(retired) if retired.manifests > 0 => self.clear_left(tx, ctx, place, (&tagged, &facts)).await?,
            Some(_) => {}
        }
        Ok(Outcome::Done)
    }

    /// What is known of a tag now; labels never change.
    async fn facts_of(
        &self,
        tx: &mut Tx<'_>,
        place: (Govern, &RepositoryName),
        (tagged, retention): (&Tagged, &Retention),
    ) -> Result<Facts, Error> {
        let now = tx.now();
        let seen_since = now.minus(retention.running_lease.duration());
        let mut found = facts(tx, &self.registry, place, (&[tagged], seen_since)).await?.pop().unwrap_or_default();
        let carried = carried(tx, &[tagged], (seen_since, now)).await?;
        found.protections.extend(carried.into_iter().flatten());
        Ok(found)
    }

    /// The last tag of something is gone: it goes from the environments where it still lies, although something else
    /// stands there now.
    async fn clear_left(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (govern, repository): (Govern, &RepositoryName),
        (tagged, facts): (&Tagged, &Facts),
    ) -> Result<(), Error> {
        if tagged.tag.attached_to().is_some() {
            return Ok(());
        }
        for environment in facts.left.iter().filter_map(|name| self.environments.get(name)) {
            let view = self.view(environment, repository)?;
            self.registry.withdraw(tx, ctx, (govern, &view), &Reference::Digest(tagged.digest)).await?;
        }
        Ok(())
    }
}

/// Why a tag must stay after all.
async fn must_stay(
    tx: &mut Tx<'_>,
    place: (Govern, &RepositoryName),
    (tagged, facts): (&Tagged, &Facts),
) -> Result<Option<String>, Error> {
    if let Some(verdict) = Verdict::protected(&facts.protections) {
        return Ok(Some(verdict.because));
    }
    let Some(image) = tagged.tag.attached_to() else { return Ok(None) };
    let is_there = !Registry::those_standing(tx, place, &[image]).await?.is_empty();
    Ok(is_there.then(|| Verdict::stays_with(&image).because))
}
