//! SQL of `search_images`, `search_terms` and `search_progress`.
//!
//! The statements of a search are a family: one text for each way to walk, with one filter, which takes lists as JSON.

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Row, Statement, Tx, Value, params};
use wharf_oci::Digest;

use super::plan::{Driver, Plan, RARE};
use super::{Found, Position, term};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a searched image" };
/// Rows of the index that the first statement of a page looks through: most pages need no more.
const FIRST_BATCH: i64 = 256;
/// Rows of the index that each further statement looks through.
const BATCH: i64 = 2_000;

/// How many rows of the index the statement with this number, from 0, looks through.
pub(super) fn batch_rows(number: usize) -> i64 {
    if number == 0 { FIRST_BATCH } else { BATCH }
}

/// What one batch gave.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) found: Vec<(Position, Found)>,
    /// Where it ended; `None` when nothing is left.
    pub(super) end: Option<Position>,
}

/// The statement that walks by `$walk`, in the dialect of each database. `?1` and `?2` are the walk's, `?3` and `?4` the
/// position, `?5` how many rows are looked through, `?6` and `?7` the bounds of the push.
macro_rules! walks {
    ($name:ident, $end:ident, $sqlite:literal, $postgres:literal) => {
        const $name: Statement = Statement::dialects(
            concat!(
                "SELECT i.id, i.pushed_at, i.repository, i.digest, i.tags, i.media_type, i.artifact_type, i.platform, \
                 i.size_bytes, i.revision, i.pushed_by, i.is_archived FROM (", $sqlite, ") d JOIN search_images i ON i.id = d.image_id \
                 WHERE i.size_bytes >= ?8 AND i.size_bytes < ?9 \
                 AND (?10 IS NULL OR i.project_id IN (SELECT value FROM json_each(?10))) \
                 AND NOT EXISTS (SELECT 1 FROM json_each(?11) w WHERE NOT EXISTS (\
                     SELECT 1 FROM search_terms x WHERE x.image_id = i.id AND x.term = w.value)) \
                 AND NOT EXISTS (SELECT 1 FROM json_each(?12) w JOIN search_terms x \
                     ON x.image_id = i.id AND x.term = w.value) \
                 AND NOT EXISTS (SELECT 1 FROM json_each(?13) w WHERE NOT EXISTS (\
                     SELECT 1 FROM search_terms x WHERE x.image_id = i.id \
                     AND x.term >= json_extract(w.value, '$[0]') AND x.term < json_extract(w.value, '$[1]'))) \
                 AND NOT EXISTS (SELECT 1 FROM json_each(?14) w JOIN search_terms x ON x.image_id = i.id \
                     AND x.term >= json_extract(w.value, '$[0]') AND x.term < json_extract(w.value, '$[1]')) \
                 ORDER BY i.pushed_at DESC, i.id DESC LIMIT ?15"
            ),
            concat!(
                "SELECT i.id, i.pushed_at, i.repository, i.digest, i.tags, i.media_type, i.artifact_type, i.platform, \
                 i.size_bytes, i.revision, i.pushed_by, i.is_archived FROM (", $postgres, ") d JOIN search_images i ON i.id = d.image_id \
                 WHERE i.size_bytes >= ?8 AND i.size_bytes < ?9 \
                 AND (CAST(?10 AS text) IS NULL OR i.project_id IN (\
                     SELECT value::bigint FROM jsonb_array_elements_text(CAST(?10 AS text)::jsonb))) \
                 AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(CAST(?11 AS text)::jsonb) w WHERE NOT EXISTS (\
                     SELECT 1 FROM search_terms x WHERE x.image_id = i.id AND x.term = w.value)) \
                 AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(CAST(?12 AS text)::jsonb) w JOIN search_terms x \
                     ON x.image_id = i.id AND x.term = w.value) \
                 AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CAST(?13 AS text)::jsonb) w WHERE NOT EXISTS (\
                     SELECT 1 FROM search_terms x WHERE x.image_id = i.id \
                     AND x.term >= (w.value->>0) AND x.term < (w.value->>1))) \
                 AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CAST(?14 AS text)::jsonb) w JOIN search_terms x \
                     ON x.image_id = i.id AND x.term >= (w.value->>0) AND x.term < (w.value->>1)) \
                 ORDER BY i.pushed_at DESC, i.id DESC LIMIT ?15"
            ),
        );
        const $end: Statement = Statement::dialects(
            concat!("SELECT pushed_at, image_id FROM (", $sqlite, ") d ORDER BY pushed_at, image_id LIMIT 1"),
            concat!("SELECT pushed_at, image_id FROM (", $postgres, ") d ORDER BY pushed_at, image_id LIMIT 1"),
        );
    };
}

