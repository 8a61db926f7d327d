//! Gates: what has to be true of something before it may go on.
//!
//! A gate has a name and answers with a verdict, a reason and a fix. It is asked inside the transaction that acts on the
//! answer, so it reads rows only: what takes time (reading bytes, asking others) is done before and kept as rows. The
//! gates of this file's folder know the image itself; other nouns bring theirs ([`Governance::with_gates`]).
//!
//! [`Governance::with_gates`]: crate::Governance::with_gates

mod age;
mod attested;
mod hold;
mod judge;
mod labels;
mod size;
mod soak;
mod tag;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wharf_context::{ProjectId, Timestamp};
use wharf_db::Tx;
use wharf_oci::{Digest, EnvironmentName, RepositoryName, Tag};

pub(crate) use self::judge::{check_rules, judge};
pub(crate) use self::labels::is_like;
use crate::error::Error;
use crate::image::Image;
use crate::inquiry::gate::ExternalGate;
use crate::lineage::gate::LineageGate;
use crate::policy::Policy;
use crate::ports::BoxFuture;
use crate::standard::gate::StandardGate;

/// A gate of a passage: its name, how it is meant, and its parameters beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRule {
    /// Which gate.
    pub name: String,
    /// What follows when it says no.
    #[serde(default)]
    pub mode: Mode,
    /// What else it is told.
    #[serde(flatten)]
    pub parameters: Map<String, Value>,
}

/// What follows when a gate says no.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing: it is not asked.
    Off,
    /// People see it.
    Warn,
    /// No promotion.
    #[default]
    Block,
}

/// What a gate is asked about.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The project.
    pub project: ProjectId,
    /// The repository's name in development.
    pub repository: &'a RepositoryName,
    /// Where it stands now: the environment's view.
    pub stands_in: &'a RepositoryName,
    /// What.
    pub digest: &'a Digest,
    /// What is known of it.
    pub image: &'a Image,
    /// The tags that are to point at it.
    pub tags: &'a [Tag],
    /// Where it comes from.
    pub from: &'a EnvironmentName,
    /// Where it is to go.
    pub to: &'a EnvironmentName,
    /// Since when it stands where it comes from.
    pub since: Timestamp,
    /// What the project demands.
    pub policy: &'a Policy,
    /// The promotion that it is asked for, once there is one: its row.
    pub promotion: Option<i64>,
}

/// A gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Yes.
    Pass,
    /// Yes, but people should know something.
    Warn,
    /// Not known yet.
    Pending,
    /// No.
    Fail,
    /// No, but there is an exception.
    Excepted,
}

/// A gate's answer, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What to do about it; empty where nothing has to be done.
    pub fix: String,
}

impl Verdict {
    /// Yes, because.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Pass, reason: reason.into(), fix: String::new() }
    }

    /// No, because; and what to do about it.
    pub fn fail(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, reason: reason.into(), fix: fix.into() }
    }
}

/// Something that has to be true.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Its name in policies and answers.
    fn name(&self) -> &'static str;

    /// Whether it is asked on every way, whatever the policy says.
    fn is_compulsory(&self) -> bool {
        false
    }

    /// Whether its parameters mean something; else why not.
    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String>;

    /// Asks it.
    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>>;
}

/// What a gate said about a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// Which gate.
    pub gate: String,
    /// About which repository.
    pub repository: String,
    /// How it is meant.
    pub mode: Mode,
    /// What it said.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl GateResult {
    /// Whether nothing goes on because of it.
    pub fn is_blocking(&self) -> bool {
        self.mode == Mode::Block && self.outcome == Outcome::Fail
    }

    /// Whether nothing goes on before it knows.
    pub fn is_waiting(&self) -> bool {
        self.mode == Mode::Block && self.outcome == Outcome::Pending
    }
}

/// The gates that every server has: those about the image itself, and those of holds, tag rules, lineage, standards,
/// attestations and inquiries.
pub(crate) fn own() -> Vec<Arc<dyn Gate>> {
    let about_images: [Arc<dyn Gate>; 4] =
        [Arc::new(labels::Labels), Arc::new(size::Size), Arc::new(age::Age), Arc::new(soak::Soak)];
    let of_nouns: [Arc<dyn Gate>; 7] = [
        Arc::new(hold::Held),
        Arc::new(tag::Tags),
        Arc::new(LineageGate),
        Arc::new(StandardGate),
        Arc::new(attested::ProvenanceGate),
        Arc::new(attested::TestsGate),
        Arc::new(ExternalGate),
    ];
    about_images.into_iter().chain(of_nouns).collect()
}

/// Parameters as a type of their own.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(parameters: &Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(parameters.clone())).map_err(|error| error.to_string())
}

/// The same where they were checked when the policy was put in force.
pub(crate) fn checked<T: for<'de> Deserialize<'de>>(parameters: &Map<String, Value>) -> Result<T, Error> {
    read(parameters).map_err(|_| Error::MalformedRow { what: "a gate's parameters" })
}
