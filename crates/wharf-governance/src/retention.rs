//! Retention: which tags stay and which go, by the project's rules, decided and executed for each tag by itself.
//!
//! A plan and a run are the same: a run judges every tag, writes the verdicts down, and executes what was written; a plan
//! ends after writing. What is held, stands in an environment or runs somewhere never goes, whatever a rule says. What goes
//! lies in the bin first.
//!
//! Reading order: [`section`] (what the policy says), [`rule`] (what it means; pure), `facts`, `docket` (one repository),
//! [`run`], `execute`, `schedule`, `job`.

mod docket;
mod execute;
mod facts;
pub mod job;
mod labels;
pub mod rule;
pub mod run;
mod schedule;
pub mod section;
mod semver;
pub(crate) mod store;

pub use rule::{Action, Protection, Verdict};
pub use run::{Item, ItemsQuery, NewRun, Run, RunState};
pub use section::{RankBy, Retention, Rule, RuleAction};

pub(crate) use facts::protections_of;
pub(crate) use schedule::adopt;
