//! Executing what was approved: one transaction, in which everything that was checked is checked again.

use wharf_context::action::ExecutePromotion;
use wharf_context::{Context, Govern, Kind, Timestamp, Warrant};
use wharf_db::Tx;
use wharf_registry::Placing;

use super::check::{Found, Look, blocking};
use super::job::system;
use super::rule;
use super::step::{look_again, step};
use super::{Item, Promotion, PromotionKind, State, Step, store};
use crate::environment::store as placements;
use crate::environment::window::next_opening;
use crate::error::Error;
use crate::governance::Governance;
use crate::unread::Unread;
use crate::{release, review};

/// Who executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Nobody: it runs by itself.
    Itself,
    /// Somebody with the right to.
    Hand,
}

impl Governance {
    /// Executes what was approved and waits for somebody to do so, or for its hour.
    pub async fn execute_promotion(
        &self,
        ctx: &Context,
        warrant: &Warrant<ExecutePromotion>,
        id: &str,
        expected: Option<i64>,
    ) -> Result<Promotion, Error> {
        let found = store::find(&self.db, warrant.project(), id).await?;
        let promotion = found.ok_or_else(|| Error::PromotionUnknown { id: id.to_owned() })?;
        if expected.is_some_and(|expected| expected != promotion.revision) {
            return Err(Error::PromotionMoved { id: id.to_owned() });
        }
        let executed = self.execute(ctx, &promotion, By::Hand).await?;
        if matches!(executed.state, State::Done | State::Transferring) {
            return Ok(executed);
        }
        Err(Error::ApprovalVoid { id: executed.id, state: executed.state, why: executed.explanation })
    }

    /// Runs what runs by itself and is due; leaves everything else.
    pub(super) async fn run_if_due(&self, promotion: Promotion) -> Result<Promotion, Error> {
        let is_due = promotion.run_at.is_some_and(|at| at <= promotion.changed_at);
        if promotion.state != State::Scheduled || !is_due {
            return Ok(promotion);
        }
        match self.execute(&system(), &promotion, By::Itself).await {
            // Somebody was faster: the job.
            Err(Error::PromotionState { .. }) => Ok(store::by_row(&self.db, promotion.row).await?.unwrap_or(promotion)),
            other => other,
        }
    }

    /// Executes; what cannot work is written down as failed.
    pub(super) async fn execute(&self, ctx: &Context, promotion: &Promotion, by: By) -> Result<Promotion, Error> {
        let (row, mut unread) = (promotion.row, Unread::default());
        loop {
            match self.db.transaction(async |tx| self.execute_in(tx, ctx, row, by).await).await {
                Ok(executed) => return Ok(executed),
                Err(error) if is_hopeless(&error) => {
                    let why = error.to_string();
                    return self.db.transaction(async |tx| self.fail(tx, ctx, row, &why).await).await;
                }
                Err(error) => self.read_missing(promotion.project, error, &mut unread).await?,
            }
        }
    }

    async fn execute_in(&self, tx: &mut Tx<'_>, ctx: &Context, row: i64, by: By) -> Result<Promotion, Error> {
        let mut promotion = load(tx, row).await?;
        if !matches!(promotion.state, State::Approved | State::Scheduled)
            || (by == By::Itself && promotion.state == State::Approved)
        {
            return Err(Error::PromotionState { id: promotion.id, state: promotion.state });
        }
        if tx.now() >= promotion.expires_at {
            step(tx, ctx, &mut promotion, Step::Expire, "its time was over").await?;
            return Ok(promotion);
        }
        let found = match self.still_good(tx, ctx, &mut promotion).await? {
            Some(found) => found,
            None => return Ok(promotion),
        };
        if by == By::Hand {
            self.check_executor(tx, ctx, &promotion, &found).await?;
        }
        let passage = &promotion.passage;
        let opens = next_opening(passage.window.as_ref(), &passage.freeze, tx.now()).ok_or(Error::NeverOpens)?;
        if opens > tx.now() {
            return self.wait(tx, ctx, promotion, (opens, by)).await;
        }
        match self.remote_of(tx, &promotion).await? {
            Some(remote) => {
                // What stands in its way here is told before anything is carried.
                for item in &promotion.items {
                    self.check_target(tx, promotion.project, (&promotion.to, promotion.sealed), item).await?;
                }
                self.send(tx, ctx, (&mut promotion, &remote)).await?;
            }
            None => self.settle_there(tx, ctx, &mut promotion).await?,
        }
        Ok(promotion)
    }

