//! Environments of a project: the ladder from development to production, and what it takes to climb it.
//!
//! The server's list says which environments there are; a project's ladder takes some of them, in its own order. What
//! stands where is kept as placements, whose past stays readable. How something gets there: [`crate::promotion`].

pub(crate) mod inventory;
pub mod passage;
pub(crate) mod placement;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod window;

use serde::{Deserialize, Serialize};
use wharf_oci::{EnvironmentName, Environments};

pub use self::inventory::{Difference, Inventory};
pub use self::passage::{Distinct, Executor, Passage, Slot};
pub use self::placement::{Ended, Placement};
use crate::promotion::PromotionKind;
use crate::span::Span;
use crate::webhook::WebhookName;

/// How long who changed the policy waits before approving, where nothing else is said.
const EDITOR_WAITS: Span = Span::hours(24);
/// The environments from this one on are sealed, where a project has no ladder of its own: the last two.
const SEALED_AT_THE_END: usize = 2;

/// Section `environments` of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentRules {
    /// The environments that images go through, development first. Empty: those of the server, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Rung>,
    /// How long who has changed the policy may not approve in the project.
    pub editor_waits: Span,
    /// Whether the emergency passage is closed while a use of it waits for its review.
    pub open_review_closes_emergency: bool,
}

/// One environment of the ladder, and the ways into it. A way that is left out is as it is by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Which environment.
    #[serde(with = "crate::text")]
    pub name: EnvironmentName,
    /// Whether a tag that was placed here never points to anything else.
    #[serde(default)]
    pub sealed: bool,
    /// The registry that it is at, by the remote's name; here where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::text::optional")]
    pub remote: Option<WebhookName>,
    /// From the environment before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Passage>,
    /// Back to what stood here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Passage>,
    /// In an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Passage>,
    /// From which environments the emergency passage leads here; from the one before where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::text::list")]
    pub emergency_from: Vec<EnvironmentName>,
}

impl Default for EnvironmentRules {
    fn default() -> Self {
        Self { ladder: Vec::new(), editor_waits: EDITOR_WAITS, open_review_closes_emergency: true }
    }
}

impl EnvironmentRules {
    /// Whether it means something by itself. Whether the server has these environments is asked where it is applied.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (at, rung) in self.ladder.iter().enumerate() {
            let before = &self.ladder[..at];
            let wrong = |reason: String| format!("environments.ladder[{at}] (`{}`): {reason}", rung.name);
            if before.iter().any(|other| other.name == rung.name) {
                return Err(wrong("it stands twice".to_owned()));
            }
            if at == 0 && rung.has_ways() {
                return Err(wrong("it is development, and nothing is promoted there".to_owned()));
            }
            if let Some(from) = rung.emergency_from.iter().find(|from| before.iter().all(|other| other.name != **from))
            {
                return Err(wrong(format!("`{from}` in `emergency_from` does not stand before it")));
            }
            rung.ways()
                .try_for_each(|(way, passage)| passage.check().map_err(|reason| wrong(format!("{way}: {reason}"))))?;
        }
        Ok(())
    }

    /// Every passage that is written out.
    pub(crate) fn passages(&self) -> impl Iterator<Item = &Passage> {
        self.ladder.iter().flat_map(|rung| rung.ways().map(|(_, passage)| passage))
    }

    /// The ladder as it stands on this server. Says what the server does not have.
    pub(crate) fn on(&self, environments: &Environments) -> Result<Ladder, String> {
        if self.ladder.is_empty() {
            let names: Vec<&EnvironmentName> = environments.iter().collect();
            let sealed = |at: usize| at > 0 && at + SEALED_AT_THE_END >= names.len();
            let rungs = names.iter().enumerate().map(|(at, name)| Rung::plain((*name).clone(), sealed(at)));
            return Ok(Ladder(rungs.collect()));
        }
        if let Some(rung) = self.ladder.iter().find(|rung| environments.get(rung.name.as_str()).is_none()) {
            return Err(format!("environments.ladder: the server has no environment `{}`", rung.name));
        }
        if self.ladder[0].name != *environments.development() {
            return Err(format!("environments.ladder begins with `{}`, development", environments.development()));
        }
        Ok(Ladder(self.ladder.clone()))
    }
}

