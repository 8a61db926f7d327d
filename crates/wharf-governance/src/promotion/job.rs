//! What happens to promotions later: they run in their window, their time ends, and what they waited for is answered.

use serde::{Deserialize, Serialize};
use wharf_context::{Caller, Context, Grants, RequestId};
use wharf_db::Job;

use super::execute::By;
use super::step::step;
use super::{State, Step, store};
use crate::error::Error;
use crate::governance::Governance;

/// The kind of the job that looks whether something is to happen to a promotion.
pub const ADVANCE: &str = "governance.promotion";

/// What the job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) promotion: i64,
}

impl Governance {
    /// Runs what is due, asks gates that did not know, ends what is over. Nothing happens where neither is so any more.
    pub async fn advance_promotion(&self, job: &Job) -> Result<(), Error> {
        let Payload { promotion: row } = job.decode()?;
        let Some(promotion) = store::by_row(&self.db, row).await? else { return Ok(()) };
        let now = self.db.clock().now();
        if promotion.state == State::Scheduled
            && promotion.run_at.is_some_and(|at| at <= now)
            && now < promotion.expires_at
        {
            return match self.execute(&system(), &promotion, By::Itself).await {
                Ok(_) | Err(Error::PromotionState { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        }
        if matches!(promotion.state, State::Checking | State::Blocked) && now < promotion.expires_at {
            return match self.check(&system(), promotion.project, &promotion.id).await {
                Ok(_) | Err(Error::PromotionState { .. } | Error::PromotionMoved { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        }
        self.db
            .transaction(async |tx| {
                let Some(mut promotion) = store::by_row(&mut *tx, row).await? else { return Ok(()) };
                // What is on its way was begun in time.
                let is_over = promotion.state.is_open() && promotion.state != State::Transferring;
                if !is_over || tx.now() < promotion.expires_at {
                    return Ok(());
                }
                step(tx, &system(), &mut promotion, Step::Expire, "its time was over").await
            })
            .await
    }
}

/// Wharf itself, when something runs by itself.
pub(crate) fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}