walks!(
    BY_TERM,
    TERM_END,
    "SELECT image_id, pushed_at FROM search_terms WHERE term = ?1 AND ?2 IS NULL AND (pushed_at, image_id) < (?3, ?4) \
     AND pushed_at >= ?6 AND pushed_at < ?7 ORDER BY pushed_at DESC, image_id DESC LIMIT ?5",
    "SELECT image_id, pushed_at FROM search_terms WHERE term = ?1 AND CAST(?2 AS text) IS NULL \
     AND (pushed_at, image_id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 \
     ORDER BY pushed_at DESC, image_id DESC LIMIT ?5"
);
walks!(
    BETWEEN,
    BETWEEN_END,
    "SELECT DISTINCT image_id, pushed_at FROM search_terms WHERE term >= ?1 AND term < ?2 \
     AND (pushed_at, image_id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 \
     ORDER BY pushed_at DESC, image_id DESC LIMIT ?5",
    "SELECT DISTINCT image_id, pushed_at FROM search_terms WHERE term >= ?1 AND term < ?2 \
     AND (pushed_at, image_id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 \
     ORDER BY pushed_at DESC, image_id DESC LIMIT ?5"
);
walks!(
    BY_ANY,
    ANY_END,
    "SELECT DISTINCT image_id, pushed_at FROM search_terms WHERE term IN (SELECT value FROM json_each(?1)) \
     AND ?2 IS NULL AND (pushed_at, image_id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 \
     ORDER BY pushed_at DESC, image_id DESC LIMIT ?5",
    "SELECT DISTINCT image_id, pushed_at FROM search_terms \
     WHERE term = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(?1 AS text)::jsonb))) \
     AND CAST(?2 AS text) IS NULL AND (pushed_at, image_id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 \
     ORDER BY pushed_at DESC, image_id DESC LIMIT ?5"
);
walks!(
    BY_ALL,
    ALL_END,
    "SELECT id AS image_id, pushed_at FROM search_images WHERE ?1 IS NULL AND ?2 IS NULL \
     AND (pushed_at, id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 ORDER BY pushed_at DESC, id DESC LIMIT ?5",
    "SELECT id AS image_id, pushed_at FROM search_images WHERE CAST(?1 AS text) IS NULL AND CAST(?2 AS text) IS NULL \
     AND (pushed_at, id) < (?3, ?4) AND pushed_at >= ?6 AND pushed_at < ?7 ORDER BY pushed_at DESC, id DESC LIMIT ?5"
);

/// The term that all images of a project have.
pub(super) fn project_term(project: ProjectId) -> String {
    format!("project-id:{}", project.0)
}

/// How many images have a term, counted up to a little more than what is rare.
pub(super) async fn count_term(db: &Db, term: &str) -> Result<i64, Error> {
    let count = "SELECT COUNT(*) FROM (SELECT 1 FROM search_terms WHERE term = ?1 LIMIT ?2) c";
    number(db.get(count, &params![term, RARE + 1]).await?)
}

/// The same for terms between two texts.
pub(super) async fn count_between(db: &Db, from: &str, behind: &str) -> Result<i64, Error> {
    let count = "SELECT COUNT(*) FROM (SELECT 1 FROM search_terms WHERE term >= ?1 AND term < ?2 LIMIT ?3) c";
    number(db.get(count, &params![from, behind, RARE + 1]).await?)
}

/// The same for a JSON list of terms.
pub(super) async fn count_any(db: &Db, terms: &str) -> Result<i64, Error> {
    let count = Statement::dialects(
        "SELECT COUNT(*) FROM (SELECT 1 FROM search_terms WHERE term IN (SELECT value FROM json_each(?1)) LIMIT ?2) c",
        "SELECT COUNT(*) FROM (SELECT 1 FROM search_terms \
         WHERE term = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(?1 AS text)::jsonb))) LIMIT ?2) c",
    );
    number(db.get(count, &params![terms, RARE + 1]).await?)
}

