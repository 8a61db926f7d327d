//! SQL of `blobs`, `repository_blobs` and `blob_reviews`.

use std::time::Duration;

use data_encoding::HEXLOWER;
use wharf_blob::StorageKey;
use wharf_context::{Permit, Pull, Visibility};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::Digest;

use crate::error::Error;
use crate::repository::RepositoryId;

/// A blob as the catalog knows it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) size_bytes: u64,
    pub(super) storage_key: StorageKey,
    /// When collection would look at it, in microseconds since 1970; `None` when nobody suspects it.
    pub(super) review_after: Option<wharf_context::Timestamp>,
}

/// Where a mount may take a blob from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Repository(Permit<Pull>),
    Anywhere(Visibility),
}

pub(super) async fn find(db: &Db, permit: &Permit<Pull>, digest: &Digest) -> Result<Option<Found>, Error> {
    let row = db
        .get(
            "SELECT b.size_bytes, b.storage_key, (SELECT v.review_after FROM blob_reviews v WHERE v.digest = b.digest) \
             FROM repositories r \
             JOIN repository_blobs l ON l.repository_id = r.id \
             JOIN blobs b ON b.digest = l.digest AND b.state = 0 \
             WHERE r.name = ?1 AND r.project_id = ?2 AND l.digest = ?3",
            &params![permit.repository().as_str(), permit.project().0, digest.to_bytes()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        size_bytes: size(&row, 0)?,
        storage_key: key(&row, 1)?,
        review_after: row.optional_integer(2)?.map(wharf_context::Timestamp),
    }))
}

/// Gives blobs new grace. Call it before the state of a blob is read: the row that it locks is what a push and
/// collection meet on. A row with most of its grace left is only locked, so that a base layer that everybody pushes is
/// not a row that everybody writes.
pub(crate) async fn postpone_review(tx: &mut Tx<'_>, digests: &[Digest], grace: Duration) -> Result<(), Error> {
    let after = tx.now().plus(grace);
    tx.execute(
        Statement::dialects(
            "INSERT INTO blob_reviews (digest, review_after) SELECT unhex(value), ?2 FROM json_each(?1) WHERE true ORDER BY value \
             ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after WHERE blob_reviews.review_after < ?3",
            "INSERT INTO blob_reviews (digest, review_after) \
             SELECT decode(value, 'hex'), CAST(?2 AS bigint) FROM json_array_elements_text(CAST(?1 AS text)::json) ORDER BY value \
             ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after WHERE blob_reviews.review_after < CAST(?3 AS bigint)",
        ),
        &params![hex_list(digests)?, after, after.minus(grace / 4)],
    )
    .await?;
    Ok(())
}

/// Of `digests`, those that the repository links and whose bytes are present, with their sizes.
pub(crate) async fn sizes(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<(Digest, u64)>, Error> {
    let rows = tx
        .query(
            Statement::dialects(
                // CROSS JOIN keeps the order: begun at the repository, it would read all blobs that it links.
                "SELECT b.digest, b.size_bytes FROM json_each(?2) j \
                 CROSS JOIN repository_blobs l ON l.repository_id = ?1 AND l.digest = unhex(j.value) \
                 CROSS JOIN blobs b ON b.digest = l.digest AND b.state = 0",
                "SELECT b.digest, b.size_bytes FROM json_array_elements_text(CAST(?2 AS text)::json) j \
                 JOIN repository_blobs l ON l.repository_id = ?1 AND l.digest = decode(j.value, 'hex') \
                 JOIN blobs b ON b.digest = l.digest AND b.state = 0",
            ),
            &params![repository.0, hex_list(digests)?],
        )
        .await?;
    rows.iter().map(|row| Ok((digest(row, 0)?, size(row, 1)?))).collect()
}

/// The size of a blob that a mount may take from `source`.
pub(super) async fn readable_size(tx: &mut Tx<'_>, source: &Source, digest: &Digest) -> Result<Option<u64>, Error> {
    let bytes = digest.to_bytes();
    let row = match source {
        Source::Repository(permit) => {
            tx.query_opt(
                "SELECT b.size_bytes FROM repositories r JOIN repository_blobs l ON l.repository_id = r.id \
                 JOIN blobs b ON b.digest = l.digest AND b.state = 0 \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND l.digest = ?3",
                &params![permit.repository().as_str(), permit.project().0, bytes],
            )
            .await?
        }
        Source::Anywhere(Visibility::All) => {
            tx.query_opt(
                "SELECT b.size_bytes FROM repository_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 0 WHERE l.digest = ?1 LIMIT 1",
                &params![bytes],
            )
            .await?
        }
        Source::Anywhere(Visibility::Projects(projects)) => {
            let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
            let ids = serde_json::to_string(&ids).map_err(|_| Error::MalformedRow { what: "a project list" })?;
            tx.query_opt(
                Statement::dialects(
                    "SELECT b.size_bytes FROM repository_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 0 \
                     JOIN repositories r ON r.id = l.repository_id \
                     WHERE l.digest = ?1 AND r.project_id IN (SELECT value FROM json_each(?2)) LIMIT 1",
                    "SELECT b.size_bytes FROM repository_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 0 \
                     JOIN repositories r ON r.id = l.repository_id \
                     WHERE l.digest = ?1 AND r.project_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?2 AS text)::json)) LIMIT 1",
                ),
                &params![bytes, ids],
            )
            .await?
        }
    };
    row.map(|row| size(&row, 0)).transpose()
}

/// Links a blob; says whether it was not linked before. Call it through [`crate::quota::charge::Account::link`], which
/// charges the project.
pub(crate) async fn link(tx: &mut Tx<'_>, repository: RepositoryId, digest: &Digest) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "INSERT INTO repository_blobs (repository_id, digest, linked_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (repository_id, digest) DO NOTHING",
            &params![repository.0, digest.to_bytes(), now],
        )
        .await?;
    Ok(changed > 0)
}

