//! SQL of `refresh_tokens`.

use wharf_context::Timestamp;
use wharf_db::{Db, Tx, params};

use super::{Holder, RefreshRow};
use crate::error::Error;
use crate::secret::Fingerprint;

/// The most refresh tokens of one account: each `docker login` makes one, and few are ever revoked.
const MAX_PER_ACCOUNT: i64 = 50;

pub(super) async fn get(db: &Db, hash: &Fingerprint) -> Result<Option<RefreshRow>, Error> {
    const SQL: &str = "SELECT account_kind, account_id, revision, expires_at FROM refresh_tokens WHERE token_hash = ?1";
    let row = db.get(SQL, &params![hash.as_bytes()]).await?;
    row.map(|row| {
        let holder = Holder::from_numbers(row.integer(0)?, row.integer(1)?);
        Ok(RefreshRow {
            holder: holder.ok_or(Error::MalformedRow { what: "a refresh token" })?,
            revision: row.integer(2)?,
            expires_at: row.timestamp(3)?,
        })
    })
    .transpose()
}

/// Adds a token, in the place of the account's oldest where there are too many, and clears away what has ended.
pub(super) async fn insert(tx: &mut Tx<'_>, hash: &Fingerprint, row: &RefreshRow) -> Result<(), Error> {
    const TOO_MANY: &str = "DELETE FROM refresh_tokens WHERE token_hash IN (SELECT token_hash FROM refresh_tokens \
         WHERE account_kind = ?1 AND account_id = ?2 ORDER BY created_at DESC LIMIT 1000 OFFSET ?3)";
    let (kind, id) = row.holder.numbers();
    let now = tx.now();
    tx.execute("DELETE FROM refresh_tokens WHERE expires_at <= ?1", &params![now]).await?;
    tx.execute(TOO_MANY, &params![kind, id, MAX_PER_ACCOUNT - 1]).await?;
    tx.execute(
        "INSERT INTO refresh_tokens (token_hash, account_kind, account_id, revision, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &params![hash.as_bytes(), kind, id, row.revision, now, row.expires_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn prolong(tx: &mut Tx<'_>, hash: &Fingerprint, expires_at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE refresh_tokens SET expires_at = ?2 WHERE token_hash = ?1";
    tx.execute(SQL, &params![hash.as_bytes(), expires_at]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, hash: &Fingerprint) -> Result<(), Error> {
    tx.execute("DELETE FROM refresh_tokens WHERE token_hash = ?1", &params![hash.as_bytes()]).await?;
    Ok(())
}

/// Ends all of an account.
pub(crate) async fn delete_of_account(tx: &mut Tx<'_>, holder: &Holder) -> Result<(), Error> {
    let (kind, id) = holder.numbers();
    const SQL: &str = "DELETE FROM refresh_tokens WHERE account_kind = ?1 AND account_id = ?2";
    tx.execute(SQL, &params![kind, id]).await?;
    Ok(())
}