    /// It stands in its environment from now on.
    pub(super) async fn settle_there(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        promotion: &mut Promotion,
    ) -> Result<(), Error> {
        for item in promotion.items.clone() {
            self.place(tx, ctx, promotion, &item).await?;
        }
        if let Some(release) = promotion.release_row.filter(|_| promotion.sealed) {
            release::store::seal(tx, release, &ctx.caller.name).await?;
        }
        if promotion.kind == PromotionKind::Emergency {
            review::store::open(tx, promotion.project, promotion.row).await?;
        }
        step(tx, ctx, promotion, Step::Execute, "").await
    }

    /// Whether all that was decided on is as it was. Else the promotion is void from now on.
    pub(super) async fn still_good(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        promotion: &mut Promotion,
    ) -> Result<Option<Vec<Found>>, Error> {
        let found = match self.look(tx, promotion).await? {
            Look::Same(found) => found,
            Look::Changed(why) => {
                step(tx, ctx, promotion, Step::Invalidate, why).await?;
                return Ok(None);
            }
        };
        promotion.gates = self.ask_gates(tx, promotion, &found).await?;
        if let Some(why) = blocking(&promotion.gates) {
            step(tx, ctx, promotion, Step::Invalidate, why).await?;
            return Ok(None);
        }
        if self.missing(tx, promotion, &found).await? > 0 {
            let why = "who approved it is not who the policy takes any more";
            step(tx, ctx, promotion, Step::Invalidate, why).await?;
            return Ok(None);
        }
        Ok(Some(found))
    }

    async fn check_executor(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        promotion: &Promotion,
        found: &[Found],
    ) -> Result<(), Error> {
        let Some(executor) = &promotion.passage.executor else { return Ok(()) };
        let parties = self.parties(tx, promotion, found).await?;
        let agreed = self.agreed(tx, promotion).await?;
        let caller = self.people.standing(tx, promotion.project, &ctx.caller.name).await?;
        rule::may_execute(executor, &parties, &caller, &agreed).map_err(Error::NotExecutor)
    }

    /// The window is closed: whoever came by hand is told, the job comes again.
    async fn wait(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        mut promotion: Promotion,
        (opens, by): (Timestamp, By),
    ) -> Result<Promotion, Error> {
        if by == By::Hand {
            return Err(Error::WindowClosed { opens });
        }
        promotion.run_at = Some(opens);
        step(tx, ctx, &mut promotion, Step::Schedule, "it runs in its window").await?;
        look_again(tx, promotion.row, opens).await?;
        Ok(promotion)
    }

    /// Places one thing, and ends what stood there.
    async fn place(&self, tx: &mut Tx<'_>, ctx: &Context, promotion: &Promotion, item: &Item) -> Result<(), Error> {
        let project = promotion.project;
        self.check_target(tx, project, (&promotion.to, promotion.sealed), item).await?;
        let (from, to) = (self.view(&promotion.from, &item.repository)?, self.view(&promotion.to, &item.repository)?);
        let govern = Govern::decided(project);
        let placing = Placing { govern, from: &from, digest: &item.digest, to: &to, tags: &item.tags };
        self.registry.place(tx, ctx, &placing).await?;
        placements::put(tx, promotion, item).await
    }

    async fn fail(&self, tx: &mut Tx<'_>, ctx: &Context, row: i64, why: &str) -> Result<Promotion, Error> {
        let mut promotion = load(tx, row).await?;
        step(tx, ctx, &mut promotion, Step::Fail, why).await?;
        Ok(promotion)
    }
}

async fn load(tx: &mut Tx<'_>, row: i64) -> Result<Promotion, Error> {
    store::by_row(tx, row).await?.ok_or_else(|| Error::PromotionUnknown { id: row.to_string() })
}

/// Whether trying again would not help: the registry refuses it, or a tag stands in its way.
pub(super) fn is_hopeless(error: &Error) -> bool {
    if let Error::Registry(error) = error {
        return matches!(error.kind(), Kind::Denied | Kind::NotFound | Kind::Invalid | Kind::Conflict);
    }
    matches!(error, Error::Sealed { .. } | Error::AlreadyThere { .. })
}
