//! SQL of usage: sums over `project_blobs`, `repository_blobs` and `manifest_references`.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, Value, params};
use wharf_oci::RepositoryName;

use crate::collection::store::count;
use crate::error::Error;
use crate::repository::RepositoryId;

/// What something holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) blobs: u64,
    pub(super) size_bytes: u64,
    pub(super) alone_bytes: u64,
}

const OF_PROJECT: &str = "SELECT CAST(COUNT(*) AS bigint), CAST(COALESCE(SUM(p.size_bytes), 0) AS bigint), \
     CAST(COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM project_blobs o WHERE o.digest = p.digest AND o.project_id <> ?1) \
      THEN 0 ELSE p.size_bytes END), 0) AS bigint) \
     FROM project_blobs p WHERE p.project_id = ?1";
const OF_REPOSITORY: &str = "SELECT CAST(COUNT(*) AS bigint), CAST(COALESCE(SUM(b.size_bytes), 0) AS bigint), \
     CAST(COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM repository_blobs o WHERE o.digest = l.digest AND o.repository_id <> ?1) \
      THEN 0 ELSE b.size_bytes END), 0) AS bigint) \
     FROM repository_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 0 WHERE l.repository_id = ?1";
// `named` is the tag's manifest with its children; `held`, those of them that something else holds, too.
const OF_TAG: &str = "WITH RECURSIVE named(id, digest) AS (\
      SELECT m.id, m.digest FROM tags t \
      JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest AND m.deleted_at IS NULL \
      WHERE t.repository_id = ?1 AND t.name = ?2 AND t.until_at IS NULL \
      UNION SELECT c.id, c.digest FROM named n JOIN manifest_references f ON f.manifest_id = n.id AND f.kind = 1 \
      JOIN manifests c ON c.repository_id = ?1 AND c.digest = f.digest AND c.deleted_at IS NULL), \
     held(id) AS (\
      SELECT n.id FROM named n WHERE EXISTS (SELECT 1 FROM tags t \
        WHERE t.repository_id = ?1 AND t.digest = n.digest AND t.until_at IS NULL AND t.name <> ?2) \
       OR EXISTS (SELECT 1 FROM manifest_references f JOIN manifests p ON p.id = f.manifest_id AND p.deleted_at IS NULL \
        WHERE f.digest = n.digest AND f.repository_id = ?1 AND f.kind = 1 AND f.manifest_id NOT IN (SELECT id FROM named)) \
      UNION SELECT c.id FROM held h JOIN manifest_references f ON f.manifest_id = h.id AND f.kind = 1 \
      JOIN manifests c ON c.repository_id = ?1 AND c.digest = f.digest AND c.deleted_at IS NULL) \
     SELECT CAST(COUNT(*) AS bigint), CAST(COALESCE(SUM(b.size_bytes), 0) AS bigint), \
     CAST(COALESCE(SUM(CASE \
       WHEN EXISTS (SELECT 1 FROM manifest_references f WHERE f.digest = x.digest AND f.repository_id = ?1 \
        AND (f.manifest_id NOT IN (SELECT id FROM named) OR f.manifest_id IN (SELECT id FROM held))) THEN 0 \
       WHEN EXISTS (SELECT 1 FROM repository_blobs o WHERE o.digest = x.digest AND o.repository_id <> ?1) THEN 0 \
       ELSE b.size_bytes END), 0) AS bigint) \
     FROM (SELECT DISTINCT f.digest FROM named n JOIN manifest_references f ON f.manifest_id = n.id AND f.kind = 0) x \
     JOIN blobs b ON b.digest = x.digest AND b.state = 0";

/// The project after the one numbered `last`, with its first repository.
pub(super) async fn project_after(db: &Db, last: i64) -> Result<Option<(ProjectId, RepositoryName)>, Error> {
    let row = db
        .get(
            "SELECT project_id, name FROM repositories WHERE project_id > ?1 ORDER BY project_id, name LIMIT 1",
            &params![last],
        )
        .await?;
    let malformed = |_| Error::MalformedRow { what: "a repository" };
    row.map(|row| Ok((ProjectId(row.integer(0)?), row.text(1)?.parse().map_err(malformed)?))).transpose()
}

/// A repository of a project.
pub(super) async fn repository(
    db: &Db,
    project: ProjectId,
    name: &RepositoryName,
) -> Result<Option<RepositoryId>, Error> {
    let row = db
        .get("SELECT id FROM repositories WHERE name = ?1 AND project_id = ?2", &params![name.as_str(), project])
        .await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map(RepositoryId))
}

/// Up to `limit` repositories of a project after the one named `last`.
pub(super) async fn repositories(
    db: &Db,
    (project, last): (ProjectId, &str),
    limit: usize,
) -> Result<Vec<(RepositoryId, String)>, Error> {
    let rows = db
        .list(
            "SELECT id, name FROM repositories WHERE project_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            &params![project, last, count(limit)],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok((RepositoryId(row.integer(0)?), row.take_text(1)?))).collect()
}

/// Up to `limit` tags of a repository after `last`.
pub(super) async fn tags(
    db: &Db,
    (repository, last): (RepositoryId, &str),
    limit: usize,
) -> Result<Vec<String>, Error> {
    let rows = db
        .list(
            "SELECT name FROM tags WHERE repository_id = ?1 AND until_at IS NULL AND name > ?2 ORDER BY name LIMIT ?3",
            &params![repository.0, last, count(limit)],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok(row.take_text(0)?)).collect()
}

pub(super) async fn of_project(db: &Db, project: ProjectId) -> Result<Held, Error> {
    sum(db, OF_PROJECT, &params![project]).await
}

pub(super) async fn of_repository(db: &Db, repository: RepositoryId) -> Result<Held, Error> {
    sum(db, OF_REPOSITORY, &params![repository.0]).await
}

pub(super) async fn of_tag(db: &Db, repository: RepositoryId, tag: &str) -> Result<Held, Error> {
    sum(db, OF_TAG, &params![repository.0, tag]).await
}

async fn sum(db: &Db, sql: &'static str, params: &[Value]) -> Result<Held, Error> {
    let rows = db.list(sql, params).await?;
    let row = rows.first().ok_or(Error::MalformedRow { what: "a sum" })?;
    let number = |row: &Row, column| Ok::<_, Error>(row.integer(column)?.unsigned_abs());
    Ok(Held { blobs: number(row, 0)?, size_bytes: number(row, 1)?, alone_bytes: number(row, 2)? })
}
