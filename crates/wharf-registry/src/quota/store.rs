//! SQL of `project_quotas`, `project_usage` and `project_blobs`.

use std::collections::BTreeMap;

use wharf_context::ProjectId;
use wharf_context::quota::{Amount, Limit, Limits, PerResource, Quota};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::Digest;

use super::rule::{Book, Grant, Shard};
use super::shards;
use crate::error::Error;
use crate::repository::RepositoryId;

/// Counts `amount` in a shard, where its allowance covers it. Writes one row that no other transaction of this process
/// writes and finds it without a scan: PostgreSQL would take a scan of a small table for a reading of all its rows, and
/// every two such transactions for conflicting ones. A new row has no allowance for what it has.
pub(super) async fn take(tx: &mut Tx<'_>, project: ProjectId, shard: i64, amount: &Amount) -> Result<bool, Error> {
    let row = tx
        .query_opt(
            "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
             VALUES (?1, ?2, 0, -1, 0, -1) ON CONFLICT (project_id, shard) DO UPDATE SET \
             bytes = project_usage.bytes + ?3, manifests = project_usage.manifests + ?4 \
             WHERE (project_usage.bytes_allowance IS NULL OR project_usage.bytes + ?3 <= project_usage.bytes_allowance) \
             AND (project_usage.manifests_allowance IS NULL OR project_usage.manifests + ?4 <= project_usage.manifests_allowance) \
             RETURNING CASE WHEN bytes > bytes_allowance THEN 0 ELSE 1 END",
            &params![project, shard, amount.bytes, amount.manifests],
        )
        .await?;
    row.map_or(Ok(false), |row| Ok(row.integer(0)? == 1))
}

/// Counts `amount` less. The allowance goes along, so that what comes free is for whoever asks first, and for nobody
/// as long as more is used than the limit allows.
pub(crate) async fn give_back(tx: &mut Tx<'_>, project: ProjectId, amount: &Amount) -> Result<(), Error> {
    shift(tx, project, shards::any_for_giving(), &Amount { bytes: -amount.bytes, manifests: -amount.manifests }).await
}

/// Moves a shard's counters and its allowance alike.
pub(super) async fn shift(tx: &mut Tx<'_>, project: ProjectId, shard: i64, by: &Amount) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
         VALUES (?1, ?2, ?3, ?3, ?4, ?4) ON CONFLICT (project_id, shard) DO UPDATE SET \
         bytes = project_usage.bytes + excluded.bytes, \
         bytes_allowance = project_usage.bytes_allowance + excluded.bytes, \
         manifests = project_usage.manifests + excluded.manifests, \
         manifests_allowance = project_usage.manifests_allowance + excluded.manifests",
        &params![project, shard, by.bytes, by.manifests],
    )
    .await?;
    Ok(())
}

/// Makes the row of a project's limits, unless it is there.
pub(super) async fn open(tx: &mut Tx<'_>, project: ProjectId, limits: &Limits) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO project_quotas (project_id, hard_bytes, warn_bytes, hard_manifests, warn_manifests, counted_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id) DO NOTHING",
        &params![project, limits.bytes.hard, limits.bytes.warn, limits.manifests.hard, limits.manifests.warn, now],
    )
    .await?;
    Ok(())
}