/// Whether there was a link.
pub(super) async fn unlink(tx: &mut Tx<'_>, repository: RepositoryId, digest: &Digest) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "DELETE FROM repository_blobs WHERE repository_id = ?1 AND digest = ?2",
            &params![repository.0, digest.to_bytes()],
        )
        .await?;
    Ok(changed > 0)
}

/// Takes links away that no manifest backs, of the blobs `digests` in any repository.
pub(crate) async fn unlink_unbacked(tx: &mut Tx<'_>, digests: &[Digest]) -> Result<(), Error> {
    tx.execute(UNLINK_UNBACKED, &params![hex_list(digests)?]).await?;
    Ok(())
}

pub(crate) const UNLINK_UNBACKED: Statement = Statement::dialects(
    "DELETE FROM repository_blobs WHERE digest IN (SELECT unhex(value) FROM json_each(?1)) AND NOT EXISTS \
     (SELECT 1 FROM manifest_references f WHERE f.digest = repository_blobs.digest AND f.repository_id = repository_blobs.repository_id)",
    "DELETE FROM repository_blobs WHERE digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) AND NOT EXISTS \
     (SELECT 1 FROM manifest_references f WHERE f.digest = repository_blobs.digest AND f.repository_id = repository_blobs.repository_id)",
);

/// Makes new bytes the bytes of a digest. The bytes that stood for it before are returned: the new ones were hashed
/// a moment ago and the old ones may have rotted, so the new ones win, and equal bytes are kept once. Whoever has a URL
/// of the old ones may use it for `presigned_for`.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    digest: &Digest,
    new: (&StorageKey, u64),
    presigned_for: Duration,
) -> Result<Vec<StorageKey>, Error> {
    let now = tx.now();
    let bytes = digest.to_bytes();
    let (storage_key, size_bytes) = new;
    let old = tx
        // Present (0) and lost (2) become deleting (1).
        .query(
            "UPDATE blobs SET state = 1, deleting_since = ?2, delete_after = ?3 WHERE digest = ?1 AND state <> 1 \
             RETURNING storage_key",
            &params![bytes.clone(), now, now.plus(presigned_for)],
        )
        .await?;
    let size = i64::try_from(size_bytes).map_err(|_| Error::MalformedRow { what: "a blob's size" })?;
    tx.execute(
        "INSERT INTO blobs (digest, size_bytes, storage_key, created_at) VALUES (?1, ?2, ?3, ?4)",
        &params![bytes, size, storage_key.to_string(), now],
    )
    .await?;
    old.iter().map(|row| key(row, 0)).collect()
}

pub(super) async fn mark_lost(tx: &mut Tx<'_>, storage_key: &StorageKey) -> Result<(), Error> {
    // Present (0) becomes lost (2).
    tx.execute("UPDATE blobs SET state = 2 WHERE storage_key = ?1 AND state = 0", &params![storage_key.to_string()])
        .await?;
    Ok(())
}

/// The digests' catalog bytes in hexadecimal as a JSON list, which both databases unfold into rows.
pub(crate) fn hex_list(digests: &[Digest]) -> Result<String, Error> {
    let list: Vec<String> = digests.iter().map(|digest| HEXLOWER.encode(&digest.to_bytes())).collect();
    serde_json::to_string(&list).map_err(|_| Error::MalformedRow { what: "a digest list" })
}

/// Column `index` as a digest.
pub(crate) fn digest(row: &Row, index: usize) -> Result<Digest, Error> {
    Digest::from_bytes(row.bytes(index)?).ok_or(Error::MalformedRow { what: "a digest" })
}

fn size(row: &Row, index: usize) -> Result<u64, Error> {
    u64::try_from(row.integer(index)?).map_err(|_| Error::MalformedRow { what: "a blob's size" })
}

pub(crate) fn key(row: &Row, index: usize) -> Result<StorageKey, Error> {
    row.text(index)?.parse().map_err(|_| Error::MalformedRow { what: "a storage key" })
}
