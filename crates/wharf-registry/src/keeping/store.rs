//! SQL of what retention sees: tags with what they point to, by pages and by sets.

use wharf_context::ProjectId;
use wharf_db::{Row, Statement, Tx, Value, params};
use wharf_oci::{Digest, MediaType, RepositoryName, Tag};

use super::Tagged;
use crate::blob::store::{digest, hex_list};
use crate::collection::store::count;
use crate::collection::untagged::store::Place;
use crate::error::Error;
use crate::repository::RepositoryId;

const REPOSITORIES: &str = "SELECT name FROM repositories WHERE project_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
const TAGGED: &str = "SELECT t.name, t.digest, t.since_at, \
     (SELECT m.media_type FROM manifests m WHERE m.repository_id = ?1 AND m.digest = t.digest AND m.deleted_at IS NULL) \
     FROM tags t WHERE t.repository_id = ?1 AND t.until_at IS NULL AND t.name > ?2 ORDER BY t.name LIMIT ?3";
const FIND_TAGGED: &str = "SELECT t.name, t.digest, t.since_at, \
     (SELECT m.media_type FROM manifests m WHERE m.repository_id = ?1 AND m.digest = t.digest AND m.deleted_at IS NULL) \
     FROM tags t WHERE t.repository_id = ?1 AND t.until_at IS NULL AND t.name = ?2";
const IS_TAGGED: &str = "SELECT 1 FROM tags WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NULL LIMIT 1";
// CROSS JOIN keeps SQLite's order: from the few digests to what is looked for.
const COMPONENTS: Statement = Statement::dialects(
    "WITH RECURSIVE part (root, digest) AS ( \
      SELECT unhex(j.value), unhex(j.value) FROM json_each(?2) j \
      UNION SELECT p.root, f.digest FROM part p \
      CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL \
      CROSS JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1) SELECT root, digest FROM part",
    "WITH RECURSIVE part (root, digest) AS ( \
      SELECT decode(j.value, 'hex'), decode(j.value, 'hex') FROM json_array_elements_text(CAST(?2 AS text)::json) j \
      UNION SELECT p.root, f.digest FROM part p \
      JOIN manifests m ON m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL \
      JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1) SELECT root, digest FROM part",
);
const STANDING: Statement = Statement::dialects(
    "SELECT m.digest FROM json_each(?2) j \
     CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = unhex(j.value) AND m.deleted_at IS NULL",
    "SELECT m.digest FROM json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN manifests m ON m.repository_id = ?1 AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NULL",
);
const NEEDED: Statement = Statement::dialects(
    "SELECT f.digest FROM json_each(?2) j \
     CROSS JOIN manifest_references f ON f.digest = unhex(j.value) AND f.repository_id = ?1 AND f.kind = 1 \
     CROSS JOIN manifests p ON p.id = f.manifest_id AND p.deleted_at IS NULL \
     UNION SELECT m.digest FROM json_each(?2) j \
     CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = unhex(j.value) AND m.deleted_at IS NULL \
     CROSS JOIN manifests s ON s.repository_id = ?1 AND s.digest = m.subject AND s.deleted_at IS NULL",
    "SELECT f.digest FROM json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN manifest_references f ON f.digest = decode(j.value, 'hex') AND f.repository_id = ?1 AND f.kind = 1 \
     JOIN manifests p ON p.id = f.manifest_id AND p.deleted_at IS NULL \
     UNION SELECT m.digest FROM json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN manifests m ON m.repository_id = ?1 AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NULL \
     JOIN manifests s ON s.repository_id = ?1 AND s.digest = m.subject AND s.deleted_at IS NULL",
);