fn number(row: Option<Row>) -> Result<i64, Error> {
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

/// Looks through a batch of the index after a position.
pub(super) async fn batch(
    db: &Db,
    plan: &Plan,
    (after, batch_rows): (Position, i64),
    limit: usize,
) -> Result<Batch, Error> {
    let (found, end, first, second) = match &plan.driver {
        Driver::Term(term) => (BY_TERM, TERM_END, Some(term.as_str()), None),
        Driver::Between(from, behind) => (BETWEEN, BETWEEN_END, Some(from.as_str()), Some(behind.as_str())),
        Driver::Any(terms) => (BY_ANY, ANY_END, Some(terms.as_str()), None),
        Driver::All => (BY_ALL, ALL_END, None, None),
    };
    let walk = params![first, second, after.pushed_at, after.image, batch_rows, plan.pushed.from, plan.pushed.until];
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let filter = params![
        plan.size.from,
        plan.size.until,
        plan.projects.as_deref(),
        &plan.all,
        &plan.none,
        &plan.all_between,
        &plan.none_between,
        limit
    ];
    let parameters: Vec<Value> = walk.iter().chain(&filter).cloned().collect();
    let rows = db.list(found, &parameters).await?;
    let found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if i64::try_from(found.len()).is_ok_and(|count| count >= limit) {
        return Ok(Batch { found, end: None });
    }
    let end = db.get(end, &walk).await?.map(|row| position(&row, 0, 1)).transpose()?;
    // A batch that is not full was the last one; how many rows it had is not known, but that another look finds none.
    Ok(Batch { found, end })
}

fn position(row: &Row, pushed_at: usize, image: usize) -> Result<Position, Error> {
    Ok(Position { pushed_at: row.integer(pushed_at)?, image: row.integer(image)? })
}

fn read(row: &Row) -> Result<(Position, Found), Error> {
    let text = |column| row.text(column).map(str::to_owned);
    let found = Found {
        repository: text(2)?,
        digest: row.text(3)?.parse::<Digest>().map_err(|_| MALFORMED)?,
        tags: serde_json::from_str(row.text(4)?).map_err(|_| MALFORMED)?,
        media_type: text(5)?,
        artifact_type: row.optional_text(6)?.map(str::to_owned),
        platform: text(7)?,
        size_bytes: row.integer(8)?,
        revision: row.optional_text(9)?.map(str::to_owned),
        pushed_at: Timestamp(row.integer(1)?),
        pushed_by: text(10)?,
        is_archived: row.boolean(11)?,
    };
    Ok((position(row, 1, 0)?, found))
}

/// What the index keeps of an image in a repository.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) project: ProjectId,
    pub(super) found: Found,
    /// A JSON list.
    pub(super) terms: String,
}

/// Puts an image in the place of what was known of it.
pub(super) async fn put(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), Error> {
    remove(tx, &entry.found.repository, &entry.found.digest).await?;
    let found = &entry.found;
    let row = tx
        .query_opt(
            "INSERT INTO search_images (project_id, repository, digest, tags, media_type, artifact_type, platform, \
             size_bytes, revision, pushed_at, pushed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             RETURNING id",
            &params![
                entry.project,
                &found.repository,
                found.digest.to_string(),
                serde_json::Value::from(found.tags.clone()).to_string(),
                &found.media_type,
                found.artifact_type.as_deref(),
                &found.platform,
                found.size_bytes,
                found.revision.as_deref(),
                found.pushed_at,
                &found.pushed_by
            ],
        )
        .await?;
    let id = row.ok_or(MALFORMED)?.integer(0)?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO search_terms (term, pushed_at, image_id) SELECT value, ?2, ?3 FROM json_each(?1)",
            "INSERT INTO search_terms (term, pushed_at, image_id) \
             SELECT value, ?2, ?3 FROM jsonb_array_elements_text(CAST(?1 AS text)::jsonb)",
        ),
        &params![&entry.terms, found.pushed_at, id],
    )
    .await?;
    Ok(())
}

