//! Asking for a promotion, a rollback or an emergency, and taking it back.

use uuid::Uuid;
use wharf_context::action::{ExecutePromotion, RequestPromotion};
use wharf_context::{Context, Event, ProjectId, Warrant};
use wharf_db::Tx;
use wharf_oci::EnvironmentName;

use super::check::by_gates;
use super::step::{look_again, step, tell};
use super::subject::Subject;
use super::{NewEmergency, NewPromotion, NewRollback, Promotion, PromotionKind, State, Step, store};
use crate::environment::window::next_opening;
use crate::environment::{Ladder, Way};
use crate::error::Error;
use crate::gate::GateResult;
use crate::governance::Governance;
use crate::policy::{self, PolicyRevision};
use crate::review;
use crate::unread::Unread;

/// The longest reason or comment.
const MAX_REASON_BYTES: usize = 4_096;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish<'a> {
    Promotion(&'a NewPromotion),
    Emergency(&'a NewEmergency),
    Rollback(&'a NewRollback),
}

impl Wish<'_> {
    fn kind(&self) -> PromotionKind {
        match self {
            Self::Promotion(_) => PromotionKind::Promotion,
            Self::Emergency(_) => PromotionKind::Emergency,
            Self::Rollback(_) => PromotionKind::Rollback,
        }
    }

    fn to(&self) -> (&EnvironmentName, Option<&EnvironmentName>) {
        match self {
            Self::Promotion(new) => (&new.to, None),
            Self::Emergency(new) => (&new.promotion.to, new.from.as_ref()),
            Self::Rollback(new) => (&new.environment, None),
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Promotion(new) => &new.reason,
            Self::Emergency(new) => &new.promotion.reason,
            Self::Rollback(new) => &new.reason,
        }
    }
}

/// What is asked for, and what the policy of this moment makes of it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: PromotionKind,
    pub(super) way: Way,
    pub(super) subject: Subject,
    pub(super) policy: PolicyRevision,
}

