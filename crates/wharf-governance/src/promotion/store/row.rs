//! Rows of `promotions`, read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wharf_context::{ProjectId, Timestamp};
use wharf_db::Row;
use wharf_oci::Digest;

use super::super::{Promotion, PromotionKind, State};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a promotion" };

/// A statement that reads promotions, in the order that [`read`] takes.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.key, p.project_id, p.kind, p.from_environment, p.to_environment, p.release_id, r.version, ",
            "p.digest, p.state, p.revision, p.requested_by, p.requested_at, p.reason, p.policy_revision, p.policy_hash, ",
            "p.passage, p.sealed, p.gates, p.expires_at, p.run_at, p.changed_at, p.ended_at, p.ended_by, p.explanation ",
            "FROM promotions p LEFT JOIN releases r ON r.id = p.release_id ",
            $rest
        )
    };
}
pub(super) use sql;

/// A promotion without its items and decisions.
pub(super) fn read(row: &Row) -> Result<Promotion, Error> {
    let name = |column: usize| -> Result<_, Error> { row.text(column)?.parse().map_err(|_| MALFORMED) };
    Ok(Promotion {
        row: row.integer(0)?,
        id: row.text(1)?.to_owned(),
        project: ProjectId(row.integer(2)?),
        kind: PromotionKind::from_name(row.text(3)?).ok_or(MALFORMED)?,
        from: name(4)?,
        to: name(5)?,
        release_row: row.optional_integer(6)?,
        release: row.optional_text(7)?.map(str::to_owned),
        digest: Digest::from_bytes(row.bytes(8)?).ok_or(MALFORMED)?,
        state: State::from_name(row.text(9)?).ok_or(MALFORMED)?,
        revision: row.integer(10)?,
        requested_by: row.text(11)?.to_owned(),
        requested_at: row.timestamp(12)?,
        reason: row.text(13)?.to_owned(),
        policy_revision: row.integer(14)?,
        policy_hash: row.text(15)?.to_owned(),
        passage: parse(row.text(16)?)?,
        sealed: row.boolean(17)?,
        gates: parse(row.text(18)?)?,
        expires_at: row.timestamp(19)?,
        run_at: row.optional_integer(20)?.map(Timestamp),
        changed_at: row.timestamp(21)?,
        ended_at: row.optional_integer(22)?.map(Timestamp),
        ended_by: row.optional_text(23)?.map(str::to_owned),
        explanation: row.text(24)?.to_owned(),
        items: Vec::new(),
        decisions: Vec::new(),
    })
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| MALFORMED)
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| MALFORMED)
}
