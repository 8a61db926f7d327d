//! SQL of `project_blobs`: which blobs and manifests a project is charged for.

use std::collections::BTreeMap;

use wharf_context::ProjectId;
use wharf_context::quota::Amount;
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::Digest;

use super::give_back;
use crate::error::Error;
use crate::repository::RepositoryId;

/// Charges a project for a blob; says whether it was not charged for it before. Whoever calls this has postponed the
/// blob's review in the same transaction: [`release`] stays away from such blobs.
pub(in crate::quota) async fn charge(
    tx: &mut Tx<'_>,
    project: ProjectId,
    digest: &Digest,
    size_bytes: i64,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "INSERT INTO project_blobs (digest, project_id, size_bytes) VALUES (?1, ?2, ?3) \
             ON CONFLICT (digest, project_id) DO NOTHING",
            &params![digest.to_bytes(), project, size_bytes],
        )
        .await?;
    Ok(changed > 0)
}

/// Whether a project is charged for a blob.
pub(in crate::quota) async fn is_charged(db: &Db, project: ProjectId, digest: &Digest) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM project_blobs WHERE digest = ?1 AND project_id = ?2";
    Ok(db.get(SQL, &params![digest.to_bytes(), project]).await?.is_some())
}

/// Charges a project for the blobs of one repository, of which it is not charged yet, from after `last` on: says for
/// how many bytes, and where to go on.
pub(in crate::quota) async fn charge_missing(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: i64,
    last: (&[u8], i64),
) -> Result<(i64, Option<Vec<u8>>), Error> {
    let (last, limit) = last;
    let page = tx
        .query(
            "SELECT digest FROM repository_blobs WHERE repository_id = ?1 AND digest > ?2 ORDER BY digest LIMIT ?3",
            &params![repository, last, limit],
        )
        .await?;
    let Some(end) = page.last() else { return Ok((0, None)) };
    let end = end.bytes(0)?.to_vec();
    let rows = tx
        .query(
            "INSERT INTO project_blobs (digest, project_id, size_bytes) \
             SELECT l.digest, CAST(?1 AS bigint), MAX(b.size_bytes) FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
             WHERE l.repository_id = ?2 AND l.digest > ?3 AND l.digest <= ?4 GROUP BY l.digest ORDER BY l.digest \
             ON CONFLICT (digest, project_id) DO NOTHING RETURNING size_bytes",
            &params![project, repository, last, end.as_slice()],
        )
        .await?;
    let bytes = rows.iter().map(|row| row.integer(0)).sum::<Result<i64, _>>()?;
    Ok((bytes, Some(end)))
}

/// Charges projects no more for blobs that none of their repositories links; `hex_digests` is a list as
/// [`crate::blob::store::hex_list`] makes it. Only for the transaction that takes the blobs' reviews: nobody links a
/// blob whose review is due.
pub(crate) async fn release(tx: &mut Tx<'_>, hex_digests: &str) -> Result<(), Error> {
    let rows = tx
        .query(
            Statement::dialects(
                "DELETE FROM project_blobs WHERE digest IN (SELECT unhex(value) FROM json_each(?1)) \
                 AND (digest, project_id) NOT IN (SELECT l.digest, r.project_id FROM repository_blobs l \
                 JOIN repositories r ON r.id = l.repository_id WHERE l.digest IN (SELECT unhex(value) FROM json_each(?1))) \
                 RETURNING project_id, size_bytes",
                "DELETE FROM project_blobs WHERE digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json)) \
                 AND (digest, project_id) NOT IN (SELECT l.digest, r.project_id FROM repository_blobs l \
                 JOIN repositories r ON r.id = l.repository_id \
                 WHERE l.digest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?1 AS text)::json))) \
                 RETURNING project_id, size_bytes",
            ),
            &params![hex_digests],
        )
        .await?;
    give_back_rows(tx, &rows).await
}

/// Charges a project no more for a manifest of one of its repositories that went to the bin, except for its bytes.
pub(crate) async fn bin_manifest(tx: &mut Tx<'_>, repository: RepositoryId) -> Result<(), Error> {
    let project = project(tx, repository).await?;
    give_back(tx, project, &Amount { bytes: 0, manifests: 1 }).await
}

async fn project(tx: &mut Tx<'_>, repository: RepositoryId) -> Result<ProjectId, Error> {
    const SQL: &str = "SELECT project_id FROM repositories WHERE id = ?1";
    let row = tx.query_opt(SQL, &params![repository.0]).await?.ok_or(Error::MalformedRow { what: "a repository" })?;
    Ok(ProjectId(row.integer(0)?))
}

/// Charges projects no more for the bytes of manifests that leave the bin for good; `ids` is a JSON list. Call it while
/// their rows are there.
pub(crate) async fn release_manifests(tx: &mut Tx<'_>, ids: &str) -> Result<(), Error> {
    let rows = tx
        .query(
            Statement::dialects(
                "SELECT r.project_id, SUM(LENGTH(m.body)) FROM json_each(?1) j CROSS JOIN manifests m ON m.id = j.value \
                 CROSS JOIN repositories r ON r.id = m.repository_id GROUP BY r.project_id ORDER BY r.project_id",
                "SELECT r.project_id, CAST(SUM(LENGTH(m.body)) AS bigint) FROM manifests m JOIN repositories r ON r.id = m.repository_id \
                 WHERE m.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
                 GROUP BY r.project_id ORDER BY r.project_id",
            ),
            &params![ids],
        )
        .await?;
    give_back_rows(tx, &rows).await
}

/// Gives bytes back to the projects of rows that hold a project and a number of bytes.
async fn give_back_rows(tx: &mut Tx<'_>, rows: &[Row]) -> Result<(), Error> {
    let mut released: BTreeMap<i64, i64> = BTreeMap::new();
    for row in rows {
        *released.entry(row.integer(0)?).or_default() += row.integer(1)?;
    }
    for (project, bytes) in released {
        give_back(tx, ProjectId(project), &Amount { bytes, manifests: 0 }).await?;
    }
    Ok(())
}

/// Repositories of a project after `last`.
pub(in crate::quota) async fn repositories(
    db: &Db,
    project: ProjectId,
    last: i64,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let rows = db
        .list(
            "SELECT id FROM repositories WHERE project_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            &params![project, last, limit],
        )
        .await?;
    Ok(rows.iter().map(|row| row.integer(0)).collect::<Result<_, _>>()?)
}

/// What a project uses, counted from its content, and what its shards say: in one snapshot.
pub(in crate::quota) async fn truth(tx: &mut Tx<'_>, project: ProjectId) -> Result<(Amount, Amount), Error> {
    const SQL: &str = "SELECT \
         (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS bigint) FROM project_blobs WHERE project_id = ?1), \
         (SELECT CAST(COALESCE(SUM(LENGTH(m.body)), 0) AS bigint) FROM repositories r JOIN manifests m ON m.repository_id = r.id \
          WHERE r.project_id = ?1), \
         (SELECT COUNT(*) FROM repositories r JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
          WHERE r.project_id = ?1), \
         (SELECT CAST(COALESCE(SUM(bytes), 0) AS bigint) FROM project_usage WHERE project_id = ?1), \
         (SELECT CAST(COALESCE(SUM(manifests), 0) AS bigint) FROM project_usage WHERE project_id = ?1)";
    let row = tx.query_opt(SQL, &params![project]).await?.ok_or(Error::MalformedRow { what: "a sum" })?;
    let real = Amount { bytes: row.integer(0)? + row.integer(1)?, manifests: row.integer(2)? };
    Ok((real, Amount { bytes: row.integer(3)?, manifests: row.integer(4)? }))
}
