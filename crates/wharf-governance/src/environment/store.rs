//! SQL of `placements`.

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Reading, Row, Statement, Tx, params};
use wharf_oci::{Digest, EnvironmentName, RepositoryName, Tag};

use super::placement::{Ended, Placement, Standpoint};
use crate::digests;
use crate::error::Error;
use crate::promotion::{Item, Promotion, PromotionKind};

const MALFORMED: Error = Error::MalformedRow { what: "a placement" };

/// A statement that reads placements, in the order that [`read`] takes.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.environment, l.repository, l.digest, l.tags, r.version, l.promotion_id, p.key, l.before_id, ",
            "l.since_at, l.until_at, l.ended_as FROM placements l JOIN promotions p ON p.id = l.promotion_id ",
            "LEFT JOIN releases r ON r.id = l.release_id ",
            $rest
        )
    };
}

// CROSS JOIN keeps SQLite's order: from the few digests to what is looked for.
const AMONG: Statement = Statement::dialects(
    "SELECT l.digest, l.environment, l.until_at, l.ended_as, EXISTS (SELECT 1 FROM placements c \
       WHERE c.project_id = ?1 AND c.environment = l.environment AND c.repository = ?2 AND c.until_at IS NULL \
       AND c.before_id = l.id) \
     FROM json_each(?3) j CROSS JOIN placements l \
       ON l.project_id = ?1 AND l.digest = unhex(j.value) AND l.repository = ?2 ORDER BY l.id",
    "SELECT l.digest, l.environment, l.until_at, l.ended_as, CAST(CASE WHEN EXISTS (SELECT 1 FROM placements c \
       WHERE c.project_id = ?1 AND c.environment = l.environment AND c.repository = ?2 AND c.until_at IS NULL \
       AND c.before_id = l.id) THEN 1 ELSE 0 END AS bigint) \
     FROM json_array_elements_text(CAST(?3 AS text)::json) j JOIN placements l \
       ON l.project_id = ?1 AND l.digest = decode(j.value, 'hex') AND l.repository = ?2 ORDER BY l.id",
);

fn read(row: &Row) -> Result<Placement, Error> {
    let tags: Vec<String> = serde_json::from_str(row.text(4)?).map_err(|_| MALFORMED)?;
    Ok(Placement {
        row: row.integer(0)?,
        environment: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        repository: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        digest: Digest::from_bytes(row.bytes(3)?).ok_or(MALFORMED)?,
        tags: tags.iter().map(|tag| tag.parse().map_err(|_| MALFORMED)).collect::<Result<_, _>>()?,
        release: row.optional_text(5)?.map(str::to_owned),
        promotion_row: row.integer(6)?,
        promotion: row.text(7)?.to_owned(),
        before: row.optional_integer(8)?,
        since: row.timestamp(9)?,
        until: row.optional_integer(10)?.map(Timestamp),
        ended: row.optional_text(11)?.map(|text| Ended::from_name(text).ok_or(MALFORMED)).transpose()?,
    })
}

/// What of a repository stands in an environment.
pub(crate) async fn current(
    tx: &mut Tx<'_>,
    project: ProjectId,
    environment: &EnvironmentName,
    repository: &RepositoryName,
) -> Result<Option<Placement>, Error> {
    let sql = sql!("WHERE l.project_id = ?1 AND l.environment = ?2 AND l.repository = ?3 AND l.until_at IS NULL");
    let row = tx.query_opt(sql, &params![project, environment.as_str(), repository.as_str()]).await?;
    row.map(|row| read(&row)).transpose()
}

/// One placement.
pub(crate) async fn by_row(tx: &mut Tx<'_>, row: i64) -> Result<Option<Placement>, Error> {
    tx.query_opt(sql!("WHERE l.id = ?1"), &params![row]).await?.map(|row| read(&row)).transpose()
}

/// All that came by a promotion.
pub(crate) async fn of_promotion(tx: &mut Tx<'_>, project: ProjectId, promotion: i64) -> Result<Vec<Placement>, Error> {
    // By what it was about, for which there is an index.
    let sql = sql!(
        "WHERE l.project_id = ?1 AND l.promotion_id = ?2 AND l.digest IN \
         (SELECT i.digest FROM promotion_items i WHERE i.promotion_id = ?2) ORDER BY l.repository"
    );
    tx.query(sql, &params![project, promotion]).await?.iter().map(read).collect()
}

