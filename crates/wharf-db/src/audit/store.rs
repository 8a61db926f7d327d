//! The table `audit`.

use super::{AuditEntry, AuditFilter, AuditRecord, kind_and_id};
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::transaction::Tx;

const INSERT: &str = "\
    INSERT INTO audit (at, request_id, caller_kind, caller_id, caller_name, remote, action, resource, outcome, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const LIST: &str = "\
    SELECT id, at, request_id, caller_kind, caller_id, caller_name, remote, action, resource, outcome, details \
    FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
const LIST_OF_RESOURCE: &str = "\
    SELECT id, at, request_id, caller_kind, caller_id, caller_name, remote, action, resource, outcome, details \
    FROM audit WHERE resource = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";

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

pub(super) async fn list(db: &Db, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, Error> {
    let before = filter.before.unwrap_or(i64::MAX);
    let rows = match &filter.resource {
        Some(resource) => db.list(LIST_OF_RESOURCE, &params![before, limit, resource]).await?,
        None => db.list(LIST, &params![before, limit]).await?,
    };
    rows.into_iter().map(record).collect()
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
    })
}
