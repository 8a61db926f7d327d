//! SQL of showing quotas, and of finding those that something is due for.

use std::collections::BTreeMap;

use wharf_context::ProjectId;
use wharf_context::quota::{Amount, Quota};
use wharf_db::{Db, Row, Statement, params};

use super::limits;
use crate::error::Error;

/// A project's limits and usage, as last committed.
pub(in crate::quota) async fn find(db: &Db, project: ProjectId) -> Result<Option<Quota>, Error> {
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
pub(in crate::quota) async fn list(db: &Db, projects: &[ProjectId]) -> Result<BTreeMap<ProjectId, Quota>, Error> {
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

/// Projects that were told that they exceed a limit that warns.
pub(in crate::quota) async fn warned(db: &Db) -> Result<Vec<ProjectId>, Error> {
    ids(db.list(
        "SELECT project_id FROM project_quotas WHERE bytes_warned_at IS NOT NULL OR manifests_warned_at IS NOT NULL ORDER BY project_id",
        &[],
    )
    .await?)
}

/// Up to `limit` projects that were never counted.
pub(in crate::quota) async fn uncounted(db: &Db, limit: i64) -> Result<Vec<ProjectId>, Error> {
    ids(db
        .list(
            "SELECT project_id FROM project_quotas WHERE counted_at IS NULL ORDER BY project_id LIMIT ?1",
            &params![limit],
        )
        .await?)
}

fn quota(row: &Row) -> Result<Quota, Error> {
    let usage = Amount { bytes: row.integer(5)?, manifests: row.integer(6)? };
    Ok(Quota { limits: limits(row)?, usage, is_counted: row.optional_integer(4)?.is_some() })
}

fn ids(rows: Vec<Row>) -> Result<Vec<ProjectId>, Error> {
    Ok(rows.iter().map(|row| row.integer(0).map(ProjectId)).collect::<Result<_, _>>()?)
}