/// Says of what is known of an image in a repository that it is in an archive.
pub(super) async fn mark_archived(tx: &mut Tx<'_>, repository: &str, digest: &Digest) -> Result<(), Error> {
    const MARK: &str =
        "UPDATE search_images SET is_archived = 1 WHERE repository = ?1 AND digest = ?2 RETURNING id, pushed_at";
    let Some(row) = tx.query_opt(MARK, &params![repository, digest.to_string()]).await? else { return Ok(()) };
    tx.execute(
        "INSERT INTO search_terms (term, pushed_at, image_id) VALUES (?1, ?2, ?3) \
         ON CONFLICT (term, pushed_at, image_id) DO NOTHING",
        &params![term::of("is", "archived"), row.integer(1)?, row.integer(0)?],
    )
    .await?;
    Ok(())
}

/// Forgets an image in a repository.
pub(super) async fn remove(tx: &mut Tx<'_>, repository: &str, digest: &Digest) -> Result<(), Error> {
    let place = params![repository, digest.to_string()];
    let id = tx.query_opt("SELECT id FROM search_images WHERE repository = ?1 AND digest = ?2", &place).await?;
    let Some(id) = id.map(|row| row.integer(0)).transpose()? else { return Ok(()) };
    tx.execute("DELETE FROM search_terms WHERE image_id = ?1", &params![id]).await?;
    tx.execute("DELETE FROM search_images WHERE id = ?1", &params![id]).await?;
    Ok(())
}

/// Which other images of a repository are said to have one of the tags in a JSON list of terms.
pub(super) async fn others_with(
    tx: &mut Tx<'_>,
    (repository, digest): (&str, &Digest),
    terms: &str,
) -> Result<Vec<Digest>, Error> {
    let rows = tx
        .query(
            Statement::dialects(
                "SELECT DISTINCT i.digest FROM search_terms x JOIN search_images i ON i.id = x.image_id \
                 WHERE x.term IN (SELECT value FROM json_each(?1)) AND i.repository = ?2 AND i.digest <> ?3",
                "SELECT DISTINCT i.digest FROM search_terms x JOIN search_images i ON i.id = x.image_id \
                 WHERE x.term = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(?1 AS text)::jsonb))) \
                 AND i.repository = ?2 AND i.digest <> ?3",
            ),
            &params![terms, repository, digest.to_string()],
        )
        .await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| MALFORMED)).collect()
}

/// Which images of a project have which of the terms in a JSON list, the newest first: term, repository, digest.
pub(crate) async fn images_with(
    db: &Db,
    project: ProjectId,
    terms: &str,
) -> Result<Vec<(String, String, String)>, Error> {
    const MOST: i64 = 2_000;
    let images = Statement::dialects(
        "SELECT x.term, i.repository, i.digest FROM search_terms x JOIN search_images i ON i.id = x.image_id \
         WHERE x.term IN (SELECT value FROM json_each(?1)) AND i.project_id = ?2 ORDER BY i.pushed_at DESC, i.id LIMIT ?3",
        "SELECT x.term, i.repository, i.digest FROM search_terms x JOIN search_images i ON i.id = x.image_id \
         WHERE x.term = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(?1 AS text)::jsonb))) AND i.project_id = ?2 \
         ORDER BY i.pushed_at DESC, i.id LIMIT ?3",
    );
    let rows = db.list(images, &params![terms, project, MOST]).await?;
    let text = |row: &Row, column| row.text(column).map(str::to_owned);
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))).collect()
}

/// How far the index has gone through what was there before it.
pub(super) async fn progress(db: &Db) -> Result<i64, Error> {
    let row = db.get("SELECT position FROM search_progress WHERE id = 1", &[]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.unwrap_or_default())
}

/// Notes how far it has gone.
pub(super) async fn set_progress(tx: &mut Tx<'_>, position: i64) -> Result<(), Error> {
    let put = "INSERT INTO search_progress (id, position) VALUES (1, ?1) \
               ON CONFLICT (id) DO UPDATE SET position = excluded.position";
    tx.execute(put, &params![position]).await?;
    Ok(())
}
