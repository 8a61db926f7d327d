//! The table `data_keys`.

use uuid::Uuid;

use super::{DataKeyRecord, Purpose};
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::transaction::Tx;
use crate::value::Value;

const INSERT: &str = "\
    INSERT INTO data_keys (id, purpose, wrapped, master, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT DO NOTHING";
const LIST: &str =
    "SELECT id, purpose, wrapped, master, created_at, retired_at FROM data_keys ORDER BY id DESC LIMIT ?1";
const GET: &str = "SELECT id, purpose, wrapped, master, created_at, retired_at FROM data_keys WHERE id = ?1";
const NEWEST: &str = "\
    SELECT id, purpose, wrapped, master, created_at, retired_at FROM data_keys \
    WHERE purpose = ?1 AND retired_at IS NULL";
const MASTER: &str = "SELECT master FROM data_keys ORDER BY id DESC LIMIT 1";
const RETIRE: &str = "UPDATE data_keys SET retired_at = ?2 WHERE purpose = ?1 AND retired_at IS NULL";
const REWRAP: &str = "UPDATE data_keys SET wrapped = ?2, master = ?3 WHERE id = ?1";

/// More keys than anybody makes: there is one for each rotation.
const MOST: i64 = 10_000;

/// A row.
pub(super) struct Wrapped {
    pub(super) info: DataKeyRecord,
    pub(super) bytes: Vec<u8>,
}

pub(super) async fn insert(tx: &mut Tx<'_>, info: &DataKeyRecord, wrapped: &[u8]) -> Result<(), Error> {
    let params = params![info.id.as_bytes(), info.purpose.name(), wrapped, &info.master, info.created_at];
    tx.execute(INSERT, &params).await.map(drop)
}

/// All keys, the newest first.
pub(super) async fn list(db: &Db) -> Result<Vec<Wrapped>, Error> {
    db.list(LIST, &params![MOST]).await?.into_iter().map(wrapped).collect()
}

pub(super) async fn list_in(tx: &mut Tx<'_>) -> Result<Vec<Wrapped>, Error> {
    tx.query(LIST, &params![MOST]).await?.into_iter().map(wrapped).collect()
}

pub(super) async fn get(db: &Db, id: Uuid) -> Result<Option<Wrapped>, Error> {
    db.get(GET, &params![id.as_bytes()]).await?.map(wrapped).transpose()
}

pub(super) async fn newest(db: &Db, purpose: Purpose) -> Result<Option<Wrapped>, Error> {
    db.get(NEWEST, &params![purpose.name()]).await?.map(wrapped).transpose()
}

pub(super) async fn newest_in(tx: &mut Tx<'_>, purpose: Purpose) -> Result<Option<Wrapped>, Error> {
    tx.query_opt(NEWEST, &params![purpose.name()]).await?.map(wrapped).transpose()
}

/// The master key that the catalog's keys are wrapped by, if it has any.
pub(super) async fn master_in(tx: &mut Tx<'_>) -> Result<Option<String>, Error> {
    tx.query_opt(MASTER, &params![]).await?.map(|mut row| row.take_text(0)).transpose()
}

pub(super) async fn is_begun(db: &Db) -> Result<bool, Error> {
    Ok(db.get(MASTER, &params![]).await?.is_some())
}

/// Lets new things be sealed under another key than this purpose's.
pub(super) async fn retire(tx: &mut Tx<'_>, purpose: Purpose) -> Result<(), Error> {
    tx.execute(RETIRE, &params![purpose.name(), tx.now()]).await.map(drop)
}

pub(super) async fn rewrap(tx: &mut Tx<'_>, id: Uuid, wrapped: &[u8], master: &str) -> Result<(), Error> {
    tx.execute(REWRAP, &params![id.as_bytes(), wrapped, master]).await.map(drop)
}

fn wrapped(mut row: Row) -> Result<Wrapped, Error> {
    let id = Uuid::from_slice(row.bytes(0)?).map_err(|_| malformed("an id"))?;
    let purpose = Purpose::parse(row.text(1)?).ok_or_else(|| malformed("a purpose"))?;
    let bytes = row.take_bytes(2)?;
    let created_at = row.timestamp(4)?;
    let retired_at = row.optional_timestamp(5)?;
    Ok(Wrapped { info: DataKeyRecord { id, purpose, master: row.take_text(3)?, created_at, retired_at }, bytes })
}

fn malformed(wanted: &'static str) -> Error {
    Error::Column { column: 0, wanted, found: Value::Null.type_name() }
}