const BINNED: Statement = Statement::dialects(
    "SELECT DISTINCT m.digest FROM json_each(?2) j \
     CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = unhex(j.value) AND m.deleted_at IS NOT NULL",
    "SELECT DISTINCT m.digest FROM json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN manifests m ON m.repository_id = ?1 AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NOT NULL",
);
// `up`: what it is a part or a referrer of; `down`: what it lists, and what refers to that. What lies in the bin counts, and has
// indexes of its own.
const KIN: Statement = Statement::dialects(
    "WITH RECURSIVE up (digest) AS ( SELECT ?2 \
      UNION SELECT m.digest FROM up u \
      CROSS JOIN manifest_references f ON f.digest = u.digest AND f.repository_id = ?1 \
      CROSS JOIN manifests m ON m.id = f.manifest_id \
      UNION SELECT m.subject FROM up u CROSS JOIN manifests m \
      ON m.repository_id = ?1 AND m.digest = u.digest AND m.deleted_at IS NULL AND m.subject IS NOT NULL \
      UNION SELECT m.subject FROM up u CROSS JOIN manifests m \
      ON m.repository_id = ?1 AND m.digest = u.digest AND m.deleted_at IS NOT NULL AND m.subject IS NOT NULL), \
     down (digest) AS ( SELECT ?2 \
      UNION SELECT f.digest FROM down d \
      CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = d.digest AND m.deleted_at IS NULL \
      CROSS JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
      UNION SELECT f.digest FROM down d \
      CROSS JOIN manifests m ON m.repository_id = ?1 AND m.digest = d.digest AND m.deleted_at IS NOT NULL \
      CROSS JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
      UNION SELECT r.digest FROM down d CROSS JOIN manifests r \
      ON r.repository_id = ?1 AND r.subject = d.digest AND r.subject IS NOT NULL AND r.deleted_at IS NULL \
      UNION SELECT r.digest FROM down d CROSS JOIN manifests r \
      ON r.repository_id = ?1 AND r.subject = d.digest AND r.subject IS NOT NULL AND r.deleted_at IS NOT NULL) \
     SELECT digest FROM up UNION SELECT digest FROM down",
    "WITH RECURSIVE up (digest) AS ( SELECT CAST(?2 AS bytea) \
      UNION SELECT n.digest FROM up u CROSS JOIN LATERAL ( \
       SELECT m.digest FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id \
        WHERE f.digest = u.digest AND f.repository_id = ?1 \
       UNION ALL SELECT m.subject FROM manifests m \
        WHERE m.repository_id = ?1 AND m.digest = u.digest AND m.deleted_at IS NULL AND m.subject IS NOT NULL \
       UNION ALL SELECT m.subject FROM manifests m \
        WHERE m.repository_id = ?1 AND m.digest = u.digest AND m.deleted_at IS NOT NULL AND m.subject IS NOT NULL) n), \
     down (digest) AS ( SELECT CAST(?2 AS bytea) \
      UNION SELECT n.digest FROM down d CROSS JOIN LATERAL ( \
       SELECT f.digest FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
        WHERE m.repository_id = ?1 AND m.digest = d.digest AND m.deleted_at IS NULL \
       UNION ALL SELECT f.digest FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
        WHERE m.repository_id = ?1 AND m.digest = d.digest AND m.deleted_at IS NOT NULL \
       UNION ALL SELECT r.digest FROM manifests r \
        WHERE r.repository_id = ?1 AND r.subject = d.digest AND r.subject IS NOT NULL AND r.deleted_at IS NULL \
       UNION ALL SELECT r.digest FROM manifests r \
        WHERE r.repository_id = ?1 AND r.subject = d.digest AND r.subject IS NOT NULL AND r.deleted_at IS NOT NULL) n) \
     SELECT digest FROM up UNION SELECT digest FROM down",
);

pub(super) async fn repositories(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (last, limit): (&str, usize),
) -> Result<Vec<RepositoryName>, Error> {
    let rows = tx.query(REPOSITORIES, &params![project, last, count(limit)]).await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a repository" })).collect()
}

pub(super) async fn tagged(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    (last, limit): (&str, usize),
) -> Result<Vec<Tagged>, Error> {
    let rows = tx.query(TAGGED, &params![repository.0, last, count(limit)]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn find_tagged(tx: &mut Tx<'_>, repository: RepositoryId, tag: &Tag) -> Result<Option<Tagged>, Error> {
    let row = tx.query_opt(FIND_TAGGED, &params![repository.0, tag.as_str()]).await?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Tagged, Error> {
    Ok(Tagged {
        tag: row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })?,
        digest: digest(row, 1)?,
        since: row.timestamp(2)?,
        is_index: row.optional_text(3)?.and_then(MediaType::parse).is_some_and(|media_type| media_type.is_index()),
    })
}

pub(super) async fn components(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<(Digest, Digest)>, Error> {
    let rows = tx.query(COMPONENTS, &params![repository.0, hex_list(digests)?]).await?;
    rows.iter().map(|row| Ok((digest(row, 0)?, digest(row, 1)?))).collect()
}

pub(super) async fn standing(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>, Error> {
    list(tx, STANDING, &params![repository.0, hex_list(digests)?]).await
}

pub(super) async fn needed(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>, Error> {
    list(tx, NEEDED, &params![repository.0, hex_list(digests)?]).await
}

pub(super) async fn kin(tx: &mut Tx<'_>, repository: RepositoryId, of: &Digest) -> Result<Vec<Digest>, Error> {
    list(tx, KIN, &params![repository.0, of.to_bytes()]).await
}

pub(super) async fn binned(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>, Error> {
    list(tx, BINNED, &params![repository.0, hex_list(digests)?]).await
}

pub(super) async fn is_tagged(tx: &mut Tx<'_>, (repository, of): Place<'_>) -> Result<bool, Error> {
    Ok(tx.query_opt(IS_TAGGED, &params![repository.0, of.to_bytes()]).await?.is_some())
}

async fn list(tx: &mut Tx<'_>, statement: Statement, params: &[Value]) -> Result<Vec<Digest>, Error> {
    let rows = tx.query(statement, params).await?;
    rows.iter().map(|row| digest(row, 0)).collect()
}
