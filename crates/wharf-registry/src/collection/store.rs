//! SQL of collection: `blob_reviews` and dying `blobs`; beside it, of showing what it does.
//!
//! No statement here reads more than it takes: the tests ask SQLite how it would go about each.

pub(super) mod forecast;
pub(super) mod holders;
pub(super) mod status;

use std::time::Duration;

use wharf_blob::StorageKey;
use wharf_db::{Statement, Tx, params};
use wharf_oci::Digest;

use crate::blob::store::{digest, hex_list, key};
use crate::error::Error;

/// A blob whose bytes may go now.
#[derive(Debug)]
pub(super) struct Dying {
    pub(super) id: i64,
    pub(super) storage_key: StorageKey,
    pub(super) size_bytes: u64,
}

pub(super) const CLAIM_REVIEWS: Statement = Statement::dialects(
    "UPDATE blob_reviews SET claimed_until = ?3 WHERE digest IN \
     (SELECT digest FROM blob_reviews WHERE review_after < ?1 AND claimed_until < ?1 ORDER BY review_after LIMIT ?2) \
     RETURNING digest",
    "UPDATE blob_reviews SET claimed_until = ?3 WHERE digest IN \
     (SELECT digest FROM blob_reviews WHERE review_after < ?1 AND claimed_until < ?1 ORDER BY review_after LIMIT ?2 \
      FOR UPDATE SKIP LOCKED) \
     RETURNING digest",
);
pub(super) const TAKE_DUE: Statement = Statement::dialects(
    "DELETE FROM blob_reviews WHERE digest IN (SELECT unhex(value) FROM json_each(?1)) AND review_after < ?2 \
     RETURNING digest",
    "DELETE FROM blob_reviews WHERE digest IN \
     (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) AND review_after < ?2 \
     RETURNING digest",
);
pub(super) const MARK_UNLINKED: Statement = Statement::dialects(
    "UPDATE blobs SET state = 1, deleting_since = ?2, delete_after = ?3 \
     WHERE state <> 1 AND digest IN (SELECT unhex(value) FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = blobs.digest)",
    "UPDATE blobs SET state = 1, deleting_since = ?2, delete_after = ?3 \
     WHERE state <> 1 AND digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = blobs.digest)",
);
pub(super) const CLAIM_DYING: Statement = Statement::dialects(
    "UPDATE blobs SET delete_after = ?3 WHERE id IN \
     (SELECT id FROM blobs WHERE state = 1 AND delete_after <= ?1 ORDER BY delete_after, id LIMIT ?2) \
     RETURNING id, storage_key, size_bytes",
    "UPDATE blobs SET delete_after = ?3 WHERE id IN \
     (SELECT id FROM blobs WHERE state = 1 AND delete_after <= ?1 ORDER BY delete_after, id LIMIT ?2 \
      FOR UPDATE SKIP LOCKED) \
     RETURNING id, storage_key, size_bytes",
);
pub(super) const FORGET: Statement = Statement::dialects(
    "DELETE FROM blobs WHERE state = 1 AND id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM blobs WHERE state = 1 AND id IN \
     (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
);
/// Takes up to `limit` due reviews that no other worker has. What is decided about them is decided elsewhere.
pub(super) async fn claim_reviews(tx: &mut Tx<'_>, limit: usize, lease: Duration) -> Result<Vec<Digest>, Error> {
    let now = tx.now();
    let rows = tx.query(CLAIM_REVIEWS, &params![now, count(limit), now.plus(lease)]).await?;
    rows.iter().map(|row| digest(row, 0)).collect()
}

/// Of `digests`, those whose review is still due. Their reviews are over.
pub(super) async fn take_due(tx: &mut Tx<'_>, digests: &[Digest]) -> Result<Vec<Digest>, Error> {
    let now = tx.now();
    let rows = tx.query(TAKE_DUE, &params![hex_list(digests)?, now]).await?;
    rows.iter().map(|row| digest(row, 0)).collect()
}

/// Marks those of `digests` for deletion that no repository links. Whoever got a URL of their bytes may use it to its
/// end.
pub(super) async fn mark_unlinked(tx: &mut Tx<'_>, digests: &[Digest], presigned_for: Duration) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(MARK_UNLINKED, &params![hex_list(digests)?, now, now.plus(presigned_for)]).await?;
    Ok(())
}

/// Takes up to `limit` blobs whose bytes may go and that no other worker is at.
pub(super) async fn claim_dying(tx: &mut Tx<'_>, limit: usize, lease: Duration) -> Result<Vec<Dying>, Error> {
    let now = tx.now();
    let rows = tx.query(CLAIM_DYING, &params![now, count(limit), now.plus(lease)]).await?;
    let dying = rows.iter().map(|row| {
        let size_bytes = u64::try_from(row.integer(2)?).map_err(|_| Error::MalformedRow { what: "a blob's size" })?;
        Ok(Dying { id: row.integer(0)?, storage_key: key(row, 1)?, size_bytes })
    });
    dying.collect()
}

/// Forgets blobs whose bytes are gone.
pub(super) async fn forget(tx: &mut Tx<'_>, ids: &[i64]) -> Result<(), Error> {
    let ids = serde_json::to_string(ids).map_err(|_| Error::MalformedRow { what: "a blob list" })?;
    tx.execute(FORGET, &params![ids]).await?;
    Ok(())
}

pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
