//! SQL of the bin: `manifests` that are marked as deleted, and rows of `tags` that have ended.

use wharf_context::Timestamp;
use wharf_db::{Db, Tx, params};
use wharf_oci::{Digest, RepositoryName, Tag};

use crate::blob::store::digest;
use crate::collection::store::count;
use crate::collection::untagged::store::Place;
use crate::error::Error;
use crate::repository::RepositoryId;

/// A place in a list that is ordered by time, newest first: what follows is older.
pub(super) type Before = (Timestamp, i64);

/// A manifest in the bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) deleted_at: Timestamp,
}

/// A manifest that an index names, which is in the bin now.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) digest: Digest,
    /// By a tag, another index, or a tag that can still be restored.
    pub(super) is_needed: bool,
}

/// One row of a list.
#[derive(Debug)]
pub(super) struct Row<T> {
    pub(super) at: Before,
    pub(super) digest: Digest,
    pub(super) what: T,
}

pub(crate) const ALL: &str = "SELECT id FROM manifests WHERE repository_id = ?1 AND deleted_at IS NOT NULL \
     ORDER BY deleted_at, id LIMIT ?2";
pub(crate) const REFERRERS: &str = "SELECT m.digest FROM manifests m \
     WHERE m.repository_id = ?1 AND m.subject = ?2 AND m.subject IS NOT NULL AND m.deleted_at IS NULL AND NOT EXISTS \
     (SELECT 1 FROM tags t WHERE t.repository_id = ?1 AND t.digest = m.digest AND t.until_at IS NULL)";
pub(crate) const CHILDREN: &str = "SELECT f.digest, CAST(CASE WHEN \
     EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = f.repository_id AND t.digest = f.digest AND t.until_at IS NULL) \
     OR EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = f.repository_id AND t.digest = f.digest \
                AND t.until_at IS NOT NULL AND t.until_at > ?2) \
     OR EXISTS (SELECT 1 FROM manifest_references o JOIN manifests p ON p.id = o.manifest_id AND p.deleted_at IS NULL \
                WHERE o.digest = f.digest AND o.repository_id = f.repository_id AND o.kind = 1) \
     THEN 1 ELSE 0 END AS bigint) \
     FROM manifest_references f JOIN manifests m \
     ON m.repository_id = f.repository_id AND m.digest = f.digest AND m.deleted_at IS NULL \
     WHERE f.manifest_id = ?1 AND f.kind = 1";

/// Up to `limit` manifests in a repository's bin, whatever their time.
pub(super) async fn all(tx: &mut Tx<'_>, repository: RepositoryId, limit: usize) -> Result<Vec<i64>, Error> {
    let rows = tx.query(ALL, &params![repository.0, count(limit)]).await?;
    rows.iter().map(|row| Ok(row.integer(0)?)).collect()
}

pub(crate) const WENT_ALONG: &str = "SELECT 1 FROM manifests m \
     WHERE m.repository_id = ?1 AND m.digest = ?2 AND m.deleted_at IS NOT NULL AND (EXISTS \
     (SELECT 1 FROM manifest_references f JOIN manifests p ON p.id = f.manifest_id \
      WHERE f.digest = m.digest AND f.repository_id = m.repository_id AND f.kind = 1 AND p.deleted_at = m.deleted_at) \
     OR EXISTS (SELECT 1 FROM manifests s \
      WHERE s.repository_id = m.repository_id AND s.digest = m.subject AND s.deleted_at IS NOT NULL \
      AND s.deleted_at = m.deleted_at)) LIMIT 1";

/// Whether a manifest came into the bin with an index that names it, or with its subject.
pub(crate) async fn went_along(tx: &mut Tx<'_>, (repository, digest): Place<'_>) -> Result<bool, Error> {
    Ok(tx.query_opt(WENT_ALONG, &params![repository.0, digest.to_bytes()]).await?.is_some())
}

/// The untagged manifests that name this one as their subject.
pub(super) async fn referrers(tx: &mut Tx<'_>, (repository, digest): Place<'_>) -> Result<Vec<Digest>, Error> {
    digests(tx, REFERRERS, &params![repository.0, digest.to_bytes()]).await
}

