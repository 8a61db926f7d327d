//! The chain in the table `audit`, and its end in `audit_head`.

use super::{COLUMNS_COUNT, record};
use crate::audit::AuditRecord;
use crate::audit::chain::{ChainHash, Link};
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::statement::Statement;
use crate::transaction::Tx;

const HAS_UNSEALED: &str = "SELECT id FROM audit WHERE sequence IS NULL ORDER BY id LIMIT 1";
const UNSEALED: &str = concat!("SELECT ", super::columns!(), " FROM audit WHERE sequence IS NULL ORDER BY id LIMIT ?1");
const SEAL: &str = "UPDATE audit SET sequence = ?2, hash = ?3 WHERE id = ?1 AND sequence IS NULL";
const BEGIN: &str = "INSERT INTO audit_head (id, sequence, hash) VALUES (1, ?1, ?2) ON CONFLICT (id) DO NOTHING";
// On PostgreSQL others wait here, and read the row as it is then.
const LOCK_HEAD: Statement = Statement::dialects(
    "SELECT sequence, hash FROM audit_head WHERE id = 1",
    "SELECT sequence, hash FROM audit_head WHERE id = 1 FOR UPDATE",
);
const HEAD: &str = "SELECT sequence, hash FROM audit_head WHERE id = 1";
const SET_HEAD: &str = "UPDATE audit_head SET sequence = ?1, hash = ?2 WHERE id = 1 AND sequence = ?3 AND hash = ?4";
const LIST: &str = concat!(
    "SELECT ",
    super::columns!(),
    ", sequence, hash FROM audit WHERE sequence > ?1 AND sequence IS NOT NULL ORDER BY sequence LIMIT ?2"
);

pub(in crate::audit) async fn has_unsealed(db: &Db) -> Result<bool, Error> {
    Ok(db.get(HAS_UNSEALED, &[]).await?.is_some())
}

/// The end of the chain, which nobody else moves until this transaction has ended.
pub(in crate::audit) async fn lock_head(tx: &mut Tx<'_>) -> Result<Link, Error> {
    if let Some(row) = tx.query_opt(LOCK_HEAD, &[]).await? {
        return link(&row, 0);
    }
    let origin = Link::ORIGIN;
    tx.execute(BEGIN, &params![origin.sequence, origin.hash.0]).await?;
    let row = tx.query_opt(LOCK_HEAD, &[]).await?;
    row.map_or(Err(Error::ChainMoved), |row| link(&row, 0))
}

pub(in crate::audit) async fn head(db: &Db) -> Result<Link, Error> {
    db.get(HEAD, &[]).await?.map_or(Ok(Link::ORIGIN), |row| link(&row, 0))
}

pub(in crate::audit) async fn set_head(tx: &mut Tx<'_>, from: &Link, to: &Link) -> Result<(), Error> {
    let params = params![to.sequence, to.hash.0, from.sequence, from.hash.0];
    if tx.execute(SET_HEAD, &params).await? == 1 { Ok(()) } else { Err(Error::ChainMoved) }
}

pub(in crate::audit) async fn unsealed(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<AuditRecord>, Error> {
    tx.query(UNSEALED, &params![limit]).await?.into_iter().map(record).collect()
}

pub(in crate::audit) async fn seal(tx: &mut Tx<'_>, id: i64, place: &Link) -> Result<(), Error> {
    let changed = tx.execute(SEAL, &params![id, place.sequence, place.hash.0]).await?;
    if changed == 1 { Ok(()) } else { Err(Error::ChainMoved) }
}

pub(in crate::audit) async fn list(db: &Db, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Error> {
    db.list(LIST, &params![after, limit]).await?.into_iter().map(chained).collect()
}

pub(in crate::audit) async fn get(db: &Db, sequence: i64) -> Result<Option<AuditRecord>, Error> {
    let row = db.get(LIST, &params![sequence.saturating_sub(1), 1_u32]).await?;
    let record = row.map(chained).transpose()?;
    Ok(record.filter(|record| record.link.is_some_and(|link| link.sequence == sequence)))
}

fn chained(row: Row) -> Result<AuditRecord, Error> {
    let link = link(&row, COLUMNS_COUNT)?;
    Ok(AuditRecord { link: Some(link), ..record(row)? })
}

fn link(row: &Row, column: usize) -> Result<Link, Error> {
    let hash = ChainHash::try_from(row.bytes(column + 1)?);
    let hash = hash.map_err(|_| Error::Column { column: column + 1, wanted: "a hash", found: "other bytes" })?;
    Ok(Link { sequence: row.integer(column)?, hash })
}
