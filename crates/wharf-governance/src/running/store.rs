//! SQL of `running`.

use serde_json::{Value as Json, json};
use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::{Happened, Running, RunningQuery, RunningReport};
use crate::digests;
use crate::error::Error;

// A container that was started again under its old name is a new start; a start that comes after its own stop is late.
const START: Statement = Statement::dialects(
    "INSERT INTO running (project_id, host, container, digest, repository, started_at, seen_at, stopped_at, reported_by) \
     SELECT ?1, j.value ->> 'h', j.value ->> 'c', unhex(j.value ->> 'd'), j.value ->> 'r', j.value ->> 'at', ?3, NULL, ?4 \
     FROM json_each(?2) j WHERE true \
     ON CONFLICT (project_id, host, container) DO UPDATE SET digest = excluded.digest, repository = excluded.repository, \
     started_at = excluded.started_at, seen_at = excluded.seen_at, stopped_at = NULL, reported_by = excluded.reported_by \
     WHERE excluded.started_at > running.started_at AND excluded.started_at > COALESCE(running.stopped_at, excluded.started_at - 1) \
     OR (excluded.started_at = running.started_at AND running.stopped_at IS NULL)",
    "INSERT INTO running (project_id, host, container, digest, repository, started_at, seen_at, stopped_at, reported_by) \
     SELECT CAST(?1 AS bigint), j.value ->> 'h', j.value ->> 'c', decode(j.value ->> 'd', 'hex'), j.value ->> 'r', \
     CAST(j.value ->> 'at' AS bigint), CAST(?3 AS bigint), CAST(NULL AS bigint), CAST(?4 AS text) \
     FROM json_array_elements(CAST(?2 AS text)::json) j (value) \
     ON CONFLICT (project_id, host, container) DO UPDATE SET digest = excluded.digest, repository = excluded.repository, \
     started_at = excluded.started_at, seen_at = excluded.seen_at, stopped_at = NULL, reported_by = excluded.reported_by \
     WHERE excluded.started_at > running.started_at AND excluded.started_at > COALESCE(running.stopped_at, excluded.started_at - 1) \
     OR (excluded.started_at = running.started_at AND running.stopped_at IS NULL)",
);
const STOP: Statement = Statement::dialects(
    "UPDATE running SET stopped_at = s.at, seen_at = ?3, reported_by = ?4 \
     FROM (SELECT j.value ->> 'h' AS host, j.value ->> 'c' AS container, unhex(j.value ->> 'd') AS digest, \
      j.value ->> 'at' AS at FROM json_each(?2) j) s \
     WHERE running.project_id = ?1 AND running.host = s.host AND running.container = s.container \
     AND running.digest = s.digest AND running.stopped_at IS NULL AND running.started_at <= s.at",
    "UPDATE running SET stopped_at = s.at, seen_at = CAST(?3 AS bigint), reported_by = CAST(?4 AS text) \
     FROM (SELECT j.value ->> 'h' AS host, j.value ->> 'c' AS container, decode(j.value ->> 'd', 'hex') AS digest, \
      CAST(j.value ->> 'at' AS bigint) AS at FROM json_array_elements(CAST(?2 AS text)::json) j (value)) s \
     WHERE running.project_id = CAST(?1 AS bigint) AND running.host = s.host AND running.container = s.container \
     AND running.digest = s.digest AND running.stopped_at IS NULL AND running.started_at <= s.at",
);
const KNOWN: Statement = Statement::dialects(
    "SELECT CAST(COUNT(*) AS bigint) FROM json_each(?2) j CROSS JOIN running r ON r.project_id = ?1 \
     AND r.host = j.value ->> 'h' AND r.container = j.value ->> 'c' AND r.digest = unhex(j.value ->> 'd') \
     AND r.started_at = j.value ->> 'at' AND r.stopped_at IS NULL",
    "SELECT CAST(COUNT(*) AS bigint) FROM json_array_elements(CAST(?2 AS text)::json) j (value) JOIN running r \
     ON r.project_id = CAST(?1 AS bigint) AND r.host = j.value ->> 'h' AND r.container = j.value ->> 'c' \
     AND r.digest = decode(j.value ->> 'd', 'hex') AND r.started_at = CAST(j.value ->> 'at' AS bigint) AND r.stopped_at IS NULL",
);
const AMONG: Statement = Statement::dialects(
    "SELECT r.digest, MIN(r.host), CAST(COUNT(*) AS bigint) FROM json_each(?2) j CROSS JOIN running r \
     ON r.project_id = ?1 AND r.digest = unhex(j.value) AND r.stopped_at IS NULL AND r.seen_at >= ?3 GROUP BY r.digest",
    "SELECT r.digest, MIN(r.host), CAST(COUNT(*) AS bigint) FROM json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN running r ON r.project_id = CAST(?1 AS bigint) AND r.digest = decode(j.value, 'hex') \
     AND r.stopped_at IS NULL AND r.seen_at >= CAST(?3 AS bigint) GROUP BY r.digest",
);
const FORGET: &str = "DELETE FROM running WHERE project_id = ?1 AND stopped_at IS NOT NULL AND stopped_at < ?2";
const LIST: &str = "SELECT project_id, host, container, digest, repository, started_at, seen_at, stopped_at, reported_by \
     FROM running WHERE project_id = ?1 AND (host, container) > (?2, ?3) ORDER BY host, container LIMIT ?4";
