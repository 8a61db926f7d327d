//! SQL of `signing_keys`.

use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::{Db, Tx, params};

use super::KeyRow;
use super::sealing::NewKey;
use crate::error::Error;

/// How long a retired key's row stays: far longer than any token that it signed.
pub(super) const KEEP_RETIRED: Duration = Duration::from_secs(7 * 24 * 3600);

/// All keys, the newest first.
pub(super) async fn list(db: &Db) -> Result<Vec<KeyRow>, Error> {
    const SQL: &str = "SELECT key_id, private_key, created_at, retired_at FROM signing_keys ORDER BY id DESC LIMIT 100";
    let rows = db.list(SQL, &params![]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(KeyRow {
                id: row.take_text(0)?,
                private: row.take_bytes(1)?,
                created_at: row.timestamp(2)?,
                retired_at: row.optional_timestamp(3)?,
            })
        })
        .collect()
}

/// Puts the sealed form of a key in the place of `plain`; a key that is gone meanwhile is none to be sealed.
pub(super) async fn seal(tx: &mut Tx<'_>, id: &str, plain: &[u8], sealed: &[u8]) -> Result<(), Error> {
    const SQL: &str = "UPDATE signing_keys SET private_key = ?3 WHERE key_id = ?1 AND private_key = ?2";
    tx.execute(SQL, &params![id, plain, sealed]).await?;
    Ok(())
}

/// Whether there is a key that signs and was made after `made_before`.
pub(super) async fn has_signing(tx: &mut Tx<'_>, made_before: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "SELECT id FROM signing_keys WHERE retired_at IS NULL AND created_at > ?1 LIMIT 1";
    Ok(tx.query_opt(SQL, &params![made_before]).await?.is_some())
}

pub(super) async fn insert(tx: &mut Tx<'_>, key: &NewKey) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO signing_keys (key_id, private_key, created_at) VALUES (?1, ?2, ?3)";
    tx.execute(SQL, &params![&key.id, &key.private, tx.now()]).await?;
    Ok(())
}

/// Lets all keys end.
pub(super) async fn retire(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.execute("UPDATE signing_keys SET retired_at = ?1 WHERE retired_at IS NULL", &params![tx.now()]).await?;
    Ok(())
}

pub(super) async fn delete_retired(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Error> {
    tx.execute("DELETE FROM signing_keys WHERE retired_at < ?1", &params![before]).await?;
    Ok(())
}

pub(super) async fn delete_all(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.execute("DELETE FROM signing_keys", &params![]).await?;
    Ok(())
}
