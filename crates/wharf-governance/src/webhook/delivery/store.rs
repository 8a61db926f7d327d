//! SQL of `webhook_deliveries`.

use wharf_context::Timestamp;
use wharf_db::{Db, Row, Tx, params};

use super::{Attempt, Delivery, DeliveryState};
use crate::error::Error;
use crate::webhook::event::Outgoing;
use crate::webhook::rule::Next;

const MALFORMED: Error = Error::MalformedRow { what: "a delivery" };
/// Old rows that one statement deletes at most.
const PURGE_ROWS: i64 = 1_000;

const ONE: &str = "SELECT id, event_id, event_type, subject, replay_of, state, attempts, created_at, due_at, ended_at, \
     status, duration_ms, answer, failure, event FROM webhook_deliveries WHERE webhook_id = ?1 AND id = ?2";
const LIST: &str = "SELECT id, event_id, event_type, subject, replay_of, state, attempts, created_at, due_at, ended_at, \
     status, duration_ms, answer, failure FROM webhook_deliveries \
     WHERE webhook_id = ?1 AND id < ?2 AND state IN (0, 1, 2) ORDER BY id DESC LIMIT ?3";
const LIST_STATE: &str = "SELECT id, event_id, event_type, subject, replay_of, state, attempts, created_at, due_at, \
     ended_at, status, duration_ms, answer, failure FROM webhook_deliveries \
     WHERE webhook_id = ?1 AND id < ?2 AND state = ?4 ORDER BY id DESC LIMIT ?3";
const DUE: &str = "SELECT id, event_id, event_type, subject, replay_of, state, attempts, created_at, due_at, ended_at, \
     status, duration_ms, answer, failure, event FROM webhook_deliveries \
     WHERE webhook_id = ?1 AND state = 0 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3";

pub(crate) async fn insert(tx: &mut Tx<'_>, webhook: i64, outgoing: &Outgoing) -> Result<i64, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, subject, event, created_at, due_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING id",
            &params![webhook, &outgoing.id, outgoing.name, &outgoing.subject, &outgoing.document, now],
        )
        .await?;
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

/// The same event once more.
pub(super) async fn repeat(tx: &mut Tx<'_>, delivery: &Delivery, webhook: i64) -> Result<i64, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, subject, event, replay_of, created_at, due_at) \
             SELECT webhook_id, event_id, event_type, subject, event, id, ?3, ?3 FROM webhook_deliveries \
             WHERE webhook_id = ?1 AND id = ?2 RETURNING id",
            &params![webhook, delivery.id, now],
        )
        .await?;
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

/// Whether at least `most` deliveries wait.
pub(crate) async fn is_full(tx: &mut Tx<'_>, webhook: i64, most: i64) -> Result<bool, Error> {
    let waiting =
        "SELECT 1 FROM webhook_deliveries WHERE webhook_id = ?1 AND state = 0 ORDER BY due_at, id LIMIT 1 OFFSET ?2";
    Ok(tx.query_opt(waiting, &params![webhook, most - 1]).await?.is_some())
}

pub(super) async fn find(db: &Db, webhook: i64, id: i64) -> Result<Option<Delivery>, Error> {
    db.get(ONE, &params![webhook, id]).await?.map(|row| read_whole(&row)).transpose()
}

pub(super) async fn get(tx: &mut Tx<'_>, webhook: i64, id: i64) -> Result<Option<Delivery>, Error> {
    tx.query_opt(ONE, &params![webhook, id]).await?.map(|row| read_whole(&row)).transpose()
}

pub(super) async fn list(
    db: &Db,
    (webhook, state): (i64, Option<DeliveryState>),
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Delivery>, Error> {
    let before = before.unwrap_or(i64::MAX);
    let rows = match state {
        Some(state) => db.list(LIST_STATE, &params![webhook, before, limit, state.number()]).await?,
        None => db.list(LIST, &params![webhook, before, limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// What is due in one lane, the longest waiting first.
pub(crate) async fn due(db: &Db, webhook: i64, now: Timestamp, limit: i64) -> Result<Vec<Delivery>, Error> {
    db.list(DUE, &params![webhook, now, limit]).await?.iter().map(read_whole).collect()
}

/// Writes down a successful attempt.
pub(crate) async fn delivered(tx: &mut Tx<'_>, id: i64, attempt: &Attempt) -> Result<(), Error> {
    record(tx, id, attempt, (DeliveryState::Delivered, None)).await
}

/// Writes down a failed attempt, and what comes next.
pub(crate) async fn failed(tx: &mut Tx<'_>, id: i64, attempt: &Attempt, next: Next) -> Result<(), Error> {
    let outcome = match next {
        Next::Again(at) => (DeliveryState::Waiting, Some(at)),
        Next::Dead => (DeliveryState::Dead, None),
    };
    record(tx, id, attempt, outcome).await
}

async fn record(
    tx: &mut Tx<'_>,
    id: i64,
    attempt: &Attempt,
    (state, due_at): (DeliveryState, Option<Timestamp>),
) -> Result<(), Error> {
    let ended_at = (state != DeliveryState::Waiting).then_some(tx.now());
    tx.execute(
        "UPDATE webhook_deliveries SET state = ?2, attempts = attempts + 1, due_at = COALESCE(?3, due_at), ended_at = ?4, \
         status = ?5, duration_ms = ?6, answer = ?7, failure = ?8 WHERE id = ?1 AND state = 0",
        &params![
            id,
            state.number(),
            due_at,
            ended_at,
            attempt.status.map(i64::from),
            attempt.duration_ms,
            attempt.answer.as_deref(),
            attempt.failure.as_deref()
        ],
    )
    .await?;
    Ok(())
}

/// Forgets deliveries that were made before `cutoff`; how many, of at most a thousand.
pub(crate) async fn purge(tx: &mut Tx<'_>, cutoff: Timestamp) -> Result<u64, Error> {
    let purge = "DELETE FROM webhook_deliveries WHERE id IN (\
                 SELECT id FROM webhook_deliveries WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";
    Ok(tx.execute(purge, &params![cutoff, PURGE_ROWS]).await?)
}

fn read_whole(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery { document: Some(row.text(14)?.to_owned()), ..read(row)? })
}

fn read(row: &Row) -> Result<Delivery, Error> {
    let last = Attempt {
        status: row.optional_integer(10)?.and_then(|status| u16::try_from(status).ok()),
        duration_ms: row.optional_integer(11)?,
        answer: row.optional_text(12)?.map(str::to_owned),
        failure: row.optional_text(13)?.map(str::to_owned),
    };
    Ok(Delivery {
        id: row.integer(0)?,
        event_id: row.text(1)?.to_owned(),
        event: row.text(2)?.to_owned(),
        subject: row.text(3)?.to_owned(),
        replay_of: row.optional_integer(4)?,
        state: DeliveryState::from_number(row.integer(5)?).ok_or(MALFORMED)?,
        attempts: u32::try_from(row.integer(6)?).unwrap_or(u32::MAX),
        created_at: row.timestamp(7)?,
        due_at: row.timestamp(8)?,
        ended_at: row.optional_timestamp(9)?,
        last,
        document: None,
    })
}
