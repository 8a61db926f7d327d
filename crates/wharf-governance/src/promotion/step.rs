//! One step of a promotion: from state to state, written down, audited and announced in one transaction.

use serde_json::json;
use wharf_context::{Context, Event, ProjectId, Timestamp};
use wharf_db::{AuditEntry, NewJob, Tx};

use super::job::{ADVANCE, Payload};
use super::{Promotion, State, Step, store};
use crate::error::Error;
use crate::hold;

/// Takes a step. What it is called for is in `explanation`, for people.
pub(crate) async fn step(
    tx: &mut Tx<'_>,
    ctx: &Context,
    promotion: &mut Promotion,
    step: Step,
    explanation: impl Into<String>,
) -> Result<(), Error> {
    let before = promotion.state;
    let next = before.after(step).ok_or_else(|| Error::PromotionState { id: promotion.id.clone(), state: before })?;
    let now = tx.now();
    promotion.state = next;
    promotion.revision += 1;
    promotion.changed_at = now;
    promotion.explanation = explanation.into();
    if !next.is_open() {
        promotion.ended_at = Some(now);
        promotion.ended_by = Some(ctx.caller.name.clone());
    }
    if !store::update(tx, promotion, before).await? {
        return Err(Error::PromotionMoved { id: promotion.id.clone() });
    }
    tell(tx, ctx, promotion, Some(before)).await
}

/// Writes what became of a promotion into the audit log and tells whoever wants to hear of it.
pub(super) async fn tell(
    tx: &mut Tx<'_>,
    ctx: &Context,
    promotion: &Promotion,
    before: Option<State>,
) -> Result<(), Error> {
    let items: Vec<String> =
        promotion.items.iter().map(|item| format!("{}@{}", item.repository, item.digest)).collect();
    let details = json!({
        "kind": promotion.kind.name(),
        "from": promotion.from.as_str(),
        "to": promotion.to.as_str(),
        "items": items,
        "release": promotion.release,
        "before": before.map(State::name),
        "after": promotion.state.name(),
        "policy_hash": promotion.policy_hash,
        "explanation": promotion.explanation,
        "reason": promotion.reason,
    });
    tx.audit(&AuditEntry::new(ctx, action(promotion.state, before), promotion.id.clone()).with_details(details))
        .await?;
    tx.announce(Event::PromotionChanged {
        project: promotion.project.0,
        promotion: promotion.id.clone(),
        kind: promotion.kind.name().to_owned(),
        state: promotion.state.name().to_owned(),
        environment: promotion.to.to_string(),
        items,
    })
    .await?;
    Ok(())
}

fn action(state: State, before: Option<State>) -> &'static str {
    if before.is_none() {
        return "promotion.request";
    }
    match state {
        State::Checking | State::Blocked | State::Awaiting => "promotion.check",
        State::Approved | State::Scheduled => "promotion.approve",
        State::Transferring => "promotion.transfer",
        State::Done => "promotion.execute",
        State::Rejected => "promotion.reject",
        State::Expired => "promotion.expire",
        State::Cancelled => "promotion.cancel",
        State::Failed => "promotion.fail",
        State::Invalidated => "promotion.invalidate",
    }
}

/// Voids what is open in a project and about something that a hold is on by now.
pub(crate) async fn void_held(tx: &mut Tx<'_>, ctx: &Context, project: ProjectId) -> Result<(), Error> {
    for mut promotion in store::open(tx, project).await? {
        for item in promotion.items.clone() {
            if let Some(hold) = hold::in_the_way(tx, (project, &item.repository), &item.digest).await? {
                let why = format!("hold {} is on `{}@{}`: {}", hold.id, item.repository, item.digest, hold.reason);
                step(tx, ctx, &mut promotion, Step::Invalidate, why).await?;
                break;
            }
        }
    }
    Ok(())
}

/// Has somebody look at the promotion again at that time.
pub(super) async fn look_again(tx: &mut Tx<'_>, promotion: i64, at: Timestamp) -> Result<(), Error> {
    let payload = serde_json::to_string(&Payload { promotion });
    let payload = payload.map_err(|_| Error::MalformedRow { what: "a job's payload" })?;
    tx.enqueue(NewJob { kind: ADVANCE, payload, run_at: at }).await?;
    Ok(())
}

/// Has somebody look at the promotion again at once: what it waited for is known.
pub(crate) async fn look_now(tx: &mut Tx<'_>, promotion: i64) -> Result<(), Error> {
    let now = tx.now();
    look_again(tx, promotion, now).await
}
