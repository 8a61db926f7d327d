//! Approving and rejecting: one decision of each person, by those whom the policy takes.

use wharf_context::action::ApprovePromotion;
use wharf_context::{CallerId, Context, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::Digest;

use super::ask::check_text;
use super::check::{Look, blocking};
use super::rule;
use super::step::{look_again, step};
use super::{Decision, Promotion, State, Step, store};
use crate::environment::window::next_opening;
use crate::error::Error;
use crate::governance::Governance;
use crate::policy;
use crate::ports::Standing;
use crate::unread::Unread;

/// What somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// [`Promotion::digest`], as they saw it: nobody agrees to what they did not see.
    pub digest: Digest,
    /// Why.
    pub comment: String,
    /// Only if the promotion still is at this revision.
    pub expected: Option<i64>,
}

impl Governance {
    /// Agrees to a promotion. When nobody's word is missing any more, it runs: at once, in its window, or when somebody
    /// executes it.
    pub async fn approve_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<ApprovePromotion>,
        id: &str,
        decision: &NewDecision,
    ) -> Result<Promotion, Error> {
        check_text(&decision.comment)?;
        refuse_machines(ctx)?;
        let mut unread = Unread::default();
        let approved = loop {
            match self.db.transaction(async |tx| self.approve_in(tx, ctx, warrant, (id, decision)).await).await {
                Ok(approved) => break approved,
                Err(error) => self.read_missing(warrant.project(), error, &mut unread).await?,
            }
        };
        if matches!(approved.state, State::Expired | State::Invalidated | State::Blocked | State::Checking) {
            let (id, state) = (approved.id, approved.state);
            return Err(Error::ApprovalVoid { id, state, why: approved.explanation });
        }
        self.run_if_due(approved).await
    }

    async fn approve_in(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        warrant: &Warrant<ApprovePromotion>,
        (id, decision): (&str, &NewDecision),
    ) -> Result<Promotion, Error> {
        let mut promotion = self.to_decide(tx, warrant, (id, decision)).await?;
        if promotion.state != State::Awaiting {
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
        if let Some(why) = blocking(&promotion.gates) {
            // Nobody has agreed to anything yet: it can wait for better times.
            let void = if promotion.agreed() == 0 { Step::Block } else { Step::Invalidate };
            step(tx, ctx, &mut promotion, void, why).await?;
            return Ok(promotion);
        }
        let caller = self.fit_approver(tx, ctx, &promotion).await?;
        let parties = self.parties(tx, &promotion, &found).await?;
        let agreed = self.agreed(tx, &promotion).await?;
        rule::may_approve(&promotion.passage, &parties, &caller, &agreed).map_err(Error::Unfit)?;
        note(tx, ctx, &mut promotion, (&caller, decision, true)).await?;
        if self.missing(tx, &promotion, &found).await? == 0 {
            self.settle(tx, ctx, &mut promotion).await?;
        } else {
            let now = tx.now();
            store::touch(tx, &mut promotion, now).await?;
        }
        Ok(promotion)
    }

    /// Says no, which ends it.
    pub async fn reject_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<ApprovePromotion>,
        id: &str,
        decision: &NewDecision,
    ) -> Result<Promotion, Error> {
        check_text(&decision.comment)?;
        refuse_machines(ctx)?;
        if decision.comment.trim().is_empty() {
            return Err(Error::ReasonMissing);
        }
        self.db
            .transaction(async |tx| {
                let mut promotion = self.to_decide(tx, warrant, (id, decision)).await?;
                if !promotion.state.is_open() {
                    return Err(Error::PromotionState { id: id.to_owned(), state: promotion.state });
                }
                let caller = self.people.standing(tx, promotion.project, &ctx.caller.name).await?;
                note(tx, ctx, &mut promotion, (&caller, decision, false)).await?;
                step(tx, ctx, &mut promotion, Step::Reject, decision.comment.clone()).await?;
                Ok(promotion)
            })
            .await
    }

    /// The promotion that somebody decides about, as they saw it.
    async fn to_decide(
        &self,
        tx: &mut Tx<'_>,
        warrant: &Warrant<ApprovePromotion>,
        (id, decision): (&str, &NewDecision),
    ) -> Result<Promotion, Error> {
        let found = store::find(&mut *tx, warrant.project(), id).await?;
        let promotion = found.ok_or_else(|| Error::PromotionUnknown { id: id.to_owned() })?;
        if decision.expected.is_some_and(|expected| expected != promotion.revision) {
            return Err(Error::PromotionMoved { id: id.to_owned() });
        }
        if decision.digest != promotion.digest {
            return Err(Error::DigestEcho { id: id.to_owned(), digest: promotion.digest });
        }
        Ok(promotion)
    }

    /// The caller, unless they changed the policy a short while ago.
    async fn fit_approver(&self, tx: &mut Tx<'_>, ctx: &Context, promotion: &Promotion) -> Result<Standing, Error> {
        let caller = self.people.standing(tx, promotion.project, &ctx.caller.name).await?;
        let waits = policy::store::editor_waits_until(tx, promotion.project, &caller.accounts).await?;
        match waits {
            Some(until) => Err(Error::EditorWaits { until }),
            None => Ok(caller),
        }
    }

    /// Nobody's word is missing: somebody executes it, or it runs by itself when its window is open.
    pub(super) async fn settle(&self, tx: &mut Tx<'_>, ctx: &Context, promotion: &mut Promotion) -> Result<(), Error> {
        if promotion.passage.executor.is_some() {
            return step(tx, ctx, promotion, Step::Approve, "somebody has to execute it").await;
        }
        let passage = &promotion.passage;
        let opens = next_opening(passage.window.as_ref(), &passage.freeze, tx.now()).ok_or(Error::NeverOpens)?;
        promotion.run_at = Some(opens);
        let when = if opens > tx.now() { "it runs in its window" } else { "it runs at once" };
        step(tx, ctx, promotion, Step::Schedule, when).await?;
        look_again(tx, promotion.row, opens).await
    }
}

/// Machines ask; people decide.
fn refuse_machines(ctx: &Context) -> Result<(), Error> {
    match ctx.caller.id {
        CallerId::User(_) => Ok(()),
        CallerId::Anonymous | CallerId::Robot(_) | CallerId::System => Err(Error::NotAPerson),
    }
}

/// Writes down what somebody said.
async fn note(
    tx: &mut Tx<'_>,
    ctx: &Context,
    promotion: &mut Promotion,
    (caller, new, is_approval): (&Standing, &NewDecision, bool),
) -> Result<(), Error> {
    let decision = Decision {
        person: caller.person.key.clone(),
        account: ctx.caller.name.clone(),
        is_approval,
        comment: new.comment.clone(),
        decided_at: tx.now(),
    };
    if !store::insert_decision(tx, promotion, &decision).await? {
        return Err(Error::AlreadyDecided { id: promotion.id.clone() });
    }
    let action = if is_approval { "approval.give" } else { "approval.refuse" };
    let details = serde_json::json!({
        "person": decision.person, "digest": new.digest.to_string(), "comment": new.comment, "policy_hash": promotion.policy_hash,
    });
    tx.audit(&AuditEntry::new(ctx, action, promotion.id.clone()).with_details(details)).await?;
    promotion.decisions.push(decision);
    Ok(())
}
