//! SQL of `promotions`, `promotion_items` and `approvals`.

mod items;
mod row;

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Reading, Tx, params};
use wharf_oci::Digest;

pub(crate) use self::items::{fill, insert_decision, insert_items, of_digest};
use self::row::read;
use super::{Promotion, PromotionFilter, State};
use crate::error::Error;

/// One promotion with its items and decisions.
pub(crate) async fn find(mut from: impl Reading, project: ProjectId, id: &str) -> Result<Option<Promotion>, Error> {
    let sql = row::sql!("WHERE p.project_id = ?1 AND p.key = ?2");
    let Some(row) = from.get(sql.into(), &params![project, id]).await? else { return Ok(None) };
    let mut promotions = [read(&row)?];
    fill(from, &mut promotions).await?;
    let [promotion] = promotions;
    Ok(Some(promotion))
}

/// The same in whatever project it is.
pub(super) async fn by_key(mut from: impl Reading, id: &str) -> Result<Option<Promotion>, Error> {
    let Some(row) = from.get(row::sql!("WHERE p.key = ?1").into(), &params![id]).await? else { return Ok(None) };
    let mut promotions = [read(&row)?];
    fill(from, &mut promotions).await?;
    let [promotion] = promotions;
    Ok(Some(promotion))
}

/// The same by its number, for jobs.
pub(super) async fn by_row(mut from: impl Reading, row: i64) -> Result<Option<Promotion>, Error> {
    let sql = row::sql!("WHERE p.id = ?1");
    let Some(row) = from.get(sql.into(), &params![row]).await? else { return Ok(None) };
    let mut promotions = [read(&row)?];
    fill(from, &mut promotions).await?;
    let [promotion] = promotions;
    Ok(Some(promotion))
}

/// A page, the newest first, without items and decisions.
pub(super) async fn list(
    db: &Db,
    project: ProjectId,
    filter: &PromotionFilter,
    (before, rows): (i64, i64),
) -> Result<Vec<Promotion>, Error> {
    let rows = match filter.state {
        Some(state) => {
            let sql = row::sql!("WHERE p.project_id = ?1 AND p.state = ?4 AND p.id < ?2 ORDER BY p.id DESC LIMIT ?3");
            db.list(sql, &params![project, before, rows, state.name()]).await?
        }
        None => {
            let sql = row::sql!("WHERE p.project_id = ?1 AND p.id < ?2 ORDER BY p.id DESC LIMIT ?3");
            db.list(sql, &params![project, before, rows]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// All open promotions of a project, with items and decisions.
pub(crate) async fn open(tx: &mut Tx<'_>, project: ProjectId) -> Result<Vec<Promotion>, Error> {
    let sql = row::sql!("WHERE p.project_id = ?1 AND p.ended_at IS NULL ORDER BY p.id");
    let rows = tx.query(sql, &params![project]).await?;
    let mut promotions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    fill(tx, &mut promotions).await?;
    Ok(promotions)
}

/// The open promotion of the same things to the same place.
pub(super) async fn same_open(
    tx: &mut Tx<'_>,
    project: ProjectId,
    to: &str,
    subject: &Digest,
) -> Result<Option<String>, Error> {
    const SQL: &str = "SELECT key FROM promotions \
         WHERE project_id = ?1 AND to_environment = ?2 AND subject = ?3 AND ended_at IS NULL";
    let row = tx.query_opt(SQL, &params![project, to, subject.to_bytes()]).await?;
    Ok(row.map(|mut row| row.take_text(0)).transpose()?)
}

/// Keeps a new promotion with its items. Gives its number.
pub(super) async fn insert(tx: &mut Tx<'_>, new: &Promotion, subject: &Digest) -> Result<i64, Error> {
    const SQL: &str = "INSERT INTO promotions (key, project_id, kind, from_environment, to_environment, release_id, subject, \
         digest, state, requested_by, requested_at, reason, policy_revision, policy_hash, passage, sealed, gates, \
         expires_at, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?11) RETURNING id";
    let row = tx
        .query_opt(
            SQL,
            &params![
                new.id.as_str(),
                new.project,
                new.kind.name(),
                new.from.as_str(),
                new.to.as_str(),
                new.release_row,
                subject.to_bytes(),
                new.digest.to_bytes(),
                new.state.name(),
                new.requested_by.as_str(),
                new.requested_at,
                new.reason.as_str(),
                new.policy_revision,
                new.policy_hash.as_str(),
                row::json(&new.passage)?,
                new.sealed,
                row::json(&new.gates)?,
                new.expires_at
            ],
        )
        .await?;
    let row = row.ok_or(Error::MalformedRow { what: "a promotion" })?.integer(0)?;
    insert_items(tx, row, new).await?;
    Ok(row)
}

/// Writes down where a promotion stands now, if it still stood where it was read.
pub(super) async fn update(tx: &mut Tx<'_>, promotion: &Promotion, before: State) -> Result<bool, Error> {
    const SQL: &str = "UPDATE promotions SET state = ?2, revision = ?3, gates = ?4, run_at = ?5, changed_at = ?6, \
         ended_at = ?7, ended_by = ?8, explanation = ?9 WHERE id = ?1 AND state = ?10 AND revision = ?11";
    let changed = tx
        .execute(
            SQL,
            &params![
                promotion.row,
                promotion.state.name(),
                promotion.revision,
                row::json(&promotion.gates)?,
                promotion.run_at.map(|at| at.0),
                promotion.changed_at,
                promotion.ended_at.map(|at| at.0),
                promotion.ended_by.clone(),
                promotion.explanation.as_str(),
                before.name(),
                promotion.revision - 1
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Counts a change that leaves the state as it is.
pub(super) async fn touch(tx: &mut Tx<'_>, promotion: &mut Promotion, now: Timestamp) -> Result<(), Error> {
    promotion.revision += 1;
    promotion.changed_at = now;
    let state = promotion.state;
    match update(tx, promotion, state).await? {
        true => Ok(()),
        false => Err(Error::PromotionMoved { id: promotion.id.clone() }),
    }
}
