//! Promotions: something that stands in one environment is asked, approved and executed into another.
//!
//! A promotion acts on digests; a tag is resolved when it is asked for, and shown. It is asked for under the policy of
//! that moment, and what was checked then is checked again in the transaction that executes it: the policy, the gates,
//! the people who agreed and what they are, and that the content still stands where it came from. Rollbacks and
//! emergencies are promotions with ways of their own.
//!
//! Reading order: [`state`], [`rule`] (pure); then the sentence: `ask` → `check` → `approve` → `execute` (or [`transfer`]),
//! each by `step`; [`job`] for what happens later; `subject` (what is promoted), `store`.

mod approve;
mod ask;
mod check;
mod eligibility;
mod execute;
pub mod job;
pub mod rule;
pub mod state;
mod step;
pub(crate) mod store;
mod subject;
pub mod transfer;

use wharf_context::action::SeeGovernance;
use wharf_context::{ProjectId, Timestamp, Warrant};
use wharf_oci::{Digest, EnvironmentName, Reference, RepositoryName, Tag};

pub use self::approve::NewDecision;
pub use self::ask::check_text;
pub use self::eligibility::Eligibility;
pub(crate) use self::job::system;
pub use self::state::{State, Step};
pub(crate) use self::step::{look_now, step, void_held};
use crate::environment::Passage;
use crate::error::Error;
use crate::gate::GateResult;
use crate::governance::Governance;
use crate::page::{Page, PageRequest};

/// Which sort of way is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PromotionKind {
    /// From one environment to the next.
    Promotion,
    /// Back to what stood there before.
    Rollback,
    /// In an emergency.
    Emergency,
}

impl PromotionKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Promotion, Self::Rollback, Self::Emergency];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Promotion => "promotion",
            Self::Rollback => "rollback",
            Self::Emergency => "emergency",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What somebody wants to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// One image or other artifact.
    Image {
        /// Its repository, by the name in development.
        repository: RepositoryName,
        /// Which one. A tag is resolved where the way begins.
        reference: Reference,
        /// Which tags point at it where it goes.
        tags: TagChoice,
    },
    /// All of a release.
    Release {
        /// Which.
        version: String,
    },
}

/// Which tags go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChoice {
    /// The one that was named.
    Named,
    /// All that point at it.
    All,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPromotion {
    /// What.
    pub what: Asked,
    /// Where to.
    pub to: EnvironmentName,
    /// Why.
    pub reason: String,
}

/// What is asked for in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEmergency {
    /// What, where to, and why: that must be said.
    pub promotion: NewPromotion,
    /// Where it is to be taken from; from the nearest environment that the policy allows where nothing is said.
    pub from: Option<EnvironmentName>,
}

/// What is to be as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRollback {
    /// Where.
    pub environment: EnvironmentName,
    /// Which repository; with it goes all that came with the same release.
    pub repository: RepositoryName,
    /// Why.
    pub reason: String,
}

/// One thing that is promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its repository, by the name in development.
    pub repository: RepositoryName,
    /// What.
    pub digest: Digest,
    /// The tag that was named, where one was.
    pub reference: Option<Tag>,
    /// The tags that point at it where it goes.
    pub tags: Vec<Tag>,
    /// Of a rollback: what stood there before that again.
    pub(crate) before: Option<i64>,
}

/// What one person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who, as a person.
    pub(crate) person: String,
    /// By which account.
    pub account: String,
    /// Whether they agreed.
    pub is_approval: bool,
    /// Why.
    pub comment: String,
    /// When.
    pub decided_at: Timestamp,
}

/// A promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    pub(crate) row: i64,
    /// Its project.
    pub project: ProjectId,
    /// Its name outside.
    pub id: String,
    /// Which sort of way.
    pub kind: PromotionKind,
    /// Where it begins.
    pub from: EnvironmentName,
    /// Where it leads.
    pub to: EnvironmentName,
    /// The release that it is about, where it is about one: its row.
    pub(crate) release_row: Option<i64>,
    /// The version of that release.
    pub release: Option<String>,
    /// What whoever approves has to echo: the digest of the one thing, or the digest over all of several.
    pub digest: Digest,
    /// Where it stands.
    pub state: State,
    /// Counted up with every change; the entity tag.
    pub revision: i64,
    /// Who asked, by their account.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Why.
    pub reason: String,
    /// The policy that it was asked for under.
    pub policy_revision: i64,
    /// The digest of that policy.
    pub policy_hash: String,
    /// What the way takes.
    pub passage: Passage,
    /// Whether tags never move where it leads.
    pub(crate) sealed: bool,
    /// What the gates said last.
    pub gates: Vec<GateResult>,
    /// When its time is over.
    pub expires_at: Timestamp,
    /// When it is executed, where that is set.
    pub run_at: Option<Timestamp>,
    /// When it changed last.
    pub changed_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who ended it, by their account.
    pub ended_by: Option<String>,
    /// What there is to say about its state.
    pub explanation: String,
    /// What is promoted.
    pub items: Vec<Item>,
    /// What people said.
    pub decisions: Vec<Decision>,
}

impl Promotion {
    /// How many people have agreed.
    pub fn agreed(&self) -> usize {
        self.decisions.iter().filter(|decision| decision.is_approval).count()
    }
}

/// Which promotions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromotionFilter {
    /// Only those that stand there.
    pub state: Option<State>,
}

impl Governance {
    /// One promotion.
    pub async fn get_promotion(&self, warrant: &Warrant<SeeGovernance>, id: &str) -> Result<Promotion, Error> {
        let found = store::find(&self.db, warrant.project(), id).await?;
        found.ok_or_else(|| Error::PromotionUnknown { id: id.to_owned() })
    }

    /// What a promotion is about, for whoever judges rights before it is shown: its repositories, and where it leads.
    pub async fn promotion_scope(&self, id: &str) -> Result<Option<(Vec<RepositoryName>, EnvironmentName)>, Error> {
        let found = store::by_key(&self.db, id).await?;
        Ok(found.map(|found| (found.items.into_iter().map(|item| item.repository).collect(), found.to)))
    }

    /// A project's promotions, the newest first.
    pub async fn list_promotions(
        &self,
        warrant: &Warrant<SeeGovernance>,
        filter: &PromotionFilter,
        page: &PageRequest,
    ) -> Result<Page<Promotion>, Error> {
        let promotions = store::list(&self.db, warrant.project(), filter, (page.before()?, page.rows())).await?;
        let mut page = page.cut(promotions, |promotion| promotion.row.to_string());
        store::fill(&self.db, &mut page.entries).await?;
        Ok(page)
    }
}
