//! The lines of an export: its head, the rows of the chain, and the checkpoints behind the rows that they cover.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use wharf_context::Timestamp;
use wharf_identity::{AuditRecord, ChainHash, Link};

/// What the head of an export says it is.
pub(super) const FORMAT: &str = "wharf-audit/1";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// [`FORMAT`].
    pub(super) format: String,
    /// From which server.
    pub(super) server: String,
    /// The number of the first row.
    pub(super) first: i64,
    /// The number of the last.
    pub(super) last: i64,
    /// The hash of the row before the first one.
    pub(super) previous: String,
    /// The keys that sign checkpoints.
    pub(super) keys: Vec<Key>,
}

/// The public half of a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    /// Its id: the thumbprint of the key.
    pub(super) id: String,
    /// The key, in base64url.
    pub(super) x: String,
}

/// One row of the chain, as the server gives it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) sequence: i64,
    #[serde(serialize_with = "write_moment", deserialize_with = "read_moment")]
    pub(super) at: jiff::Timestamp,
    pub(super) request_id: String,
    pub(super) caller_kind: String,
    pub(super) caller_id: Option<i64>,
    pub(super) caller: String,
    pub(super) remote: Option<String>,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) outcome: String,
    /// Exactly as it was written: its bytes count.
    pub(super) details: Box<RawValue>,
    pub(super) hash: String,
}

fn write_moment<S: Serializer>(at: &jiff::Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn read_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<jiff::Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// One checkpoint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    pub(super) checkpoint: String,
}

/// A line behind the head.
#[derive(Debug)]
pub(super) enum Line {
    Row(Box<AuditRecord>),
    Checkpoint(String),
}

impl Line {
    /// Reads a line.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if let Ok(signed) = serde_json::from_str::<Signed>(text) {
            return Ok(Self::Checkpoint(signed.checkpoint));
        }
        serde_json::from_str::<Row>(text).map(|row| Self::Row(Box::new(row.into())))
    }
}

impl Head {
    /// The place that the first row follows.
    pub(super) fn start(&self) -> Option<Link> {
        let hash: ChainHash = self.previous.parse().ok()?;
        let start = Link { sequence: self.first.checked_sub(1)?, hash };
        (start.sequence > 0 || start == Link::ORIGIN).then_some(start)
    }
}

impl From<Row> for AuditRecord {
    fn from(row: Row) -> Self {
        // A text that is no hash is none that a row can have.
        let link = row.hash.parse().ok().map(|hash| Link { sequence: row.sequence, hash });
        Self {
            id: 0,
            at: Timestamp(row.at.as_microsecond()),
            request_id: row.request_id,
            caller_kind: row.caller_kind,
            caller_id: row.caller_id,
            caller_name: row.caller,
            remote: row.remote,
            action: row.action,
            resource: row.resource,
            outcome: row.outcome,
            details: row.details.get().to_owned(),
            link,
        }
    }
}
