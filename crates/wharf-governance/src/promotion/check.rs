//! Looking again: whether things stand where they stood, what the gates say, who the people are by now.

use std::collections::BTreeSet;

use wharf_context::action::RequestPromotion;
use wharf_context::{Context, ProjectId, Timestamp, Warrant};
use wharf_db::Tx;
use wharf_oci::EnvironmentName;
use wharf_registry::Registry;

use super::ask::Draft;
use super::rule::{self, Parties};
use super::step::step;
use super::{Item, Promotion, PromotionKind, State, Step, store};
use crate::environment::store as placements;
use crate::error::Error;
use crate::gate::{Case, GateResult, GateRule, judge};
use crate::governance::Governance;
use crate::image::{self, Image};
use crate::policy::{self, Policy};
use crate::ports::Standing;
use crate::release;
use crate::unread::Unread;

/// One thing as it stands where its way begins.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) image: Image,
    pub(super) since: Timestamp,
}

/// Whether all that was decided on is as it was.
#[derive(Debug)]
pub(super) enum Look {
    /// It is.
    Same(Vec<Found>),
    /// It is not, because.
    Changed(String),
}

impl Governance {
    /// Asks the gates of a promotion that waits for one of them again.
    pub async fn check_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<RequestPromotion>,
        id: &str,
    ) -> Result<Promotion, Error> {
        self.check(ctx, warrant.project(), id).await
    }

    pub(super) async fn check(&self, ctx: &Context, project: ProjectId, id: &str) -> Result<Promotion, Error> {
        let mut unread = Unread::default();
        let promotion = loop {
            match self.db.transaction(async |tx| self.check_in(tx, ctx, project, id).await).await {
                Ok(promotion) => break promotion,
                Err(error) => self.read_missing(project, error, &mut unread).await?,
            }
        };
        self.run_if_due(promotion).await
    }

    async fn check_in(&self, tx: &mut Tx<'_>, ctx: &Context, project: ProjectId, id: &str) -> Result<Promotion, Error> {
        let found = store::find(&mut *tx, project, id).await?;
        let mut promotion = found.ok_or_else(|| Error::PromotionUnknown { id: id.to_owned() })?;
        if !promotion.state.is_before_approval() {
            return Err(Error::PromotionState { id: id.to_owned(), state: promotion.state });
        }
        if tx.now() >= promotion.expires_at {
            step(tx, ctx, &mut promotion, Step::Expire, "its time was over").await?;
            return Ok(promotion);
        }
        let found = match self.look(tx, &promotion).await? {
            Look::Same(found) => found,
            Look::Changed(why) => {
                step(tx, ctx, &mut promotion, Step::Invalidate, why).await?;
                return Ok(promotion);
            }
        };
        promotion.gates = self.ask_gates(tx, &promotion, &found).await?;
        let explanation = blocking(&promotion.gates).unwrap_or_default();
        let next = by_gates(&promotion.gates);
        step(tx, ctx, &mut promotion, next, explanation).await?;
        self.inquire(tx, &promotion).await?;
        if promotion.state == State::Awaiting && promotion.passage.people() == 0 {
            self.settle(tx, ctx, &mut promotion).await?;
        }
        Ok(promotion)
    }

    /// Checks all that has to be true of what is asked for, and asks its gates.
    pub(super) async fn examine(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        draft: &Draft,
    ) -> Result<Vec<GateResult>, Error> {
        let way = &draft.way;
        let mut gates = Vec::new();
        for item in &draft.subject.items {
            let found = self.stands(tx, project, (draft.kind, &way.from), item).await?;
            self.check_target(tx, project, (&way.to, way.sealed), item).await?;
            let case = ((&way.from, &way.to), item, &found);
            let rules = (way.passage.gates.as_slice(), &draft.policy.policy);
            gates.extend(self.judge_item(tx, (project, None), case, rules).await?);
        }
        Ok(gates)
    }

    /// One thing, as long as it stands where its way begins.
    pub(super) async fn stands(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        (kind, from): (PromotionKind, &EnvironmentName),
        item: &Item,
    ) -> Result<Found, Error> {
        let not_there = || Error::NotThere {
            repository: item.repository.clone(),
            reference: item.digest.to_string(),
            environment: from.clone(),
        };
        let view = self.view(from, &item.repository)?;
        let image = image::load(tx, project, &view, &item.digest).await?.ok_or_else(not_there)?;
        let pushed = image.since.ok_or_else(not_there)?;
        if kind == PromotionKind::Rollback || from == self.environments.development() {
            return Ok(Found { image, since: pushed });
        }
        let since = placements::since(tx, project, (from, &item.repository), &item.digest).await?;
        Ok(Found { image, since: since.ok_or_else(not_there)? })
    }

    /// Refuses what is there already, and tags that may not move.
    pub(super) async fn check_target(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        (to, sealed): (&EnvironmentName, bool),
        item: &Item,
    ) -> Result<(), Error> {
        let view = self.view(to, &item.repository)?;
        let mut has_news = false;
        for tag in &item.tags {
            let current = Registry::pointed(tx, project, &view, tag).await?;
            if sealed && let Some(digest) = current.filter(|digest| *digest != item.digest) {
                return Err(Error::Sealed { environment: to.clone(), tag: tag.clone(), digest });
            }
            has_news |= current.is_none_or(|digest| digest != item.digest);
        }
        let current = placements::current(tx, project, to, &item.repository).await?;
        let is_there = current.is_some_and(|current| current.digest == item.digest);
        if is_there && !has_news {
            return Err(Error::AlreadyThere { repository: item.repository.clone(), environment: to.clone() });
        }
        Ok(())
    }

    async fn judge_item(
        &self,
        tx: &mut Tx<'_>,
        (project, promotion): (ProjectId, Option<i64>),
        ((from, to), item, found): ((&EnvironmentName, &EnvironmentName), &Item, &Found),
        (rules, policy): (&[GateRule], &Policy),
    ) -> Result<Vec<GateResult>, Error> {
        let view = self.view(from, &item.repository)?;
        let case = Case {
            project,
            repository: &item.repository,
            stands_in: &view,
            digest: &item.digest,
            image: &found.image,
            tags: &item.tags,
            from,
            to,
            since: found.since,
            policy,
            promotion,
        };
        judge(tx, &self.gates, rules, &case).await
    }

    /// Whether all that a promotion counts on is as it was when it was asked for.
    pub(super) async fn look(&self, tx: &mut Tx<'_>, promotion: &Promotion) -> Result<Look, Error> {
        let project = promotion.project;
        let policy = policy::in_force(tx, project).await?;
        if policy.hash != promotion.policy_hash || policy.revision != promotion.policy_revision {
            return Ok(Look::Changed(format!(
                "it was asked for under revision {} of the policy, and revision {} is in force",
                promotion.policy_revision, policy.revision
            )));
        }
        if let Some(row) = promotion.release_row
            && !release::store::is_still(tx, row, &promotion.items).await?
        {
            return Ok(Look::Changed("the release is not what it was".to_owned()));
        }
        let mut all = Vec::new();
        for item in &promotion.items {
            if let Some(tag) = &item.reference {
                let view = self.view(&promotion.from, &item.repository)?;
                let points_to = Registry::pointed(tx, project, &view, tag).await?;
                if points_to != Some(item.digest) {
                    return Ok(Look::Changed(format!("tag `{tag}` of `{view}` points to something else by now")));
                }
            }
            match self.stands(tx, project, (promotion.kind, &promotion.from), item).await {
                Ok(found) => all.push(found),
                Err(error @ Error::NotThere { .. }) => return Ok(Look::Changed(error.to_string())),
                Err(error) => return Err(error),
            }
        }
        Ok(Look::Same(all))
    }

    /// What the gates of a promotion say now. The policy is the one that it was asked for under.
    pub(super) async fn ask_gates(
        &self,
        tx: &mut Tx<'_>,
        promotion: &Promotion,
        found: &[Found],
    ) -> Result<Vec<GateResult>, Error> {
        let policy = policy::in_force(tx, promotion.project).await?.policy;
        let mut gates = Vec::new();
        for (item, found) in promotion.items.iter().zip(found) {
            let case = ((&promotion.from, &promotion.to), item, found);
            let (about, rules) = ((promotion.project, Some(promotion.row)), promotion.passage.gates.as_slice());
            gates.extend(self.judge_item(tx, about, case, (rules, &policy)).await?);
        }
        Ok(gates)
    }

    /// Who has to do with a promotion, as persons.
    pub(super) async fn parties(
        &self,
        tx: &mut Tx<'_>,
        promotion: &Promotion,
        found: &[Found],
    ) -> Result<Parties, Error> {
        let project = promotion.project;
        let requester = self.people.standing(tx, project, &promotion.requested_by).await?.person.key;
        let accounts: BTreeSet<&String> = found.iter().flat_map(|found| &found.image.pushed_by).collect();
        let mut pushers = BTreeSet::new();
        for account in accounts {
            pushers.insert(self.people.standing(tx, project, account).await?.person.key);
        }
        Ok(Parties { pushers, requester })
    }

    /// Who has agreed, as what they are by now.
    pub(super) async fn agreed(&self, tx: &mut Tx<'_>, promotion: &Promotion) -> Result<Vec<Standing>, Error> {
        let mut agreed = Vec::new();
        for decision in promotion.decisions.iter().filter(|decision| decision.is_approval) {
            agreed.push(self.people.standing(tx, promotion.project, &decision.account).await?);
        }
        Ok(agreed)
    }

    /// How many people's word is missing.
    pub(super) async fn missing(&self, tx: &mut Tx<'_>, promotion: &Promotion, found: &[Found]) -> Result<u32, Error> {
        let parties = self.parties(tx, promotion, found).await?;
        let agreed = self.agreed(tx, promotion).await?;
        Ok(rule::missing(&promotion.passage, &parties, &agreed))
    }
}

/// The step that follows from what gates say.
pub(super) fn by_gates(gates: &[GateResult]) -> Step {
    if gates.iter().any(GateResult::is_blocking) {
        Step::Block
    } else if gates.iter().any(GateResult::is_waiting) {
        Step::Wait
    } else {
        Step::Pass
    }
}

/// What keeps a promotion from going on, in words.
pub(super) fn blocking(gates: &[GateResult]) -> Option<String> {
    let no: Vec<String> = gates
        .iter()
        .filter(|gate| gate.is_blocking() || gate.is_waiting())
        .map(|gate| format!("gate `{}` ({}): {}", gate.gate, gate.repository, gate.reason))
        .collect();
    (!no.is_empty()).then(|| no.join("; "))
}
