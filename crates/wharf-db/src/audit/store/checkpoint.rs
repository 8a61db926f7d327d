//! The tables `audit_checkpoints` and `audit_keys`.

use crate::audit::chain::ChainHash;
use crate::audit::checkpoint::{AuditKey, Checkpoint};
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::transaction::Tx;

const PUT: &str = "\
    INSERT INTO audit_checkpoints (sequence, hash, at, key_id, document) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT (sequence) DO NOTHING";
const PUT_KEY: &str = "\
    INSERT INTO audit_keys (key_id, public_key, first_at) VALUES (?1, ?2, ?3) ON CONFLICT (key_id) DO NOTHING";
const LAST: &str = "SELECT sequence, hash, at, key_id, document FROM audit_checkpoints ORDER BY sequence DESC LIMIT 1";
const LIST: &str = "\
    SELECT sequence, hash, at, key_id, document FROM audit_checkpoints WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
const KEYS: &str = "SELECT key_id, public_key FROM audit_keys ORDER BY key_id LIMIT 10000";

pub(in crate::audit) async fn put(tx: &mut Tx<'_>, checkpoint: &Checkpoint) -> Result<(), Error> {
    let Checkpoint { sequence, hash, at, key_id, document } = checkpoint;
    tx.execute(PUT, &params![*sequence, hash.0, *at, key_id, document]).await.map(drop)
}

pub(in crate::audit) async fn put_key(tx: &mut Tx<'_>, key: &AuditKey) -> Result<(), Error> {
    tx.execute(PUT_KEY, &params![&key.id, &key.public_key, tx.now()]).await.map(drop)
}

pub(in crate::audit) async fn last(db: &Db) -> Result<Option<Checkpoint>, Error> {
    db.get(LAST, &[]).await?.map(checkpoint).transpose()
}

pub(in crate::audit) async fn list(db: &Db, after: i64, limit: u32) -> Result<Vec<Checkpoint>, Error> {
    db.list(LIST, &params![after, limit]).await?.into_iter().map(checkpoint).collect()
}

pub(in crate::audit) async fn keys(db: &Db) -> Result<Vec<AuditKey>, Error> {
    let rows = db.list(KEYS, &[]).await?;
    rows.into_iter().map(|mut row| Ok(AuditKey { id: row.take_text(0)?, public_key: row.take_bytes(1)? })).collect()
}

fn checkpoint(mut row: Row) -> Result<Checkpoint, Error> {
    let hash = ChainHash::try_from(row.bytes(1)?);
    Ok(Checkpoint {
        sequence: row.integer(0)?,
        hash: hash.map_err(|_| Error::Column { column: 1, wanted: "a hash", found: "other bytes" })?,
        at: row.timestamp(2)?,
        key_id: row.take_text(3)?,
        document: row.take_text(4)?,
    })
}