/// Since when something has stood in an environment, also when something newer stands there now. `None` where it never
/// did, or was taken back.
pub(crate) async fn since(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (environment, repository): (&EnvironmentName, &RepositoryName),
    digest: &Digest,
) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT since_at, ended_as FROM placements WHERE project_id = ?1 AND digest = ?4 AND environment = ?2 \
         AND repository = ?3 ORDER BY id DESC LIMIT 1";
    let params = params![project, environment.as_str(), repository.as_str(), digest.to_bytes()];
    let Some(row) = tx.query_opt(SQL, &params).await? else { return Ok(None) };
    let is_taken_back = row.optional_text(1)? == Some(Ended::RolledBack.name());
    Ok(if is_taken_back { None } else { Some(row.timestamp(0)?) })
}

/// Where any of `digests`, of a repository by its name in development, stand and stood, in the order of time.
pub(crate) async fn among(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    digests: &[Digest],
) -> Result<Vec<Standpoint>, Error> {
    let rows = tx.query(AMONG, &params![project, repository.as_str(), digests::hex_list(digests)]).await?;
    let read = |row: &Row| {
        let how = row.optional_text(3)?.map(|text| Ended::from_name(text).ok_or(MALFORMED)).transpose()?;
        let ended = row.optional_timestamp(2)?.map(|at| how.map(|how| (at, how)).ok_or(MALFORMED)).transpose()?;
        Ok(Standpoint {
            digest: digests::read(row, 0)?,
            environment: row.text(1)?.to_owned(),
            ended,
            is_rollback_target: row.boolean(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Something stands in an environment from now on, instead of what stood there.
pub(crate) async fn put(tx: &mut Tx<'_>, promotion: &Promotion, item: &Item) -> Result<(), Error> {
    const END: &str = "UPDATE placements SET until_at = ?4, ended_as = ?5, ended_by = ?6 \
         WHERE project_id = ?1 AND environment = ?2 AND repository = ?3 AND until_at IS NULL RETURNING id, digest, before_id";
    const BEGIN: &str = "INSERT INTO placements (project_id, environment, repository, digest, tags, release_id, promotion_id, \
         before_id, since_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (project, now) = (promotion.project, tx.now());
    let (environment, repository) = (promotion.to.as_str(), item.repository.as_str());
    let is_rollback = promotion.kind == PromotionKind::Rollback;
    let ended = if is_rollback { Ended::RolledBack } else { Ended::Superseded };
    let row = tx.query_opt(END, &params![project, environment, repository, now, ended.name(), promotion.row]).await?;
    let superseded = row.map(|row| before(&row, item)).transpose()?.flatten();
    let before = if is_rollback { item.before } else { superseded };
    let tags: Vec<&str> = item.tags.iter().map(Tag::as_str).collect();
    let tags = serde_json::to_string(&tags).map_err(|_| MALFORMED)?;
    let digest = item.digest.to_bytes();
    let (release, promotion) = (promotion.release_row, promotion.row);
    let params = params![project, environment, repository, digest, tags, release, promotion, before, now];
    tx.execute(BEGIN, &params).await?;
    Ok(())
}

/// What a rollback would come back to: what stood there, or what stood before it where that was the same with other tags.
fn before(ended: &Row, item: &Item) -> Result<Option<i64>, Error> {
    let is_same = Digest::from_bytes(ended.bytes(1)?).ok_or(MALFORMED)? == item.digest;
    Ok(if is_same { ended.optional_integer(2)? } else { Some(ended.integer(0)?) })
}

/// A page of what stood in an environment at a moment, in the order of repositories. `at` later than all there is: now.
pub(super) async fn at(
    db: &Db,
    project: ProjectId,
    (environment, at): (&EnvironmentName, Option<Timestamp>),
    (after, rows): (&str, i64),
) -> Result<Vec<Placement>, Error> {
    let rows = match at {
        None => {
            let sql = sql!(
                "WHERE l.project_id = ?1 AND l.environment = ?2 AND l.repository > ?3 AND l.until_at IS NULL \
                 ORDER BY l.repository LIMIT ?4"
            );
            db.list(sql, &params![project, environment.as_str(), after, rows]).await?
        }
        Some(at) => {
            let sql = sql!(
                "WHERE l.project_id = ?1 AND l.environment = ?2 AND l.repository > ?3 AND l.since_at <= ?5 \
                 AND (l.until_at IS NULL OR l.until_at > ?5) ORDER BY l.repository LIMIT ?4"
            );
            db.list(sql, &params![project, environment.as_str(), after, rows, at]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// Where a digest has stood, the first place first; at most `limit`.
pub(crate) async fn of_digest(
    mut from: impl Reading,
    project: ProjectId,
    digest: &Digest,
    limit: i64,
) -> Result<Vec<Placement>, Error> {
    let sql = sql!("WHERE l.project_id = ?1 AND l.digest = ?2 ORDER BY l.id LIMIT ?3");
    from.list(sql.into(), &params![project, digest.to_bytes(), limit]).await?.iter().map(read).collect()
}
