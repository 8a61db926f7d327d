//! Eligibility: what a promotion would meet, before anybody is asked.

use wharf_context::action::SeeGovernance;
use wharf_context::{ProjectId, Timestamp, Warrant};
use wharf_db::Tx;
use wharf_oci::EnvironmentName;

use super::ask::{Wish, after_gates};
use super::{Item, NewPromotion, State};
use crate::environment::Passage;
use crate::environment::window::next_opening;
use crate::error::Error;
use crate::gate::GateResult;
use crate::governance::Governance;
use crate::unread::Unread;

/// What a promotion would meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Eligibility {
    /// Whether it could be asked for and approved now.
    pub is_eligible: bool,
    /// Where it would begin.
    pub from: EnvironmentName,
    /// Where it would lead.
    pub to: EnvironmentName,
    /// What would be promoted.
    pub items: Vec<Item>,
    /// What stands in its way beside the gates; empty where nothing does.
    pub obstacle: String,
    /// What every gate says.
    pub gates: Vec<GateResult>,
    /// What the way takes.
    pub passage: Passage,
    /// When it would run if all agreed now.
    pub run_at: Option<Timestamp>,
}

impl Governance {
    /// What a promotion would meet: every gate with its answer, why, and what to do about it.
    pub async fn eligibility(
        &self,
        warrant: &Warrant<SeeGovernance>,
        new: &NewPromotion,
    ) -> Result<Eligibility, Error> {
        let project = warrant.project();
        let mut unread = Unread::default();
        loop {
            match self.db.transaction(async |tx| self.eligibility_in(tx, project, new).await).await {
                Ok(eligibility) => return Ok(eligibility),
                Err(error) => self.read_missing(project, error, &mut unread).await?,
            }
        }
    }

    async fn eligibility_in(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        new: &NewPromotion,
    ) -> Result<Eligibility, Error> {
        let draft = self.draft(tx, project, Wish::Promotion(new)).await?;
        let (gates, obstacle) = match self.examine(tx, project, &draft).await {
            Ok(gates) => (gates, String::new()),
            Err(error @ (Error::NotThere { .. } | Error::Sealed { .. } | Error::AlreadyThere { .. })) => {
                (Vec::new(), error.to_string())
            }
            Err(error) => return Err(error),
        };
        let passage = draft.way.passage;
        let run_at = next_opening(passage.window.as_ref(), &passage.freeze, tx.now());
        let is_eligible = obstacle.is_empty() && after_gates(&gates) == State::Awaiting && run_at.is_some();
        let (from, to, items) = (draft.way.from, draft.way.to, draft.subject.items);
        Ok(Eligibility { is_eligible, from, to, items, obstacle, gates, passage, run_at })
    }
}
