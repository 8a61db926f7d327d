//! SQL of `tags` that have ended.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::{Digest, RepositoryName, Tag};

use super::{Before, TagEntry};
use crate::blob::store::digest;
use crate::error::Error;
use crate::repository::RepositoryId;

/// A move ends one row and begins another at the same moment.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.digest, t.changed_by, t.since_at, t.until_at, (SELECT p.digest FROM tags p ",
            "WHERE p.repository_id = t.repository_id AND p.name = t.name AND p.until_at IS NOT NULL ",
            "AND p.until_at = t.since_at AND p.id < t.id ORDER BY p.id DESC LIMIT 1) FROM tags t ",
            "WHERE t.repository_id = ?1 AND t.name = ?2 ",
            $rest
        )
    };
}

/// What a tag points to now.
pub(super) async fn current(db: &Db, repository: RepositoryId, tag: &Tag) -> Result<Option<(i64, TagEntry)>, Error> {
    let row = db.get(select!("AND t.until_at IS NULL"), &params![repository.0, tag.as_str()]).await?;
    row.map(|row| read(&row)).transpose()
}

/// What it pointed to, the last first.
pub(super) async fn ended(
    db: &Db,
    (repository, tag): (RepositoryId, &Tag),
    (until, id): Before,
    limit: i64,
) -> Result<Vec<(i64, TagEntry)>, Error> {
    let sql = select!(
        "AND t.until_at IS NOT NULL AND t.until_at <= ?3 AND (t.until_at < ?3 OR t.id < ?4) \
         ORDER BY t.until_at DESC, t.id DESC LIMIT ?5"
    );
    let rows = db.list(sql, &params![repository.0, tag.as_str(), until, id, limit]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(i64, TagEntry), Error> {
    let from = row.optional_bytes(5)?.map(|_| digest(row, 5)).transpose()?;
    let entry = TagEntry {
        digest: digest(row, 1)?,
        from,
        changed_by: row.text(2)?.to_owned(),
        since: row.timestamp(3)?,
        until: row.optional_timestamp(4)?,
    };
    Ok((row.integer(0)?, entry))
}

/// What a tag pointed to that ended last.
pub(super) async fn last(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    tag: &Tag,
) -> Result<Option<Digest>, Error> {
    let row = tx
        .query_opt(
            "SELECT t.digest FROM repositories r JOIN tags t ON t.repository_id = r.id AND t.name = ?3 \
             WHERE r.name = ?2 AND r.project_id = ?1 AND t.until_at IS NOT NULL ORDER BY t.until_at DESC, t.id DESC LIMIT 1",
            &params![project, repository.as_str(), tag.as_str()],
        )
        .await?;
    row.map(|row| digest(&row, 0)).transpose()
}
