//! SQL of `emergency_reviews`.

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Row, Tx, params};

use super::Review;
use crate::error::Error;

/// A statement that reads reviews, in the order that [`read`] takes.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT v.promotion_id, p.key, p.requested_by, p.reason, p.to_environment, v.opened_at, v.closed_at, v.closed_by, ",
            "v.conclusion FROM emergency_reviews v JOIN promotions p ON p.id = v.promotion_id ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Review, Error> {
    Ok(Review {
        row: row.integer(0)?,
        promotion: row.text(1)?.to_owned(),
        requested_by: row.text(2)?.to_owned(),
        reason: row.text(3)?.to_owned(),
        environment: row.text(4)?.to_owned(),
        opened_at: row.timestamp(5)?,
        closed_at: row.optional_integer(6)?.map(Timestamp),
        closed_by: row.optional_text(7)?.map(str::to_owned),
        conclusion: row.text(8)?.to_owned(),
    })
}

pub(super) async fn list(db: &Db, project: ProjectId, (before, rows): (i64, i64)) -> Result<Vec<Review>, Error> {
    let sql = sql!("WHERE v.project_id = ?1 AND v.promotion_id < ?2 ORDER BY v.promotion_id DESC LIMIT ?3");
    db.list(sql, &params![project, before, rows]).await?.iter().map(read).collect()
}

pub(super) async fn find(tx: &mut Tx<'_>, promotion: i64) -> Result<Option<Review>, Error> {
    let row = tx.query_opt(sql!("WHERE v.promotion_id = ?1"), &params![promotion]).await?;
    row.map(|row| read(&row)).transpose()
}

/// The promotion of the oldest review that nobody has closed.
pub(crate) async fn first_open(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<String>, Error> {
    let sql = sql!("WHERE v.project_id = ?1 AND v.closed_at IS NULL ORDER BY v.promotion_id LIMIT 1");
    let row = tx.query_opt(sql, &params![project]).await?;
    row.map(|row| Ok(row.text(1)?.to_owned())).transpose()
}

/// Has somebody look at a use of the emergency passage.
pub(crate) async fn open(tx: &mut Tx<'_>, project: ProjectId, promotion: i64) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO emergency_reviews (promotion_id, project_id, opened_at) VALUES (?1, ?2, ?3)",
        &params![promotion, project, now],
    )
    .await?;
    Ok(())
}

/// `false` where there is no such review, or it is closed.
pub(super) async fn close(tx: &mut Tx<'_>, promotion: i64, by: &str, conclusion: &str) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE emergency_reviews SET closed_at = ?2, closed_by = ?3, conclusion = ?4 \
             WHERE promotion_id = ?1 AND closed_at IS NULL",
            &params![promotion, now, by, conclusion],
        )
        .await?;
    Ok(changed == 1)
}
