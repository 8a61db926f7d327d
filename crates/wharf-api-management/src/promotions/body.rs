//! Promotions as documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::environment::Passage;
use wharf_governance::promotion::{Decision, Item, State, rule};
use wharf_governance::{Eligibility, GateResult, Promotion};
use wharf_oci::{Digest, Tag};

use crate::moment::Moment;
use crate::text;
use crate::words::words;

words! {
    /// Which sort of way a promotion goes.
    KindWord as PromotionKind for wharf_governance::PromotionKind {
        /// From one environment to the next.
        Promotion,
        /// Back to what stood there before.
        Rollback,
        /// In an emergency.
        Emergency
    }
}

words! {
    /// Where a promotion stands.
    StateWord as PromotionState for State {
        /// A gate does not know yet.
        Checking,
        /// A gate says no.
        Blocked,
        /// Enough people have not agreed yet.
        Awaiting,
        /// Somebody has to execute it.
        Approved,
        /// It runs by itself, at once or in its window.
        Scheduled,
        Transferring,
        /// It stands in its environment.
        Done,
        /// Somebody said no.
        Rejected,
        /// Its time was over.
        Expired,
        /// Who asked for it took it back.
        Cancelled,
        /// Executing it cannot work.
        Failed,
        /// What was approved is not what would be executed.
        Invalidated
    }
}

/// A promotion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promotion)]
pub(crate) struct PromotionBody {
    /// Its name.
    id: String,
    /// Which sort of way.
    kind: KindWord,
    /// Where it begins.
    from: String,
    /// Where it leads.
    to: String,
    /// The version of the release that it is about.
    release: Option<String>,
    /// What whoever decides has to name: the digest of the one thing, or the digest over all of several.
    digest: String,
    /// Where it stands.
    state: StateWord,
    /// What there is to say about that.
    explanation: String,
    /// Counted up with every change. Also the entity tag.
    revision: i64,
    /// Who asked for it.
    requested_by: String,
    /// When.
    requested_at: Moment,
    /// Why.
    reason: String,
    /// The revision of the policy that it was asked for under.
    policy_revision: i64,
    /// The digest of that policy.
    policy_hash: String,
    /// What is promoted.
    items: Vec<ItemBody>,
    /// What the gates said last.
    gates: Vec<GateBody>,
    /// What the way takes.
    passage: PassageBody,
    /// How many people have agreed.
    agreed: usize,
    /// What people said.
    decisions: Vec<SaidBody>,
    /// When its time is over.
    expires_at: Moment,
    /// When it is executed.
    run_at: Option<Moment>,
    /// When it changed last.
    changed_at: Moment,
    /// When it ended.
    ended_at: Option<Moment>,
    /// Who ended it.
    ended_by: Option<String>,
}

/// One thing that is promoted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromotionItem)]
pub(crate) struct ItemBody {
    /// Its repository, by the name in development.
    repository: String,
    /// What.
    digest: String,
    /// The tag that was named.
    reference: Option<String>,
    /// The tags that point at it where it goes.
    tags: Vec<String>,
}

/// What a gate said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GateResult)]
pub(crate) struct GateBody {
    /// Which gate.
    gate: String,
    /// About which repository.
    repository: String,
    /// `warn` or `block`.
    #[schema(value_type = String)]
    mode: wharf_governance::gate::Mode,
    /// `pass`, `warn`, `pending`, `fail` or `excepted`.
    #[schema(value_type = String)]
    outcome: wharf_governance::gate::Outcome,
    /// Why.
    reason: String,
    /// What to do about it.
    fix: String,
}

/// What a way takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passage)]
pub(crate) struct PassageBody {
    /// How many people have to agree.
    people: u32,
    /// Whom, in words.
    wanted: String,
    /// All of it, as the policy writes it.
    #[schema(value_type = Object)]
    rules: Passage,
}

/// What a person said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub(crate) struct SaidBody {
    /// By which account.
    account: String,
    /// Whether they agreed.
    is_approval: bool,
    /// Why.
    comment: String,
    /// When.
    decided_at: Moment,
}

/// What somebody decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDecision)]
pub(crate) struct DecisionBody {
    /// `digest` of the promotion, as you saw it.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    pub(super) digest: Digest,
    /// Why.
    #[serde(default)]
    pub(super) comment: String,
}

/// What a promotion would meet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Eligibility)]
pub(crate) struct EligibilityBody {
    /// Whether it could be asked for and approved now.
    is_eligible: bool,
    /// Where it would begin.
    from: String,
    /// Where it would lead.
    to: String,
    /// What would be promoted.
    items: Vec<ItemBody>,
    /// What stands in its way beside the gates; empty where nothing does.
    obstacle: String,
    /// What every gate says.
    gates: Vec<GateBody>,
    /// What the way takes.
    passage: PassageBody,
    /// When it would run if all agreed now.
    run_at: Option<Moment>,
}

impl From<Promotion> for PromotionBody {
    fn from(promotion: Promotion) -> Self {
        Self {
            agreed: promotion.agreed(),
            id: promotion.id,
            kind: promotion.kind.into(),
            from: promotion.from.to_string(),
            to: promotion.to.to_string(),
            release: promotion.release,
            digest: promotion.digest.to_string(),
            state: promotion.state.into(),
            explanation: promotion.explanation,
            revision: promotion.revision,
            requested_by: promotion.requested_by,
            requested_at: Moment(promotion.requested_at),
            reason: promotion.reason,
            policy_revision: promotion.policy_revision,
            policy_hash: promotion.policy_hash,
            items: promotion.items.into_iter().map(Into::into).collect(),
            gates: promotion.gates.into_iter().map(Into::into).collect(),
            passage: promotion.passage.into(),
            decisions: promotion.decisions.into_iter().map(Into::into).collect(),
            expires_at: Moment(promotion.expires_at),
            run_at: promotion.run_at.map(Moment),
            changed_at: Moment(promotion.changed_at),
            ended_at: promotion.ended_at.map(Moment),
            ended_by: promotion.ended_by,
        }
    }
}

impl From<Item> for ItemBody {
    fn from(item: Item) -> Self {
        Self {
            repository: item.repository.to_string(),
            digest: item.digest.to_string(),
            reference: item.reference.map(|tag| tag.to_string()),
            tags: item.tags.iter().map(Tag::to_string).collect(),
        }
    }
}

impl From<GateResult> for GateBody {
    fn from(result: GateResult) -> Self {
        let GateResult { gate, repository, mode, outcome, reason, fix } = result;
        Self { gate, repository, mode, outcome, reason, fix }
    }
}

impl From<Passage> for PassageBody {
    fn from(rules: Passage) -> Self {
        Self { people: rules.people(), wanted: rule::wanted(&rules), rules }
    }
}

impl From<Decision> for SaidBody {
    fn from(said: Decision) -> Self {
        let (is_approval, decided_at) = (said.is_approval, Moment(said.decided_at));
        Self { account: said.account, is_approval, comment: said.comment, decided_at }
    }
}

impl From<Eligibility> for EligibilityBody {
    fn from(found: Eligibility) -> Self {
        Self {
            is_eligible: found.is_eligible,
            from: found.from.to_string(),
            to: found.to.to_string(),
            items: found.items.into_iter().map(Into::into).collect(),
            obstacle: found.obstacle,
            gates: found.gates.into_iter().map(Into::into).collect(),
            passage: found.passage.into(),
            run_at: found.run_at.map(Moment),
        }
    }
}