/// The manifests that the index `id` names and that are there. A tag that ended before `before` needs nothing.
pub(super) async fn children(tx: &mut Tx<'_>, id: i64, before: Timestamp) -> Result<Vec<Child>, Error> {
    let rows = tx.query(CHILDREN, &params![id, before]).await?;
    rows.iter().map(|row| Ok(Child { digest: digest(row, 0)?, is_needed: row.boolean(1)? })).collect()
}

/// The manifest as it was deleted last, unless it is there, or was deleted before `since`.
pub(super) async fn newest(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    since: Timestamp,
) -> Result<Option<Found>, Error> {
    let row = tx
        .query_opt(
            "SELECT id, deleted_at FROM manifests \
             WHERE repository_id = ?1 AND digest = ?2 AND deleted_at IS NOT NULL AND deleted_at >= ?3 AND NOT EXISTS \
             (SELECT 1 FROM manifests l WHERE l.repository_id = ?1 AND l.digest = ?2 AND l.deleted_at IS NULL) \
             ORDER BY deleted_at DESC, id DESC LIMIT 1",
            &params![repository.0, digest.to_bytes(), since],
        )
        .await?;
    row.map(|row| Ok(Found { id: row.integer(0)?, deleted_at: row.timestamp(1)? })).transpose()
}

/// The referrers of a manifest that were deleted at the same moment.
pub(super) async fn gone_referrers(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    deleted_at: Timestamp,
) -> Result<Vec<Digest>, Error> {
    let sql = "SELECT digest FROM manifests \
         WHERE repository_id = ?1 AND subject = ?2 AND subject IS NOT NULL AND deleted_at IS NOT NULL AND deleted_at = ?3";
    digests(tx, sql, &params![repository.0, digest.to_bytes(), deleted_at]).await
}

/// The manifests that a manifest names which are in the bin and nowhere else.
pub(super) async fn gone_children(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    since: Timestamp,
) -> Result<Vec<Digest>, Error> {
    let sql = "SELECT DISTINCT f.digest FROM manifests i \
         JOIN manifest_references f ON f.manifest_id = i.id AND f.kind = 1 \
         JOIN manifests b ON b.repository_id = i.repository_id AND b.digest = f.digest AND b.deleted_at IS NOT NULL \
         WHERE i.repository_id = ?1 AND i.digest = ?2 AND i.deleted_at IS NULL AND b.deleted_at >= ?3 AND NOT EXISTS \
         (SELECT 1 FROM manifests l WHERE l.repository_id = ?1 AND l.digest = f.digest AND l.deleted_at IS NULL)";
    digests(tx, sql, &params![repository.0, digest.to_bytes(), since]).await
}

/// The media type of a manifest that is there.
pub(crate) async fn media_type(tx: &mut Tx<'_>, (repository, digest): Place<'_>) -> Result<Option<String>, Error> {
    let row = tx
        .query_opt(
            "SELECT media_type FROM manifests WHERE repository_id = ?1 AND digest = ?2 AND deleted_at IS NULL",
            &params![repository.0, digest.to_bytes()],
        )
        .await?;
    Ok(row.map(|mut row| row.take_text(0)).transpose()?)
}

/// What a tag pointed to last, other than now, and whose manifest can still be had; only `wanted`, where it is given.
pub(super) async fn past_digest(
    tx: &mut Tx<'_>,
    (repository, tag): (RepositoryId, &Tag),
    (wanted, current): (Option<&Digest>, Option<&Digest>),
    since: Timestamp,
) -> Result<Option<Digest>, Error> {
    let bytes = |digest: Option<&Digest>| digest.map(Digest::to_bytes).unwrap_or_default();
    let row = tx
        .query_opt(
            "SELECT t.digest FROM tags t \
             WHERE t.repository_id = ?1 AND t.name = ?2 AND t.until_at IS NOT NULL AND t.until_at >= ?3 \
             AND (CAST(?6 AS bigint) = 0 OR t.digest = ?4) AND t.digest <> ?5 AND EXISTS (SELECT 1 FROM manifests m \
              WHERE m.repository_id = ?1 AND m.digest = t.digest AND m.deleted_at IS NULL \
              UNION ALL SELECT 1 FROM manifests b \
              WHERE b.repository_id = ?1 AND b.digest = t.digest AND b.deleted_at IS NOT NULL AND b.deleted_at >= ?3) \
             ORDER BY t.until_at DESC, t.id DESC LIMIT 1",
            &params![repository.0, tag.as_str(), since, bytes(wanted), bytes(current), wanted.is_some()],
        )
        .await?;
    row.map(|row| digest(&row, 0)).transpose()
}

