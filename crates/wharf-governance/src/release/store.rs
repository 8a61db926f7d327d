//! SQL of `releases` and `release_items`.

use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Db, Reading, Row, Statement, Tx, params};
use wharf_oci::{Digest, Tag};

use super::{NewRelease, Release, ReleaseItem};
use crate::error::Error;
use crate::promotion::Item;

const MALFORMED: Error = Error::MalformedRow { what: "a release" };
const ITEMS: Statement = Statement::dialects(
    "SELECT release_id, repository, digest, tags FROM release_items \
     WHERE release_id IN (SELECT value FROM json_each(?1)) ORDER BY release_id, repository",
    "SELECT release_id, repository, digest, tags FROM release_items \
     WHERE release_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     ORDER BY release_id, repository",
);

/// A release with its items.
pub(crate) async fn find(mut from: impl Reading, project: ProjectId, version: &str) -> Result<Option<Release>, Error> {
    const SQL: &str = "SELECT id, version, revision, note, created_by, created_at, sealed_by, sealed_at FROM releases \
         WHERE project_id = ?1 AND version = ?2";
    let Some(row) = from.get(SQL.into(), &params![project, version]).await? else { return Ok(None) };
    let mut releases = [read(&row)?];
    fill(from, &mut releases).await?;
    let [release] = releases;
    Ok(Some(release))
}

/// A page without items, the newest first.
pub(super) async fn list(db: &Db, project: ProjectId, (before, rows): (i64, i64)) -> Result<Vec<Release>, Error> {
    const SQL: &str = "SELECT id, version, revision, note, created_by, created_at, sealed_by, sealed_at FROM releases \
         WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    db.list(SQL, &params![project, before, rows]).await?.iter().map(read).collect()
}

/// Reads the items of releases.
pub(super) async fn fill(mut from: impl Reading, releases: &mut [Release]) -> Result<(), Error> {
    let rows: Vec<i64> = releases.iter().map(|release| release.row).collect();
    let list = serde_json::to_string(&rows).map_err(|_| MALFORMED)?;
    for row in &from.list(ITEMS, &params![list]).await? {
        let of = row.integer(0)?;
        let tags: Vec<String> = serde_json::from_str(row.text(3)?).map_err(|_| MALFORMED)?;
        let item = ReleaseItem {
            repository: row.text(1)?.parse().map_err(|_| MALFORMED)?,
            digest: Digest::from_bytes(row.bytes(2)?).ok_or(MALFORMED)?,
            tags: tags.iter().map(|tag| tag.parse().map_err(|_| MALFORMED)).collect::<Result<_, _>>()?,
        };
        releases.iter_mut().filter(|release| release.row == of).for_each(|it| it.items.push(item.clone()));
    }
    Ok(())
}

fn read(row: &Row) -> Result<Release, Error> {
    Ok(Release {
        row: row.integer(0)?,
        version: row.text(1)?.to_owned(),
        revision: row.integer(2)?,
        note: row.text(3)?.to_owned(),
        created_by: row.text(4)?.to_owned(),
        created_at: row.timestamp(5)?,
        sealed_by: row.optional_text(6)?.map(str::to_owned),
        sealed_at: row.optional_integer(7)?.map(Timestamp),
        items: Vec::new(),
    })
}

/// Keeps a new release; `None` where the version is taken.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    (new, items): (&NewRelease, &[ReleaseItem]),
) -> Result<Option<Release>, Error> {
    const SQL: &str = "INSERT INTO releases (project_id, version, note, created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (project_id, version) DO NOTHING RETURNING id";
    let now = tx.now();
    let params = params![project, new.version.as_str(), new.note.as_str(), ctx.caller.name.as_str(), now];
    let Some(row) = tx.query_opt(SQL, &params).await? else { return Ok(None) };
    insert_items(tx, row.integer(0)?, items).await?;
    find(tx, project, &new.version).await
}

async fn insert_items(tx: &mut Tx<'_>, release: i64, items: &[ReleaseItem]) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO release_items (release_id, repository, digest, tags) VALUES (?1, ?2, ?3, ?4)";
    for item in items {
        let tags: Vec<&str> = item.tags.iter().map(Tag::as_str).collect();
        let tags = serde_json::to_string(&tags).map_err(|_| MALFORMED)?;
        tx.execute(SQL, &params![release, item.repository.as_str(), item.digest.to_bytes(), tags]).await?;
    }
    Ok(())
}

/// Puts other items and another note in the place of those before.
pub(super) async fn replace(
    tx: &mut Tx<'_>,
    release: Release,
    (new, items): (&NewRelease, Vec<ReleaseItem>),
) -> Result<Release, Error> {
    tx.execute(
        "UPDATE releases SET note = ?2, revision = revision + 1 WHERE id = ?1",
        &params![release.row, new.note.as_str()],
    )
    .await?;
    tx.execute("DELETE FROM release_items WHERE release_id = ?1", &params![release.row]).await?;
    insert_items(tx, release.row, &items).await?;
    Ok(Release { note: new.note.clone(), revision: release.revision + 1, items, ..release })
}

/// Seals a release that is not sealed yet.
pub(crate) async fn seal(tx: &mut Tx<'_>, release: i64, by: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE releases SET sealed_by = ?2, sealed_at = ?3, revision = revision + 1 WHERE id = ?1 AND sealed_at IS NULL",
        &params![release, by, now],
    )
    .await?;
    Ok(())
}

/// Whether a release still holds exactly what a promotion is about.
pub(crate) async fn is_still(tx: &mut Tx<'_>, release: i64, items: &[Item]) -> Result<bool, Error> {
    const SQL: &str = "SELECT repository, digest FROM release_items WHERE release_id = ?1 ORDER BY repository";
    let rows = tx.query(SQL, &params![release]).await?;
    if rows.len() != items.len() {
        return Ok(false);
    }
    for (row, item) in rows.iter().zip(items) {
        if row.text(0)? != item.repository.as_str() || row.bytes(1)? != item.digest.to_bytes() {
            return Ok(false);
        }
    }
    Ok(true)
}
