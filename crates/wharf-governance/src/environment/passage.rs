//! Passages: what it takes to come into an environment. Values and pure checks only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::window::{Freeze, Window};
use crate::gate::GateRule;
use crate::span::Span;

/// The most people that one passage may ask for.
const MAX_PEOPLE: u32 = 20;
/// The most slots, gates or freezes of a passage.
const MAX_RULES: usize = 50;
/// How long a request is good for where nothing else is said.
const EXPIRES_AFTER: Span = Span::hours(7 * 24);

/// What it takes to come into an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passage {
    /// Who has to agree.
    // Written also where it is empty: left out, it would be what it is by default.
    pub approvals: Vec<Slot>,
    /// What has to be true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateRule>,
    /// When it may happen; at any time where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Days on which it does not happen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// How long a request and its approvals are good for.
    pub expires_after: Span,
    /// Who executes it; by itself where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<Executor>,
}

/// So many people of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The role that they have in the project, or one that includes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The group that they are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// Whom they may not be.
    #[serde(default = "pusher_and_requester")]
    pub distinct_from: BTreeSet<Distinct>,
}

/// Whom an approver may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distinct {
    /// Who pushed what is promoted.
    Pusher,
    /// Who asked for the promotion.
    Requester,
    /// Somebody of a group of whom another has approved: no two approvers of one team.
    Team,
}

/// Who executes what was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Executor {
    /// The role that they have in the project, or one that includes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The group that they are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether who asked may execute.
    #[serde(default)]
    pub may_be_requester: bool,
    /// Whether who approved may execute.
    #[serde(default)]
    pub may_be_approver: bool,
}

fn one() -> u32 {
    1
}

fn pusher_and_requester() -> BTreeSet<Distinct> {
    [Distinct::Pusher, Distinct::Requester].into()
}

impl Default for Passage {
    fn default() -> Self {
        Self::approved_by(1, "maintainer", &[Distinct::Pusher, Distinct::Requester])
    }
}

impl Passage {
    /// A passage that takes `count` people with a role.
    pub(super) fn approved_by(count: u32, role: &str, distinct_from: &[Distinct]) -> Self {
        let distinct_from = distinct_from.iter().copied().collect();
        let slot = Slot { role: Some(role.to_owned()), group: None, count, distinct_from };
        Self {
            approvals: vec![slot],
            gates: Vec::new(),
            window: None,
            freeze: Vec::new(),
            expires_after: EXPIRES_AFTER,
            executor: None,
        }
    }

    /// How many people have to agree.
    pub fn people(&self) -> u32 {
        self.approvals.iter().map(|slot| slot.count).sum()
    }

    /// Whether two people of one team may both approve.
    pub fn parts_teams(&self) -> bool {
        self.approvals.iter().any(|slot| slot.distinct_from.contains(&Distinct::Team))
    }

    /// Whether it means something.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.approvals.len().max(self.gates.len()).max(self.freeze.len()) > MAX_RULES {
            return Err(format!("a list holds at most {MAX_RULES} entries"));
        }
        if let Some(slot) = self.approvals.iter().find(|slot| slot.count == 0 || slot.count > MAX_PEOPLE) {
            return Err(format!("`count` is {} and may be 1 to {MAX_PEOPLE}", slot.count));
        }
        if self.approvals.iter().any(|slot| slot.role.is_none() && slot.group.is_none()) {
            return Err("an entry of `approvals` names a `role`, a `group`, or both".to_owned());
        }
        if self.executor.as_ref().is_some_and(|executor| executor.role.is_none() && executor.group.is_none()) {
            return Err("`executor` names a `role`, a `group`, or both".to_owned());
        }
        let mut names = BTreeSet::new();
        if let Some(gate) = self.gates.iter().find(|gate| !names.insert(gate.name.as_str())) {
            return Err(format!("the gate `{}` stands twice", gate.name));
        }
        self.window.as_ref().map_or(Ok(()), Window::check)?;
        self.freeze.iter().try_for_each(Freeze::check)
    }
}
