//! SQL of `rebuilds` and `rebuild_items`.

use std::collections::BTreeSet;

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Reading, Row, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::{ItemState, NewItem, NewRebuild, Rebuild, RebuildItem, RebuildState};
use crate::error::Error;

/// Opens a rebuild; `None` where this very base has asked for one before.
pub(super) async fn open(tx: &mut Tx<'_>, new: &NewRebuild) -> Result<Option<i64>, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO rebuilds (project_id, repository, line, tag, digest, state, opened_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT (repository, line, digest) DO NOTHING RETURNING id",
            &params![
                new.project,
                new.repository.as_str(),
                new.line.as_str(),
                new.tag.as_str(),
                new.digest.to_bytes(),
                now
            ],
        )
        .await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

/// Ends what an older base of the line has asked for.
pub(super) async fn overtake(tx: &mut Tx<'_>, new: &NewRebuild, by: i64) -> Result<(), Error> {
    let now = tx.now();
    let (repository, line) = (new.repository.as_str(), new.line.as_str());
    tx.execute(
        "UPDATE rebuild_items SET state = 3 WHERE state IN (0, 1) AND rebuild_id IN \
         (SELECT id FROM rebuilds WHERE repository = ?1 AND line = ?2 AND state = 0 AND id <> ?3)",
        &params![repository, line, by],
    )
    .await?;
    tx.execute(
        "UPDATE rebuilds SET state = 2, closed_at = ?4 WHERE repository = ?1 AND line = ?2 AND state = 0 AND id <> ?3",
        &params![repository, line, by, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn add(tx: &mut Tx<'_>, rebuild: i64, item: &NewItem) -> Result<(), Error> {
    let after: Vec<&str> = item.after.iter().map(RepositoryName::as_str).collect();
    let after = serde_json::to_string(&after).map_err(|_| Error::MalformedRow { what: "a rebuild's item" })?;
    tx.execute(
        "INSERT INTO rebuild_items (rebuild_id, repository, project_id, wave, after, tag, digest, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
        &params![
            rebuild,
            item.repository.as_str(),
            item.project,
            item.wave,
            after,
            item.tag.as_str(),
            item.digest.to_bytes()
        ],
    )
    .await?;
    Ok(())
}

/// Notes that an item was asked for; says whether it was not before.
pub(super) async fn want(tx: &mut Tx<'_>, rebuild: i64, repository: &RepositoryName) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE rebuild_items SET state = 1, wanted_at = ?3 WHERE rebuild_id = ?1 AND repository = ?2 AND state = 0",
            &params![rebuild, repository.as_str(), now],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes an answer; says whether one was waited for.
pub(super) async fn answer(
    tx: &mut Tx<'_>,
    (rebuild, repository): (i64, &RepositoryName),
    digest: &Digest,
    by: &str,
) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE rebuild_items SET state = 2, answer = ?3, answered_by = ?4, answered_at = ?5 \
             WHERE rebuild_id = ?1 AND repository = ?2 AND state IN (0, 1)",
            &params![rebuild, repository.as_str(), digest.to_bytes(), by, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends a rebuild all of whose items are answered; says whether that is so.
pub(super) async fn close_if_done(tx: &mut Tx<'_>, rebuild: i64) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE rebuilds SET state = 1, closed_at = ?2 WHERE id = ?1 AND state = 0 AND NOT EXISTS \
             (SELECT 1 FROM rebuild_items WHERE rebuild_id = ?1 AND state IN (0, 1))",
            &params![rebuild, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Open rebuilds that wait for a repository.
pub(super) async fn waiting_for(tx: &mut Tx<'_>, repository: &RepositoryName) -> Result<Vec<Rebuild>, Error> {
    let sql = "SELECT r.id, r.project_id, r.repository, r.line, r.tag, r.digest, r.state, r.opened_at, r.closed_at \
         FROM rebuild_items i JOIN rebuilds r ON r.id = i.rebuild_id AND r.state = 0 \
         WHERE i.repository = ?1 AND i.state IN (0, 1) ORDER BY r.id";
    tx.query(sql, &params![repository.as_str()]).await?.into_iter().map(rebuild).collect()
}

pub(super) async fn get(from: &mut impl Reading, id: i64) -> Result<Option<Rebuild>, Error> {
    let sql =
        "SELECT id, project_id, repository, line, tag, digest, state, opened_at, closed_at FROM rebuilds WHERE id = ?1";
    from.get(sql.into(), &params![id]).await?.map(rebuild).transpose()
}

pub(super) async fn items(from: &mut impl Reading, rebuild: i64) -> Result<Vec<RebuildItem>, Error> {
    let sql = "SELECT repository, project_id, wave, after, tag, digest, state, wanted_at, answer, answered_by, answered_at \
         FROM rebuild_items WHERE rebuild_id = ?1 ORDER BY wave, repository";
    from.list(sql.into(), &params![rebuild]).await?.into_iter().map(item).collect()
}

/// Rebuilds that a project's bases have asked for, or that ask for its images, the latest first.
pub(super) async fn list(
    from: &mut impl Reading,
    project: ProjectId,
    (before, limit): (i64, i64),
) -> Result<Vec<Rebuild>, Error> {
    let sql = "SELECT id, project_id, repository, line, tag, digest, state, opened_at, closed_at FROM rebuilds \
         WHERE id IN (SELECT id FROM (SELECT id FROM rebuilds WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3) own \
          UNION SELECT rebuild_id FROM (SELECT DISTINCT rebuild_id FROM rebuild_items \
          WHERE project_id = ?1 AND rebuild_id < ?2 ORDER BY rebuild_id DESC LIMIT ?3) asked) ORDER BY id DESC LIMIT ?3";
    from.list(sql.into(), &params![project, before, limit]).await?.into_iter().map(rebuild).collect()
}

fn rebuild(mut row: Row) -> Result<Rebuild, Error> {
    Ok(Rebuild {
        id: row.integer(0)?,
        project: ProjectId(row.integer(1)?),
        repository: name(row.text(2)?)?,
        line: row.take_text(3)?,
        tag: row.take_text(4)?,
        digest: digest(row.bytes(5)?)?,
        state: match row.integer(6)? {
            0 => RebuildState::Open,
            1 => RebuildState::Done,
            _ => RebuildState::Overtaken,
        },
        opened_at: row.timestamp(7)?,
        closed_at: row.optional_timestamp(8)?,
    })
}

fn item(mut row: Row) -> Result<RebuildItem, Error> {
    let after: Vec<String> =
        serde_json::from_str(row.text(3)?).map_err(|_| Error::MalformedRow { what: "a rebuild's item" })?;
    let after: Result<BTreeSet<RepositoryName>, Error> = after.iter().map(|text| name(text)).collect();
    let answered_at: Option<Timestamp> = row.optional_timestamp(10)?;
    Ok(RebuildItem {
        repository: name(row.text(0)?)?,
        project: ProjectId(row.integer(1)?),
        wave: u32::try_from(row.integer(2)?).map_err(|_| Error::MalformedRow { what: "a rebuild's item" })?,
        after: after?,
        tag: row.take_text(4)?,
        digest: digest(row.bytes(5)?)?,
        state: match row.integer(6)? {
            0 => ItemState::Waiting,
            1 => ItemState::Wanted,
            2 => ItemState::Answered,
            _ => ItemState::Overtaken,
        },
        wanted_at: row.optional_timestamp(7)?,
        answer: row.optional_bytes(8)?.map(digest).transpose()?,
        answered_by: row.optional_text(9)?.map(str::to_owned),
        answered_at,
    })
}

fn name(text: &str) -> Result<RepositoryName, Error> {
    text.parse().map_err(|_| Error::MalformedRow { what: "a repository's name" })
}

fn digest(bytes: &[u8]) -> Result<Digest, Error> {
    Digest::from_bytes(bytes).ok_or(Error::MalformedRow { what: "a digest" })
}