const LIST_OF_DIGEST: &str = "SELECT project_id, host, container, digest, repository, started_at, seen_at, stopped_at, reported_by \
     FROM running WHERE project_id = ?1 AND digest = ?5 AND (host, container) > (?2, ?3) ORDER BY host, container LIMIT ?4";
const EVERYWHERE: &str = "SELECT project_id, host, container, digest, repository, started_at, seen_at, stopped_at, reported_by \
     FROM running WHERE digest = ?1 ORDER BY project_id, host, container LIMIT ?2";

/// How many of these starts are known.
pub(super) async fn known(tx: &mut Tx<'_>, project: ProjectId, reports: &[&RunningReport]) -> Result<usize, Error> {
    let row = tx.query_opt(KNOWN, &params![project, list(reports)]).await?;
    let count = row.ok_or(Error::MalformedRow { what: "a count" })?.integer(0)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

pub(super) async fn start(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    reports: &[&RunningReport],
) -> Result<(), Error> {
    if !reports.is_empty() {
        let now = tx.now();
        tx.execute(START, &params![project, list(reports), now, ctx.caller.name.as_str()]).await?;
    }
    Ok(())
}

/// Says how many have stopped by this report.
pub(super) async fn stop(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    reports: &[&RunningReport],
) -> Result<usize, Error> {
    if reports.is_empty() {
        return Ok(0);
    }
    let now = tx.now();
    let stopped = tx.execute(STOP, &params![project, list(reports), now, ctx.caller.name.as_str()]).await?;
    Ok(usize::try_from(stopped).unwrap_or(usize::MAX))
}

/// Forgets what stopped before `before`.
pub(super) async fn forget(tx: &mut Tx<'_>, project: ProjectId, before: Timestamp) -> Result<(), Error> {
    tx.execute(FORGET, &params![project, before]).await?;
    Ok(())
}

/// Whether anything was reported about a project.
pub(super) async fn is_any_reported(tx: &mut Tx<'_>, project: ProjectId) -> Result<bool, Error> {
    Ok(tx.query_opt("SELECT 1 FROM running WHERE project_id = ?1 LIMIT 1", &params![project]).await?.is_some())
}

/// Of `digests`, those that run and were reported since `since`: on which host, in how many containers.
pub(crate) async fn among(
    tx: &mut Tx<'_>,
    project: ProjectId,
    digests: &[Digest],
    since: Timestamp,
) -> Result<Vec<(Digest, String, i64)>, Error> {
    let rows = tx.query(AMONG, &params![project, digests::hex_list(digests), since]).await?;
    rows.iter().map(|row| Ok((digests::read(row, 0)?, row.text(1)?.to_owned(), row.integer(2)?))).collect()
}

pub(super) async fn list_page(
    db: &Db,
    project: ProjectId,
    query: &RunningQuery,
    limit: usize,
) -> Result<Vec<Running>, Error> {
    let (host, container) = query.after.clone().unwrap_or_default();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = match &query.digest {
        None => db.list(LIST, &params![project, host, container, limit]).await?,
        Some(digest) => db.list(LIST_OF_DIGEST, &params![project, host, container, limit, digest.to_bytes()]).await?,
    };
    rows.iter().map(read).collect()
}

pub(super) async fn everywhere(db: &Db, digest: &Digest, limit: usize) -> Result<Vec<Running>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.list(EVERYWHERE, &params![digest.to_bytes(), limit]).await?.iter().map(read).collect()
}

/// Reports as both databases unfold them into rows.
fn list(reports: &[&RunningReport]) -> String {
    let rows = reports.iter().map(|report| {
        let (Happened::Started(at) | Happened::Stopped(at)) = report.what;
        json!({
            "h": report.host, "c": report.container, "d": digests::hex(&report.digest), "at": at.0,
            "r": report.repository.as_ref().map(RepositoryName::as_str),
        })
    });
    Json::from_iter(rows).to_string()
}

fn read(row: &Row) -> Result<Running, Error> {
    Ok(Running {
        project: row.integer(0)?,
        host: row.text(1)?.to_owned(),
        container: row.text(2)?.to_owned(),
        digest: digests::read(row, 3)?,
        repository: row.optional_text(4)?.map(str::to_owned),
        started_at: row.timestamp(5)?,
        seen_at: row.timestamp(6)?,
        stopped_at: row.optional_timestamp(7)?,
        reported_by: row.text(8)?.to_owned(),
    })
}