impl Governance {
    /// Asks for something to go on to the next environment.
    pub async fn request_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<RequestPromotion>,
        new: &NewPromotion,
    ) -> Result<Promotion, Error> {
        self.ask(ctx, warrant.project(), Wish::Promotion(new)).await
    }

    /// Asks for something to go where it is needed at once. Raises an alarm, and somebody else has to look at it later.
    pub async fn request_emergency(
        &self,
        ctx: &Context,
        warrant: &Warrant<ExecutePromotion>,
        new: &NewEmergency,
    ) -> Result<Promotion, Error> {
        if new.promotion.reason.trim().is_empty() {
            return Err(Error::ReasonMissing);
        }
        self.ask(ctx, warrant.project(), Wish::Emergency(new)).await
    }

    /// Asks for what stood somewhere before.
    pub async fn request_rollback(
        &self,
        ctx: &Context,
        warrant: &Warrant<ExecutePromotion>,
        new: &NewRollback,
    ) -> Result<Promotion, Error> {
        self.ask(ctx, warrant.project(), Wish::Rollback(new)).await
    }

    /// Takes back what one has asked for.
    pub async fn cancel_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<RequestPromotion>,
        id: &str,
    ) -> Result<Promotion, Error> {
        self.db
            .transaction(async |tx| {
                let mut promotion = store::find(&mut *tx, warrant.project(), id)
                    .await?
                    .ok_or_else(|| Error::PromotionUnknown { id: id.to_owned() })?;
                let asker = self.people.standing(tx, promotion.project, &promotion.requested_by).await?;
                let caller = self.people.standing(tx, promotion.project, &ctx.caller.name).await?;
                if asker.person.key != caller.person.key {
                    return Err(Error::NotRequester { id: id.to_owned() });
                }
                step(tx, ctx, &mut promotion, Step::Cancel, "taken back by whoever asked for it").await?;
                Ok(promotion)
            })
            .await
    }

    async fn ask(&self, ctx: &Context, project: ProjectId, wish: Wish<'_>) -> Result<Promotion, Error> {
        check_text(wish.reason())?;
        let mut unread = Unread::default();
        let promotion = loop {
            match self.db.transaction(async |tx| self.ask_in(tx, ctx, project, wish).await).await {
                Ok(promotion) => break promotion,
                Err(error) => self.read_missing(project, error, &mut unread).await?,
            }
        };
        self.run_if_due(promotion).await
    }

    async fn ask_in(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        project: ProjectId,
        wish: Wish<'_>,
    ) -> Result<Promotion, Error> {
        let draft = self.draft(tx, project, wish).await?;
        if draft.kind == PromotionKind::Emergency {
            self.alarm(tx, ctx, project, (&draft, wish.reason())).await?;
        }
        let gates = self.examine(tx, project, &draft).await?;
        let now = tx.now();
        let passage = &draft.way.passage;
        next_opening(passage.window.as_ref(), &passage.freeze, now).ok_or(Error::NeverOpens)?;
        let key = draft.subject.key();
        if let Some(id) = store::same_open(tx, project, draft.way.to.as_str(), &key).await? {
            return Err(Error::PromotionOpen { id });
        }
        let reason = wish.reason().to_owned();
        let mut promotion = new_promotion(ctx, project, draft, (reason, gates), now);
        promotion.row = store::insert(tx, &promotion, &key).await?;
        tell(tx, ctx, &promotion, None).await?;
        look_again(tx, promotion.row, promotion.expires_at).await?;
        self.inquire(tx, &promotion).await?;
        if promotion.state == State::Awaiting && promotion.passage.people() == 0 {
            self.settle(tx, ctx, &mut promotion).await?;
        }
        Ok(promotion)
    }

    /// Finds the way and what is to go it.
    pub(super) async fn draft(&self, tx: &mut Tx<'_>, project: ProjectId, wish: Wish<'_>) -> Result<Draft, Error> {
        let policy = policy::in_force(tx, project).await?;
        let ladder = self.ladder(&policy)?;
        let (to, from) = wish.to();
        let way = ladder.way(wish.kind(), to, from).map_err(Error::NoWay)?;
        let subject = match wish {
            Wish::Promotion(new) => self.resolve(tx, project, (&new.what, &way)).await?,
            Wish::Emergency(new) => self.resolve(tx, project, (&new.promotion.what, &way)).await?,
            Wish::Rollback(new) => self.resolve_before(tx, project, new).await?,
        };
        Ok(Draft { kind: wish.kind(), way, subject, policy })
    }

    /// The project's ladder on this server.
    pub(crate) fn ladder(&self, policy: &PolicyRevision) -> Result<Ladder, Error> {
        let ladder = policy.policy.environments.on(&self.environments);
        ladder.map_err(|reason| Error::PolicyInvalid { reason })
    }

    /// Tells everybody that the emergency passage is asked for, unless it is closed.
    async fn alarm(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        project: ProjectId,
        (draft, reason): (&Draft, &str),
    ) -> Result<(), Error> {
        if draft.policy.policy.environments.open_review_closes_emergency
            && let Some(id) = review::store::first_open(tx, project).await?
        {
            return Err(Error::ReviewOpen { id });
        }
        tx.announce(Event::EmergencyRaised {
            project: project.0,
            environment: draft.way.to.to_string(),
            requested_by: ctx.caller.name.clone(),
            reason: reason.to_owned(),
        })
        .await?;
        Ok(())
    }
}

fn new_promotion(
    ctx: &Context,
    project: ProjectId,
    draft: Draft,
    (reason, gates): (String, Vec<GateResult>),
    now: wharf_context::Timestamp,
) -> Promotion {
    let Draft { kind, way, subject, policy } = draft;
    let (release_row, release) = subject.release.clone().unzip();
    Promotion {
        row: 0,
        project,
        id: Uuid::now_v7().to_string(),
        kind,
        from: way.from,
        to: way.to,
        release_row,
        release,
        digest: subject.digest(),
        state: after_gates(&gates),
        revision: 1,
        requested_by: ctx.caller.name.clone(),
        requested_at: now,
        reason,
        policy_revision: policy.revision,
        policy_hash: policy.hash,
        expires_at: now.plus(way.passage.expires_after.duration()),
        passage: way.passage,
        sealed: way.sealed,
        gates,
        run_at: None,
        changed_at: now,
        ended_at: None,
        ended_by: None,
        explanation: String::new(),
        items: subject.items,
        decisions: Vec::new(),
    }
}

/// Where a new promotion stands when its gates have said this.
pub(super) fn after_gates(gates: &[GateResult]) -> State {
    State::Checking.after(by_gates(gates)).unwrap_or(State::Checking)
}

/// Refuses a text that cannot be kept.
pub fn check_text(text: &str) -> Result<(), Error> {
    if text.len() > MAX_REASON_BYTES || text.contains('\0') {
        return Err(Error::TextInvalid { max_bytes: MAX_REASON_BYTES });
    }
    Ok(())
}
