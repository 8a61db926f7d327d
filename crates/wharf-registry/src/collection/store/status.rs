//! SQL of how far collection is. Every count ends at a limit.

use std::time::Duration;

use uuid::Uuid;
use wharf_context::Timestamp;
use wharf_db::{Db, Row, Tx, params};

use super::count;
use crate::collection::Collected;
use crate::collection::status::{Backlog, CollectionWorker};
use crate::error::Error;

/// Whether a pass goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    GoesOn,
    Ended,
}

/// For how long the last pass of a process that is gone is still shown.
const SHOWN_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) const DUE_REVIEWS: &str = "SELECT CAST(COUNT(*) AS bigint) FROM \
     (SELECT 1 AS one FROM blob_reviews WHERE review_after < ?1 LIMIT ?2) counted";
pub(crate) const DYING: &str = "SELECT CAST(COUNT(*) AS bigint), CAST(COALESCE(SUM(size_bytes), 0) AS bigint) FROM \
     (SELECT size_bytes FROM blobs WHERE state = 1 AND delete_after <= ?1 LIMIT ?2) counted";
pub(crate) const EXPIRED: &str = "SELECT CAST(COUNT(*) AS bigint) FROM \
     (SELECT 1 AS one FROM manifests WHERE deleted_at IS NOT NULL AND deleted_at < ?1 LIMIT ?2) counted";

/// Writes down how far the pass of a process has come.
pub(crate) async fn note_worker(
    tx: &mut Tx<'_>,
    (id, started_at): (Uuid, Timestamp),
    collected: &Collected,
    passing: Passing,
) -> Result<(), Error> {
    let now = tx.now();
    let ended_at = (passing == Passing::Ended).then_some(now);
    tx.execute(
        "INSERT INTO collection_workers \
         (id, started_at, seen_at, ended_at, uploads, manifests, untagged, reviewed, blobs, size_bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO UPDATE SET \
         started_at = excluded.started_at, seen_at = excluded.seen_at, ended_at = excluded.ended_at, \
         uploads = excluded.uploads, manifests = excluded.manifests, untagged = excluded.untagged, \
         reviewed = excluded.reviewed, blobs = excluded.blobs, size_bytes = excluded.size_bytes",
        &params![
            id.as_bytes(),
            started_at,
            now,
            ended_at,
            count(collected.uploads),
            count(collected.manifests),
            count(collected.untagged),
            count(collected.reviewed),
            count(collected.blobs),
            i64::try_from(collected.size_bytes).unwrap_or(i64::MAX)
        ],
    )
    .await?;
    if passing == Passing::Ended {
        tx.execute("DELETE FROM collection_workers WHERE seen_at < ?1", &params![now.minus(SHOWN_FOR)]).await?;
    }
    Ok(())
}

/// The last pass of each process, the latest first.
pub(crate) async fn workers(db: &Db) -> Result<Vec<CollectionWorker>, Error> {
    let rows = db
        .list(
            "SELECT id, started_at, seen_at, ended_at, uploads, manifests, untagged, reviewed, blobs, size_bytes \
             FROM collection_workers ORDER BY seen_at DESC LIMIT 100",
            &params![],
        )
        .await?;
    rows.iter().map(worker).collect()
}

fn worker(row: &Row) -> Result<CollectionWorker, Error> {
    let malformed = || Error::MalformedRow { what: "a collection's worker" };
    let number = |column| usize::try_from(row.integer(column)?).map_err(|_| malformed());
    Ok(CollectionWorker {
        id: Uuid::from_slice(row.bytes(0)?).map_err(|_| malformed())?,
        started_at: row.timestamp(1)?,
        seen_at: row.timestamp(2)?,
        ended_at: row.optional_timestamp(3)?,
        collected: Collected {
            uploads: number(4)?,
            manifests: number(5)?,
            untagged: number(6)?,
            reviewed: number(7)?,
            blobs: number(8)?,
            size_bytes: row.integer(9)?.unsigned_abs(),
        },
    })
}

/// What is due at `now`, each count up to `limit`. The bin's time is over for what was deleted before `binned`.
pub(crate) async fn backlog(db: &Db, (now, binned): (Timestamp, Timestamp), limit: u64) -> Result<Backlog, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let counts = async |sql: &'static str, before: Timestamp| {
        let rows = db.list(sql, &params![before, limit]).await?;
        rows.into_iter().next().ok_or(Error::MalformedRow { what: "a count" })
    };
    let number = |row: &Row, column| Ok::<_, Error>(row.integer(column)?.unsigned_abs());
    let dying = counts(DYING, now).await?;
    Ok(Backlog {
        reviews: number(&counts(DUE_REVIEWS, now).await?, 0)?,
        deleting: number(&dying, 0)?,
        deleting_bytes: number(&dying, 1)?,
        manifests: number(&counts(EXPIRED, binned).await?, 0)?,
    })
}