/// All that a project's limits are decided by; `None` when it has no row yet.
pub(super) async fn book(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<Book>, Error> {
    let row = tx
        .query_opt(
            "SELECT hard_bytes, warn_bytes, hard_manifests, warn_manifests, bytes_warned_at, manifests_warned_at \
             FROM project_quotas WHERE project_id = ?1",
            &params![project],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let shards = tx
        .query(
            "SELECT shard, bytes, bytes_allowance, manifests, manifests_allowance FROM project_usage WHERE project_id = ?1",
            &params![project],
        )
        .await?;
    Ok(Some(Book {
        limits: limits(&row)?,
        is_warned: PerResource {
            bytes: row.optional_integer(4)?.is_some(),
            manifests: row.optional_integer(5)?.is_some(),
        },
        shards: shards.iter().map(shard).collect::<Result<_, _>>()?,
    }))
}

/// Counts `amount` in a shard under new allowances. Of two transactions that decided by the same book, the second
/// fails on the first row and decides anew.
pub(super) async fn grant(
    tx: &mut Tx<'_>,
    project: ProjectId,
    shard: i64,
    taken: (&Amount, &PerResource<Grant>),
) -> Result<(), Error> {
    let (amount, grants) = taken;
    let now = tx.now();
    tx.execute(
        "UPDATE project_quotas SET revision = revision + 1, \
         bytes_warned_at = CASE WHEN ?2 = 1 THEN ?4 ELSE bytes_warned_at END, \
         manifests_warned_at = CASE WHEN ?3 = 1 THEN ?4 ELSE manifests_warned_at END WHERE project_id = ?1",
        &params![project, grants.bytes.has_crossed, grants.manifests.has_crossed, now],
    )
    .await?;
    if grants.bytes.must_reclaim || grants.manifests.must_reclaim {
        reclaim(tx, project).await?;
    }
    tx.execute(
        "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id, shard) DO UPDATE SET \
         bytes = project_usage.bytes + excluded.bytes, bytes_allowance = excluded.bytes_allowance, \
         manifests = project_usage.manifests + excluded.manifests, manifests_allowance = excluded.manifests_allowance",
        &params![project, shard, amount.bytes, grants.bytes.allowance, amount.manifests, grants.manifests.allowance],
    )
    .await?;
    Ok(())
}

/// Takes from all shards what they may still count: they have to ask again.
async fn reclaim(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute(
        "UPDATE project_usage SET bytes_allowance = bytes, manifests_allowance = manifests WHERE project_id = ?1 \
         AND (bytes_allowance IS NULL OR bytes_allowance <> bytes OR manifests_allowance IS NULL OR manifests_allowance <> manifests)",
        &params![project],
    )
    .await?;
    Ok(())
}

/// The same where nothing is taken.
pub(super) async fn reset(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("UPDATE project_quotas SET revision = revision + 1 WHERE project_id = ?1", &params![project]).await?;
    reclaim(tx, project).await
}

/// Sets the limits. Whether the usage exceeds them is found out by the next push.
pub(super) async fn set_limits(tx: &mut Tx<'_>, project: ProjectId, limits: &Limits) -> Result<(), Error> {
    open(tx, project, limits).await?;
    tx.execute(
        "UPDATE project_quotas SET hard_bytes = ?2, warn_bytes = ?3, hard_manifests = ?4, warn_manifests = ?5, \
         bytes_warned_at = NULL, manifests_warned_at = NULL WHERE project_id = ?1",
        &params![project, limits.bytes.hard, limits.bytes.warn, limits.manifests.hard, limits.manifests.warn],
    )
    .await?;
    reset(tx, project).await
}

/// Forgets that people were told about a limit that is no longer exceeded.
pub(super) async fn calm(tx: &mut Tx<'_>, project: ProjectId, is_warned: &PerResource<bool>) -> Result<(), Error> {
    tx.execute(
        "UPDATE project_quotas SET bytes_warned_at = CASE WHEN ?2 = 1 THEN bytes_warned_at END, \
         manifests_warned_at = CASE WHEN ?3 = 1 THEN manifests_warned_at END WHERE project_id = ?1",
        &params![project, is_warned.bytes, is_warned.manifests],
    )
    .await?;
    reset(tx, project).await
}

/// Projects that were told that they exceed a limit that warns.
pub(super) async fn warned(db: &Db) -> Result<Vec<ProjectId>, Error> {
    ids(db.list(
        "SELECT project_id FROM project_quotas WHERE bytes_warned_at IS NOT NULL OR manifests_warned_at IS NOT NULL ORDER BY project_id",
        &[],
    )
    .await?)
}

/// Up to `limit` projects that were never counted.
pub(super) async fn uncounted(db: &Db, limit: i64) -> Result<Vec<ProjectId>, Error> {
    ids(db
        .list(
            "SELECT project_id FROM project_quotas WHERE counted_at IS NULL ORDER BY project_id LIMIT ?1",
            &params![limit],
        )
        .await?)
}

/// Notes that all that a project has is counted.
pub(super) async fn mark_counted(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE project_quotas SET counted_at = ?2 WHERE project_id = ?1", &params![project, now]).await?;
    Ok(())
}

/// A project's limits and usage, as last committed.
pub(super) async fn find(db: &Db, project: ProjectId) -> Result<Option<Quota>, Error> {
    let row = db
        .get(
            "SELECT q.hard_bytes, q.warn_bytes, q.hard_manifests, q.warn_manifests, q.counted_at, \
             (SELECT CAST(COALESCE(SUM(u.bytes), 0) AS bigint) FROM project_usage u WHERE u.project_id = q.project_id), \
             (SELECT CAST(COALESCE(SUM(u.manifests), 0) AS bigint) FROM project_usage u WHERE u.project_id = q.project_id) \
             FROM project_quotas q WHERE q.project_id = ?1",
            &params![project],
        )
        .await?;
    row.map(|row| quota(&row)).transpose()
}

/// The same for several projects; those without a row are left out.
pub(super) async fn list(db: &Db, projects: &[ProjectId]) -> Result<BTreeMap<ProjectId, Quota>, Error> {
    const SQLITE: &str = "SELECT q.hard_bytes, q.warn_bytes, q.hard_manifests, q.warn_manifests, q.counted_at, \
         COALESCE(SUM(u.bytes), 0), COALESCE(SUM(u.manifests), 0), q.project_id \
         FROM json_each(?1) j CROSS JOIN project_quotas q ON q.project_id = j.value \
         LEFT JOIN project_usage u ON u.project_id = q.project_id GROUP BY q.project_id";
    const POSTGRES: &str = "SELECT q.hard_bytes, q.warn_bytes, q.hard_manifests, q.warn_manifests, q.counted_at, \
         CAST(COALESCE(SUM(u.bytes), 0) AS bigint), CAST(COALESCE(SUM(u.manifests), 0) AS bigint), q.project_id \
         FROM json_array_elements_text(CAST(?1 AS text)::json) j JOIN project_quotas q ON q.project_id = j.value::bigint \
         LEFT JOIN project_usage u ON u.project_id = q.project_id GROUP BY q.project_id";
    let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let ids = serde_json::to_string(&ids).map_err(|_| Error::MalformedRow { what: "a project list" })?;
    let rows = db.list(Statement::dialects(SQLITE, POSTGRES), &params![ids]).await?;
    rows.iter().map(|row| Ok((ProjectId(row.integer(7)?), quota(row)?))).collect()
}

/// Charges a project for a blob; says whether it was not charged for it before. Whoever calls this has postponed the
/// blob's review in the same transaction: [`release`] stays away from such blobs.
pub(super) async fn charge(
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
pub(super) async fn is_charged(db: &Db, project: ProjectId, digest: &Digest) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM project_blobs WHERE digest = ?1 AND project_id = ?2";
    Ok(db.get(SQL, &params![digest.to_bytes(), project]).await?.is_some())
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

/// Charges a project for the blobs of one repository, of which it is not charged yet, from after `last` on: says for
/// how many bytes, and where to go on.
pub(super) async fn charge_missing(
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

/// Repositories of a project after `last`.
pub(super) async fn repositories(db: &Db, project: ProjectId, last: i64, limit: i64) -> Result<Vec<i64>, Error> {
    let rows = db
        .list(
            "SELECT id FROM repositories WHERE project_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            &params![project, last, limit],
        )
        .await?;
    Ok(rows.iter().map(|row| row.integer(0)).collect::<Result<_, _>>()?)
}

/// What a project uses, counted from its content, and what its shards say: in one snapshot.
pub(super) async fn truth(tx: &mut Tx<'_>, project: ProjectId) -> Result<(Amount, Amount), Error> {
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

/// Forgets a project that is deleted. It has no content any more.
pub(crate) async fn forget(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), wharf_db::Error> {
    tx.execute("DELETE FROM project_blobs WHERE project_id = ?1", &params![project]).await?;
    tx.execute("DELETE FROM project_usage WHERE project_id = ?1", &params![project]).await?;
    tx.execute("DELETE FROM project_quotas WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

fn limits(row: &Row) -> Result<Limits, Error> {
    let limit =
        |hard, warn| Ok::<_, Error>(Limit { hard: row.optional_integer(hard)?, warn: row.optional_integer(warn)? });
    Ok(Limits { bytes: limit(0, 1)?, manifests: limit(2, 3)? })
}

fn quota(row: &Row) -> Result<Quota, Error> {
    let usage = Amount { bytes: row.integer(5)?, manifests: row.integer(6)? };
    Ok(Quota { limits: limits(row)?, usage, is_counted: row.optional_integer(4)?.is_some() })
}

fn shard(row: &Row) -> Result<Shard, Error> {
    Ok(Shard {
        number: row.integer(0)?,
        used: Amount { bytes: row.integer(1)?, manifests: row.integer(3)? },
        allowance: PerResource { bytes: row.optional_integer(2)?, manifests: row.optional_integer(4)? },
    })
}

fn ids(rows: Vec<Row>) -> Result<Vec<ProjectId>, Error> {
    Ok(rows.iter().map(|row| row.integer(0).map(ProjectId)).collect::<Result<_, _>>()?)
}
