//! The tables of the audit log: rows as they are written here, the chain, checkpoints, pages and shipping below.

pub(super) mod checkpoint;
pub(super) mod page;
pub(super) mod seal;
pub(super) mod shipping;

use super::{AuditEntry, AuditRecord, kind_and_id};
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::transaction::Tx;

/// A row's own fields.
macro_rules! columns {
    () => {
        "id, at, request_id, caller_kind, caller_id, caller_name, remote, action, resource, outcome, details"
    };
}
use columns;

/// How many these are.
const COLUMNS_COUNT: usize = 11;

const INSERT: &str = "\
    INSERT INTO audit (at, request_id, caller_kind, caller_id, caller_name, remote, action, resource, outcome, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(super) async fn insert(tx: &mut Tx<'_>, entry: &AuditEntry) -> Result<(), Error> {
    let (kind, id) = kind_and_id(entry.caller.id);
    let params = params![
        tx.now(),
        entry.request_id.to_string(),
        kind,
        id,
        &entry.caller.name,
        entry.remote.map(|address| address.to_string()),
        entry.action,
        &entry.resource,
        entry.outcome.as_str(),
        entry.details.to_string(),
    ];
    tx.execute(INSERT, &params).await.map(drop)
}

fn record(mut row: Row) -> Result<AuditRecord, Error> {
    Ok(AuditRecord {
        id: row.integer(0)?,
        at: row.timestamp(1)?,
        request_id: row.take_text(2)?,
        caller_kind: row.take_text(3)?,
        caller_id: row.optional_integer(4)?,
        caller_name: row.take_text(5)?,
        remote: row.optional_text(6)?.map(str::to_owned),
        action: row.take_text(7)?,
        resource: row.take_text(8)?,
        outcome: row.take_text(9)?,
        details: row.take_text(10)?,
        link: None,
    })
}
