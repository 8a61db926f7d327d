//! SQL of what holds a digest.

use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::{Db, Row, params};
use wharf_oci::{Digest, Tag};

use super::count;
use crate::blob::store::digest;
use crate::collection::holders::{BlobLink, HoldingManifest, StoredBytes};
use crate::error::Error;
use crate::repository::RepositoryId;

/// How many tags of a manifest are told.
const TAGS: i64 = 10;

/// Bytes that are stored under a digest.
pub(crate) async fn stored(db: &Db, digest: &Digest) -> Result<Vec<StoredBytes>, Error> {
    let rows = db
        .list(
            "SELECT size_bytes, state, deleting_since, delete_after FROM blobs WHERE digest = ?1 ORDER BY id DESC LIMIT 10",
            &params![digest.to_bytes()],
        )
        .await?;
    let stored = rows.iter().map(|row| {
        let state = row.integer(1)?;
        Ok(StoredBytes {
            size_bytes: row.integer(0)?.unsigned_abs(),
            is_present: state == 0,
            deleting_since: row.optional_timestamp(2)?.filter(|_| state == 1),
            delete_after: row.optional_timestamp(3)?.filter(|_| state == 1),
        })
    });
    stored.collect()
}

/// When collection looks at a blob.
pub(crate) async fn review_after(db: &Db, digest: &Digest) -> Result<Option<Timestamp>, Error> {
    let row = db.get("SELECT review_after FROM blob_reviews WHERE digest = ?1", &params![digest.to_bytes()]).await?;
    Ok(row.map(|row| row.timestamp(0)).transpose()?)
}

/// Repositories that link a blob.
pub(crate) async fn links(db: &Db, digest: &Digest, limit: usize) -> Result<Vec<BlobLink>, Error> {
    let rows = db
        .list(
            "SELECT r.name, l.linked_at, CAST(CASE WHEN EXISTS (SELECT 1 FROM manifest_references f \
              WHERE f.digest = l.digest AND f.repository_id = l.repository_id) THEN 1 ELSE 0 END AS bigint) \
             FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id \
             WHERE l.digest = ?1 ORDER BY l.repository_id LIMIT ?2",
            &params![digest.to_bytes(), count(limit)],
        )
        .await?;
    let malformed = |_| Error::MalformedRow { what: "a repository" };
    let links = rows.iter().map(|row| {
        let repository = row.text(0)?.parse().map_err(malformed)?;
        Ok(BlobLink { repository, linked_at: row.timestamp(1)?, is_named: row.boolean(2)? })
    });
    links.collect()
}

/// Manifests that name a digest, live or in the bin.
pub(crate) async fn naming(
    db: &Db,
    digest: &Digest,
    (keep, limit): (Duration, usize),
) -> Result<Vec<(RepositoryId, HoldingManifest)>, Error> {
    let rows = db
        .list(
            "SELECT r.id, r.name, m.digest, m.media_type, m.deleted_at FROM manifest_references f \
             JOIN manifests m ON m.id = f.manifest_id JOIN repositories r ON r.id = f.repository_id \
             WHERE f.digest = ?1 ORDER BY f.repository_id, f.manifest_id LIMIT ?2",
            &params![digest.to_bytes(), count(limit)],
        )
        .await?;
    rows.iter().map(|row| manifest(row, keep)).collect()
}

/// Manifests that a digest is the digest of, live or in the bin: looked for in each repository.
pub(crate) async fn being(
    db: &Db,
    digest: &Digest,
    (keep, limit): (Duration, usize),
) -> Result<Vec<(RepositoryId, HoldingManifest)>, Error> {
    let rows = db
        .list(
            "SELECT r.id, r.name, m.digest, m.media_type, m.deleted_at FROM repositories r \
             JOIN manifests m ON m.repository_id = r.id AND m.digest = ?1 AND m.deleted_at IS NULL \
             UNION ALL SELECT r.id, r.name, m.digest, m.media_type, m.deleted_at FROM repositories r \
             JOIN manifests m ON m.repository_id = r.id AND m.digest = ?1 AND m.deleted_at IS NOT NULL LIMIT ?2",
            &params![digest.to_bytes(), count(limit)],
        )
        .await?;
    rows.iter().map(|row| manifest(row, keep)).collect()
}

/// The first tags that point to a manifest.
pub(crate) async fn tags_of(db: &Db, repository: RepositoryId, digest: &Digest) -> Result<Vec<Tag>, Error> {
    let rows = db
        .list(
            "SELECT name FROM tags WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NULL ORDER BY name LIMIT ?3",
            &params![repository.0, digest.to_bytes(), TAGS],
        )
        .await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })).collect()
}

fn manifest(row: &Row, keep: Duration) -> Result<(RepositoryId, HoldingManifest), Error> {
    let manifest = HoldingManifest {
        repository: row.text(1)?.parse().map_err(|_| Error::MalformedRow { what: "a repository" })?,
        digest: digest(row, 2)?,
        media_type: row.text(3)?.to_owned(),
        binned_until: row.optional_timestamp(4)?.map(|deleted_at| deleted_at.plus(keep)),
        tags: Vec::new(),
    };
    Ok((RepositoryId(row.integer(0)?), manifest))
}
