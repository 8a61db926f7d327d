//! SQL of collection over the registry's own tables.

use std::time::Duration;

use wharf_blob::StorageKey;
use wharf_context::Timestamp;
use wharf_db::{Db, Row, Statement, Tx, params};

use crate::blob::store::key;
use crate::error::Error;
use crate::quota;

/// Takes up to `limit` manifests out of the bin for good and gives their blobs a review date.
pub(super) async fn empty_bin(
    tx: &mut Tx<'_>,
    before: Timestamp,
    grace: Duration,
    limit: usize,
) -> Result<usize, Error> {
    let rows = tx
        .query(
            "SELECT id FROM manifests WHERE deleted_at IS NOT NULL AND deleted_at < ?1 ORDER BY deleted_at LIMIT ?2",
            &params![before, count(limit)],
        )
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let ids = id_list(&rows)?;
    let after = tx.now().plus(grace);
    quota::store::release_manifests(tx, &ids).await?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO blob_reviews (digest, review_after) \
             SELECT DISTINCT digest, ?2 FROM manifest_references WHERE kind = 0 AND manifest_id IN (SELECT value FROM json_each(?1)) ORDER BY digest \
             ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after",
            "INSERT INTO blob_reviews (digest, review_after) \
             SELECT DISTINCT digest, CAST(?2 AS bigint) FROM manifest_references WHERE kind = 0 \
             AND manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) ORDER BY digest \
             ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after",
        ),
        &params![ids.as_str(), after],
    )
    .await?;
    tx.execute(
        Statement::dialects(
            "DELETE FROM manifest_references WHERE manifest_id IN (SELECT value FROM json_each(?1))",
            "DELETE FROM manifest_references WHERE manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
        ),
        &params![ids.as_str()],
    )
    .await?;
    tx.execute(
        Statement::dialects(
            "DELETE FROM manifests WHERE id IN (SELECT value FROM json_each(?1))",
            "DELETE FROM manifests WHERE id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
        ),
        &params![ids],
    )
    .await?;
    Ok(rows.len())
}

/// Decides on up to `limit` blobs whose review is due: links that no manifest backs go, and a blob without any link
/// is marked for deletion.
pub(super) async fn review(tx: &mut Tx<'_>, limit: usize) -> Result<usize, Error> {
    let now = tx.now();
    let rows = tx
        .query(
            Statement::dialects(
                "DELETE FROM blob_reviews WHERE digest IN (SELECT digest FROM blob_reviews WHERE review_after < ?1 ORDER BY review_after LIMIT ?2) \
                 RETURNING hex(digest)",
                "DELETE FROM blob_reviews WHERE digest IN \
                 (SELECT digest FROM blob_reviews WHERE review_after < ?1 ORDER BY review_after LIMIT ?2 FOR UPDATE SKIP LOCKED) \
                 RETURNING encode(digest, 'hex')",
            ),
            &params![now, count(limit)],
        )
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let due: Vec<&str> = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    let due = serde_json::to_string(&due).map_err(|_| Error::MalformedRow { what: "a review" })?;
    tx.execute(
        Statement::dialects(
            "DELETE FROM repository_blobs WHERE digest IN (SELECT unhex(value) FROM json_each(?1)) AND NOT EXISTS \
             (SELECT 1 FROM manifest_references f WHERE f.digest = repository_blobs.digest AND f.repository_id = repository_blobs.repository_id)",
            "DELETE FROM repository_blobs WHERE digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) AND NOT EXISTS \
             (SELECT 1 FROM manifest_references f WHERE f.digest = repository_blobs.digest AND f.repository_id = repository_blobs.repository_id)",
        ),
        &params![due.as_str()],
    )
    .await?;
    quota::store::release(tx, &due).await?;
    tx.execute(
        Statement::dialects(
            "UPDATE blobs SET state = 1 WHERE state <> 1 AND digest IN (SELECT unhex(value) FROM json_each(?1)) \
             AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = blobs.digest)",
            "UPDATE blobs SET state = 1 WHERE state <> 1 AND digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) \
             AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = blobs.digest)",
        ),
        &params![due],
    )
    .await?;
    Ok(rows.len())
}

/// Up to `limit` blobs whose bytes are to be deleted.
pub(super) async fn dying(db: &Db, limit: usize) -> Result<Vec<(i64, StorageKey)>, Error> {
    let rows = db
        .list("SELECT id, storage_key FROM blobs WHERE state = 1 ORDER BY id LIMIT ?1", &params![count(limit)])
        .await?;
    rows.iter().map(|row| Ok((row.integer(0)?, key(row, 1)?))).collect()
}

/// Forgets blobs whose bytes are gone.
pub(super) async fn forget(tx: &mut Tx<'_>, ids: &[i64]) -> Result<(), Error> {
    let ids = serde_json::to_string(ids).map_err(|_| Error::MalformedRow { what: "a blob list" })?;
    tx.execute(
        Statement::dialects(
            "DELETE FROM blobs WHERE state = 1 AND id IN (SELECT value FROM json_each(?1))",
            "DELETE FROM blobs WHERE state = 1 AND id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
        ),
        &params![ids],
    )
    .await?;
    Ok(())
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn id_list(rows: &[Row]) -> Result<String, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.integer(0)).collect::<Result<_, _>>()?;
    serde_json::to_string(&ids).map_err(|_| Error::MalformedRow { what: "an id list" })
}