/// Up to `limit` repositories of a project from `from` on, in the order of their names.
pub(super) async fn repositories(
    db: &Db,
    (project, from): (i64, &str),
    limit: usize,
) -> Result<Vec<(RepositoryId, RepositoryName)>, Error> {
    let rows = db
        .list(
            "SELECT id, name FROM repositories WHERE project_id = ?1 AND name >= ?2 ORDER BY name LIMIT ?3",
            &params![project, from, count(limit)],
        )
        .await?;
    let malformed = |_| Error::MalformedRow { what: "a repository" };
    rows.iter().map(|row| Ok((RepositoryId(row.integer(0)?), row.text(1)?.parse().map_err(malformed)?))).collect()
}

/// Tags that were deleted or moved since `since` and can be restored: name, and what it points to now.
pub(super) async fn tags(
    db: &Db,
    repository: RepositoryId,
    (since, before): (Timestamp, Before),
    limit: usize,
) -> Result<Vec<Row<(Tag, Option<Digest>)>>, Error> {
    let rows = db
        .list(
            "SELECT t.until_at, t.id, t.digest, t.name, \
             (SELECT n.digest FROM tags n WHERE n.repository_id = ?1 AND n.name = t.name AND n.until_at IS NULL) \
             FROM tags t \
             WHERE t.repository_id = ?1 AND t.until_at IS NOT NULL AND t.until_at >= ?2 AND (t.until_at, t.id) < (?3, ?4) \
             AND EXISTS (SELECT 1 FROM manifests m \
              WHERE m.repository_id = ?1 AND m.digest = t.digest AND m.deleted_at IS NULL \
              UNION ALL SELECT 1 FROM manifests b \
              WHERE b.repository_id = ?1 AND b.digest = t.digest AND b.deleted_at IS NOT NULL AND b.deleted_at >= ?2) \
             ORDER BY t.until_at DESC, t.id DESC LIMIT ?5",
            &params![repository.0, since, before.0, before.1, count(limit)],
        )
        .await?;
    let entries = rows.iter().map(|row| {
        let name = row.text(3)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })?;
        let now = row.optional_bytes(4)?.map(|_| digest(row, 4)).transpose()?;
        Ok(Row { at: (row.timestamp(0)?, row.integer(1)?), digest: digest(row, 2)?, what: (name, now) })
    });
    entries.collect()
}

/// Manifests that were deleted since `since`: media type.
pub(super) async fn manifests(
    db: &Db,
    repository: RepositoryId,
    (since, before): (Timestamp, Before),
    limit: usize,
) -> Result<Vec<Row<String>>, Error> {
    let rows = db
        .list(
            "SELECT deleted_at, id, digest, media_type FROM manifests \
             WHERE repository_id = ?1 AND deleted_at IS NOT NULL AND deleted_at >= ?2 AND (deleted_at, id) < (?3, ?4) \
             ORDER BY deleted_at DESC, id DESC LIMIT ?5",
            &params![repository.0, since, before.0, before.1, count(limit)],
        )
        .await?;
    let entries = rows.into_iter().map(|mut row| {
        let what = row.take_text(3)?;
        Ok(Row { at: (row.timestamp(0)?, row.integer(1)?), digest: digest(&row, 2)?, what })
    });
    entries.collect()
}

async fn digests(tx: &mut Tx<'_>, sql: &'static str, params: &[wharf_db::Value]) -> Result<Vec<Digest>, Error> {
    let rows = tx.query(sql, params).await?;
    rows.iter().map(|row| digest(row, 0)).collect()
}