impl Rung {
    fn plain(name: EnvironmentName, sealed: bool) -> Self {
        let emergency_from = Vec::new();
        Self { name, sealed, remote: None, promotion: None, rollback: None, emergency: None, emergency_from }
    }

    fn ways(&self) -> impl Iterator<Item = (&'static str, &Passage)> {
        let ways = [("promotion", &self.promotion), ("rollback", &self.rollback), ("emergency", &self.emergency)];
        ways.into_iter().filter_map(|(way, passage)| passage.as_ref().map(|passage| (way, passage)))
    }

    fn has_ways(&self) -> bool {
        self.sealed || self.remote.is_some() || self.ways().next().is_some() || !self.emergency_from.is_empty()
    }
}

/// A project's environments in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder(Vec<Rung>);

/// Why there is no way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    /// The project does not use such an environment.
    #[error("this project has no environment `{0}`; its ladder is {1}")]
    Unknown(EnvironmentName, String),
    /// Nothing is promoted to development.
    #[error("`{0}` is development: images are pushed there")]
    Development(EnvironmentName),
    /// Emergencies may not come from there.
    #[error("the emergency passage to `{to}` does not begin in `{from}`, but in {allowed}")]
    NotFrom {
        /// Where it was to begin.
        from: EnvironmentName,
        /// Where it leads.
        to: EnvironmentName,
        /// Where it may begin.
        allowed: String,
    },
}

/// One way along the ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Where it begins; for a rollback where it ends, too.
    pub from: EnvironmentName,
    /// Where it leads.
    pub to: EnvironmentName,
    /// Whether tags never move there.
    pub sealed: bool,
    /// What it takes.
    pub passage: Passage,
}

impl Ladder {
    /// The environments in order.
    pub fn rungs(&self) -> &[Rung] {
        &self.0
    }

    /// The way of a kind into an environment. `from` is for emergencies, which may begin in several.
    pub fn way(&self, kind: PromotionKind, to: &EnvironmentName, from: Option<&EnvironmentName>) -> Result<Way, NoWay> {
        let at = self.0.iter().position(|rung| rung.name == *to);
        let at = at.ok_or_else(|| NoWay::Unknown(to.clone(), self.to_string()))?;
        let Some(before) = at.checked_sub(1).map(|before| &self.0[before]) else {
            return Err(NoWay::Development(to.clone()));
        };
        let rung = &self.0[at];
        let from = match kind {
            PromotionKind::Promotion => &before.name,
            PromotionKind::Rollback => &rung.name,
            PromotionKind::Emergency => emergency_from(rung, &before.name, from)?,
        };
        Ok(Way { from: from.clone(), to: to.clone(), sealed: rung.sealed, passage: self.passage(kind, at) })
    }

    /// What a way takes, also where the policy leaves it to the default.
    fn passage(&self, kind: PromotionKind, at: usize) -> Passage {
        let rung = &self.0[at];
        // Production takes two; whoever looks at a smaller number again has to write it down.
        let people = if at + 1 == self.0.len() { 2 } else { 1 };
        match kind {
            PromotionKind::Promotion => rung.promotion.clone().unwrap_or_else(|| {
                Passage::approved_by(people, "maintainer", &[Distinct::Pusher, Distinct::Requester])
            }),
            PromotionKind::Rollback => {
                rung.rollback.clone().unwrap_or_else(|| Passage::approved_by(1, "maintainer", &[Distinct::Requester]))
            }
            PromotionKind::Emergency => {
                rung.emergency.clone().unwrap_or_else(|| Passage::approved_by(1, "owner", &[Distinct::Requester]))
            }
        }
    }
}

fn emergency_from<'a>(
    rung: &'a Rung,
    before: &'a EnvironmentName,
    from: Option<&EnvironmentName>,
) -> Result<&'a EnvironmentName, NoWay> {
    let allowed: Vec<&EnvironmentName> =
        if rung.emergency_from.is_empty() { vec![before] } else { rung.emergency_from.iter().collect() };
    let Some(wanted) = from else { return Ok(allowed.last().copied().unwrap_or(before)) };
    allowed.iter().copied().find(|name| *name == wanted).ok_or_else(|| NoWay::NotFrom {
        from: wanted.clone(),
        to: rung.name.clone(),
        allowed: allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    })
}

impl std::fmt::Display for Ladder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|rung| rung.name.as_str()).collect();
        f.write_str(&names.join(" → "))
    }
}
