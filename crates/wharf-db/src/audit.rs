//! Who did what: rows written by the transaction that did it, so that neither is there without the other.
//!
//! Rows are only ever added. Numbering them without gaps and chaining them by hash is a later step ([`seal`]), which reads
//! them after they are committed and costs writers nothing. Who may read the log, and who signs its checkpoints, is not decided here.
//!
//! Reading order: this, [`journal`], [`chain`], [`seal`], [`checkpoint`], [`page`], `shipping`.

pub mod chain;
pub mod checkpoint;
pub mod journal;
pub mod page;
pub mod seal;
mod shipping;
mod store;

use std::net::IpAddr;

use wharf_context::{Caller, CallerId, Context, RequestId, Timestamp};

pub use chain::{ChainHash, HashError, Link};
pub use checkpoint::{AuditKey, Checkpoint};
pub use page::{AuditFilter, AuditPage, ObjectFilter, Position};

use crate::error::Error;
use crate::transaction::Tx;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Succeeded,
    /// The caller may not.
    Denied,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    /// The outcome's name in the table and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    /// The outcome of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Succeeded, Self::Denied, Self::Failed].into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Who.
    pub caller: Caller,
    /// In which request.
    pub request_id: RequestId,
    /// From which address.
    pub remote: Option<IpAddr>,
    /// What: `noun.verb`, such as `project.create`.
    pub action: &'static str,
    /// To what: a name that people know.
    pub resource: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What else a reader of the log may want to know. Never a secret.
    pub details: serde_json::Value,
}

impl AuditEntry {
    /// Something that the caller of `ctx` did.
    pub fn new(ctx: &Context, action: &'static str, resource: impl Into<String>) -> Self {
        Self {
            caller: ctx.caller.clone(),
            request_id: ctx.request_id,
            remote: ctx.remote,
            action,
            resource: resource.into(),
            outcome: Outcome::Succeeded,
            details: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The same with another outcome.
    #[must_use]
    pub fn with_outcome(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(self, details: serde_json::Value) -> Self {
        Self { details, ..self }
    }
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The row's number. Later rows have larger ones; there may be gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The request's id.
    pub request_id: String,
    /// `anonymous`, `user`, `robot` or `system`.
    pub caller_kind: String,
    /// The row of a user or a robot.
    pub caller_id: Option<i64>,
    /// The name at that time.
    pub caller_name: String,
    /// The address.
    pub remote: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub resource: String,
    /// How it ended.
    pub outcome: String,
    /// More, as JSON.
    pub details: String,
    /// Its place in the chain; `None` until it is sealed, or where it was not asked for.
    pub link: Option<Link>,
}

impl Tx<'_> {
    /// Writes `entry` into the log.
    pub async fn audit(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        store::insert(self, entry).await
    }
}

/// A caller's kind and row, as the table keeps them.
fn kind_and_id(caller: CallerId) -> (&'static str, Option<i64>) {
    match caller {
        CallerId::Anonymous => ("anonymous", None),
        CallerId::User(id) => ("user", Some(id)),
        CallerId::Robot(id) => ("robot", Some(id)),
        CallerId::System => ("system", None),
    }
}
