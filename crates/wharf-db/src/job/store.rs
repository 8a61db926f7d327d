//! The table `jobs`.

use std::time::Duration;

use uuid::Uuid;
use wharf_context::Timestamp;

use super::{DeadJob, Job, NewJob};
use crate::db::Db;
use crate::error::Error;
use crate::lease::{Lease, Subject};
use crate::params;
use crate::row::Row;
use crate::statement::Statement;
use crate::transaction::Tx;

const INSERT: &str = "\
    INSERT INTO jobs (kind, payload, created_at, run_at, attempts) VALUES (?1, ?2, ?3, ?4, 0) RETURNING id";
// Between the two there is nothing to decide: what a kind is for, its handler knows. `?5` is a JSON list of kinds.
const TAKE: Statement = Statement::dialects(
    "UPDATE jobs SET token = ?1, run_at = ?2, attempts = attempts + 1 WHERE id IN (\
        SELECT id FROM jobs WHERE dead_at IS NULL AND run_at <= ?3 \
        AND kind IN (SELECT value FROM json_each(?5)) ORDER BY run_at, id LIMIT ?4) \
     RETURNING id, kind, payload, attempts, created_at",
    "UPDATE jobs SET token = ?1, run_at = ?2, attempts = attempts + 1 WHERE id = ANY(ARRAY(\
        SELECT id FROM jobs WHERE dead_at IS NULL AND run_at <= ?3 \
        AND kind IN (SELECT jsonb_array_elements_text(?5::text::jsonb)) ORDER BY run_at, id LIMIT ?4 \
        FOR UPDATE SKIP LOCKED)) \
     RETURNING id, kind, payload, attempts, created_at",
);
const FIRST_DUE: &str = "SELECT run_at FROM jobs WHERE dead_at IS NULL ORDER BY run_at, id LIMIT 1";
const COMPLETE: &str = "DELETE FROM jobs WHERE id = ?1 AND token = ?2";
const POSTPONE: &str = "UPDATE jobs SET token = NULL, run_at = ?3, last_error = ?4 WHERE id = ?1 AND token = ?2";
const BURY: &str = "UPDATE jobs SET token = NULL, dead_at = ?3, last_error = ?4 WHERE id = ?1 AND token = ?2";
const DEAD: &str = "\
    SELECT id, kind, payload, attempts, last_error, dead_at FROM jobs \
    WHERE dead_at IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2";
const REVIVE: &str = "\
    UPDATE jobs SET dead_at = NULL, attempts = 0, run_at = ?2 WHERE id = ?1 AND dead_at IS NOT NULL";
const DISCARD: &str = "DELETE FROM jobs WHERE id = ?1 AND dead_at IS NOT NULL";

/// Dead jobs are counted no further than this: what people have to look at is not ten thousand rows.
pub(super) const MOST_COUNTED: i64 = 10_000;
const COUNT_DEAD: &str = "SELECT count(*) FROM (SELECT id FROM jobs WHERE dead_at IS NOT NULL LIMIT ?1) dead";

pub(super) async fn insert(tx: &mut Tx<'_>, job: &NewJob) -> Result<i64, Error> {
    let row = tx.query_opt(INSERT, &params![job.kind, &job.payload, tx.now(), job.run_at]).await?;
    row.ok_or(Error::Column { column: 0, wanted: "an integer", found: "no row" })?.integer(0)
}

/// Takes up to `limit` jobs that are due. Run at READ COMMITTED: nothing is decided from what is read, and at
/// SERIALIZABLE every insertion of a job would conflict with every look for one.
pub(super) async fn take(tx: &mut Tx<'_>, kinds: &str, limit: u32, lease: Duration) -> Result<Vec<Job>, Error> {
    let token = Uuid::new_v4();
    let expires_at = tx.now().plus(lease);
    let params = params![token.as_bytes(), expires_at, tx.now(), limit, kinds];
    let rows = tx.query(TAKE, &params).await?;
    let mut jobs: Vec<Job> = rows.into_iter().map(|row| job(row, token, expires_at)).collect::<Result<_, _>>()?;
    jobs.sort_by_key(|job| job.id);
    Ok(jobs)
}

fn job(mut row: Row, token: Uuid, expires_at: Timestamp) -> Result<Job, Error> {
    let id = row.integer(0)?;
    Ok(Job {
        id,
        kind: row.take_text(1)?,
        payload: row.take_text(2)?,
        attempts: u32::try_from(row.integer(3)?).unwrap_or(u32::MAX),
        created_at: row.timestamp(4)?,
        lease: Lease { subject: Subject::Job(id), token, expires_at },
    })
}

/// When the first job is, or was, due.
pub(super) async fn first_due(db: &Db) -> Result<Option<Timestamp>, Error> {
    db.get(FIRST_DUE, &[]).await?.map(|row| row.timestamp(0)).transpose()
}

/// How many jobs were given up and not decided about, at most [`MOST_COUNTED`].
pub(super) async fn count_dead(db: &Db) -> Result<u64, Error> {
    let row = db.get(COUNT_DEAD, &params![MOST_COUNTED]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map_or(0, i64::unsigned_abs))
}

pub(super) async fn complete(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), Error> {
    let Subject::Job(id) = lease.subject else { return Err(Error::LeaseLost { name: lease.name() }) };
    match tx.execute(COMPLETE, &params![id, lease.token.as_bytes()]).await? {
        0 => Err(Error::LeaseLost { name: lease.name() }),
        _ => Ok(()),
    }
}

/// Tries the job again at `run_at`.
pub(super) async fn postpone(tx: &mut Tx<'_>, job: &Job, run_at: Timestamp, why: &str) -> Result<(), Error> {
    tx.execute(POSTPONE, &params![job.id, job.lease.token.as_bytes(), run_at, why]).await.map(drop)
}

/// Puts the job into the list of dead ones.
pub(super) async fn bury(tx: &mut Tx<'_>, job: &Job, why: &str) -> Result<(), Error> {
    tx.execute(BURY, &params![job.id, job.lease.token.as_bytes(), tx.now(), why]).await.map(drop)
}

pub(super) async fn dead(db: &Db, after: i64, limit: u32) -> Result<Vec<DeadJob>, Error> {
    db.list(DEAD, &params![after, limit]).await?.into_iter().map(dead_job).collect()
}

fn dead_job(mut row: Row) -> Result<DeadJob, Error> {
    Ok(DeadJob {
        id: row.integer(0)?,
        kind: row.take_text(1)?,
        payload: row.take_text(2)?,
        attempts: row.integer(3)?,
        last_error: row.take_text(4)?,
        dead_at: row.timestamp(5)?,
    })
}

pub(super) async fn revive(tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
    Ok(tx.execute(REVIVE, &params![id, tx.now()]).await? == 1)
}

pub(super) async fn discard(tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
    Ok(tx.execute(DISCARD, &params![id]).await? == 1)
}
