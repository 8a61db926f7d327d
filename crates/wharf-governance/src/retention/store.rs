//! SQL of `retention_runs`, `retention_items` and `retention_schedules`.

use serde_json::{Value as Json, json};
use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::RepositoryName;

use super::docket::Judged;
use super::rule::{Action, Verdict};
use super::run::{Counts, Item, ItemsQuery, NewRun, Outcome, Run, RunState};
use crate::digests;
use crate::error::Error;

const FIND: &str = "SELECT id, is_dry, state, policy_revision, started_by, started_at, judged_at, fill_percent, ended_at, why, \
     kept, to_delete, done, left_alone FROM retention_runs WHERE project_id = ?1 AND id = ?2";
const LIST: &str = "SELECT id, is_dry, state, policy_revision, started_by, started_at, judged_at, fill_percent, ended_at, why, \
     kept, to_delete, done, left_alone FROM retention_runs WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
const INSERT_ITEMS: Statement = Statement::dialects(
    "INSERT INTO retention_items (run_id, position, repository, tag, digest, since_at, action, rule, because) \
     SELECT ?1, j.value ->> 'p', ?3, j.value ->> 't', unhex(j.value ->> 'd'), j.value ->> 's', j.value ->> 'a', \
     j.value ->> 'r', j.value ->> 'b' FROM json_each(?2) j",
    "INSERT INTO retention_items (run_id, position, repository, tag, digest, since_at, action, rule, because) \
     SELECT CAST(?1 AS bigint), CAST(j.value ->> 'p' AS bigint), CAST(?3 AS text), j.value ->> 't', \
     decode(j.value ->> 'd', 'hex'), CAST(j.value ->> 's' AS bigint), CAST(j.value ->> 'a' AS bigint), \
     j.value ->> 'r', j.value ->> 'b' FROM json_array_elements(CAST(?2 AS text)::json) j (value)",
);
const ITEMS: &str = "SELECT position, repository, tag, digest, since_at, action, rule, because, outcome, details \
     FROM retention_items WHERE run_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3";
const ITEMS_OF_ACTION: &str = "SELECT position, repository, tag, digest, since_at, action, rule, because, outcome, details \
     FROM retention_items WHERE run_id = ?1 AND action = ?4 AND position > ?2 ORDER BY position LIMIT ?3";
const TO_DO: &str = "SELECT position, repository, tag, digest, since_at, action, rule, because, outcome, details \
     FROM retention_items WHERE run_id = ?1 AND outcome IS NULL AND action > 0 ORDER BY position LIMIT ?2";
const OLD_RUNS: &str = "SELECT id FROM retention_runs WHERE project_id = ?1 AND ended_at IS NOT NULL \
     ORDER BY id DESC LIMIT 1000 OFFSET ?2";

pub(super) async fn insert(tx: &mut Tx<'_>, project: ProjectId, run: &Run) -> Result<i64, Error> {
    let row = tx
        .query_opt(
            "INSERT INTO retention_runs (project_id, is_dry, policy_revision, started_by, started_at, judged_at, fill_percent) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
            &params![
                project,
                run.wanted == NewRun::Plan,
                run.policy_revision,
                run.started_by.as_str(),
                run.started_at,
                run.judged_at,
                run.fill_percent
            ],
        )
        .await?;
    Ok(row.ok_or(Error::MalformedRow { what: "a run of retention" })?.integer(0)?)
}

/// Whether a run of the project, not a plan, has not ended.
pub(super) async fn is_going_on(tx: &mut Tx<'_>, project: ProjectId) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM retention_runs WHERE project_id = ?1 AND ended_at IS NULL AND is_dry = 0";
    Ok(tx.query_opt(SQL, &params![project]).await?.is_some())
}

pub(super) async fn find(db: &Db, project: ProjectId, id: i64) -> Result<Option<Run>, Error> {
    db.get(FIND, &params![project, id]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, project: ProjectId, before: i64, limit: usize) -> Result<Vec<Run>, Error> {
    db.list(LIST, &params![project, before, number(limit)]).await?.iter().map(read).collect()
}

/// From judging to executing.
pub(super) async fn move_on(tx: &mut Tx<'_>, run: i64) -> Result<(), Error> {
    tx.execute("UPDATE retention_runs SET state = 1 WHERE id = ?1 AND state = 0", &params![run]).await?;
    Ok(())
}

pub(super) async fn end(tx: &mut Tx<'_>, run: i64, (state, why): (RunState, Option<&str>)) -> Result<(), Error> {
    let now = tx.now();
    let state: i64 = if state == RunState::Done { 2 } else { 3 };
    tx.execute(
        "UPDATE retention_runs SET state = ?2, why = ?3, ended_at = ?4 WHERE id = ?1 AND ended_at IS NULL",
        &params![run, state, why, now],
    )
    .await?;
    Ok(())
}

/// Forgets all but the newest `kept` runs that have ended.
pub(super) async fn forget_runs(tx: &mut Tx<'_>, project: ProjectId, kept: i64) -> Result<(), Error> {
    for row in tx.query(OLD_RUNS, &params![project, kept]).await? {
        let id = row.integer(0)?;
        forget_items(tx, id).await?;
        tx.execute("DELETE FROM retention_runs WHERE id = ?1", &params![id]).await?;
    }
    Ok(())
}

pub(super) async fn forget_items(tx: &mut Tx<'_>, run: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM retention_items WHERE run_id = ?1", &params![run]).await?;
    tx.execute("UPDATE retention_runs SET kept = 0, to_delete = 0 WHERE id = ?1", &params![run]).await?;
    Ok(())
}

/// Writes verdicts down, at the positions after `last`.
pub(super) async fn insert_items(
    tx: &mut Tx<'_>,
    (run, last): (i64, i64),
    repository: &RepositoryName,
    judged: &[Judged<'_>],
) -> Result<(), Error> {
    let rows = judged.iter().zip(last + 1..).map(|((tagged, verdict), position)| {
        json!({
            "p": position, "t": tagged.tag.as_str(), "d": digests::hex(&tagged.digest), "s": tagged.since.0,
            "a": action(verdict.action), "r": verdict.rule, "b": verdict.because,
        })
    });
    let rows = Json::from_iter(rows).to_string();
    tx.execute(INSERT_ITEMS, &params![run, rows, repository.as_str()]).await?;
    let kept = judged.iter().filter(|(_, verdict)| verdict.action == Action::Keep).count();
    tx.execute(
        "UPDATE retention_runs SET kept = kept + ?2, to_delete = to_delete + ?3 WHERE id = ?1",
        &params![run, number(kept), number(judged.len() - kept)],
    )
    .await?;
    Ok(())
}

pub(super) async fn items(db: &Db, run: i64, query: ItemsQuery, limit: usize) -> Result<Vec<Item>, Error> {
    let after = query.after.unwrap_or(0);
    let rows = match query.action {
        None => db.list(ITEMS, &params![run, after, number(limit)]).await?,
        Some(wanted) => db.list(ITEMS_OF_ACTION, &params![run, after, number(limit), action(wanted)]).await?,
    };
    rows.iter().map(item).collect()
}

/// The first verdicts that are to be executed.
pub(super) async fn to_do(tx: &mut Tx<'_>, run: i64, limit: usize) -> Result<Vec<Item>, Error> {
    tx.query(TO_DO, &params![run, number(limit)]).await?.iter().map(item).collect()
}

pub(super) async fn note(tx: &mut Tx<'_>, (run, position): (i64, i64), outcome: &Outcome) -> Result<(), Error> {
    let (outcome, details): (i64, Option<&str>) = match outcome {
        Outcome::Done => (1, None),
        Outcome::Left(why) => (2, Some(why)),
    };
    tx.execute(
        "UPDATE retention_items SET outcome = ?3, details = ?4 WHERE run_id = ?1 AND position = ?2",
        &params![run, position, outcome, details],
    )
    .await?;
    tx.execute(
        "UPDATE retention_runs SET done = done + ?2, left_alone = left_alone + ?3 WHERE id = ?1",
        &params![run, outcome == 1, outcome == 2],
    )
    .await?;
    Ok(())
}

pub(super) async fn schedule(tx: &mut Tx<'_>, project: ProjectId, due_at: Timestamp) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO retention_schedules (project_id, due_at) VALUES (?1, ?2) \
         ON CONFLICT (project_id) DO UPDATE SET due_at = excluded.due_at",
        &params![project, due_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn unschedule(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM retention_schedules WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

pub(super) async fn due_at(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<Timestamp>, Error> {
    let row = tx.query_opt("SELECT due_at FROM retention_schedules WHERE project_id = ?1", &params![project]).await?;
    Ok(row.map(|row| row.timestamp(0)).transpose()?)
}

fn number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn action(action: Action) -> i64 {
    match action {
        Action::Keep => 0,
        Action::Delete => 1,
    }
}

fn read(row: &Row) -> Result<Run, Error> {
    const MALFORMED: Error = Error::MalformedRow { what: "a run of retention" };
    Ok(Run {
        id: row.integer(0)?,
        wanted: if row.boolean(1)? { NewRun::Plan } else { NewRun::Run },
        state: match row.integer(2)? {
            0 => RunState::Judging,
            1 => RunState::Executing,
            2 => RunState::Done,
            3 => RunState::GivenUp,
            _ => return Err(MALFORMED),
        },
        policy_revision: row.integer(3)?,
        started_by: row.text(4)?.to_owned(),
        started_at: row.timestamp(5)?,
        judged_at: row.timestamp(6)?,
        fill_percent: row.optional_integer(7)?.map(u32::try_from).transpose().map_err(|_| MALFORMED)?,
        ended_at: row.optional_timestamp(8)?,
        why: row.optional_text(9)?.map(str::to_owned),
        counts: Counts {
            keep: row.integer(10)?,
            delete: row.integer(11)?,
            done: row.integer(12)?,
            left: row.integer(13)?,
        },
    })
}

fn item(row: &Row) -> Result<Item, Error> {
    const MALFORMED: Error = Error::MalformedRow { what: "a verdict of retention" };
    let action = match row.integer(5)? {
        0 => Action::Keep,
        1 => Action::Delete,
        _ => return Err(MALFORMED),
    };
    let outcome = match row.optional_integer(8)? {
        None => None,
        Some(1) => Some(Outcome::Done),
        Some(2) => Some(Outcome::Left(row.optional_text(9)?.unwrap_or_default().to_owned())),
        Some(_) => return Err(MALFORMED),
    };
    Ok(Item {
        position: row.integer(0)?,
        repository: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        tag: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        digest: digests::read(row, 3)?,
        since: row.timestamp(4)?,
        verdict: Verdict { action, rule: row.optional_text(6)?.map(str::to_owned), because: row.text(7)?.to_owned() },
        outcome,
    })
}
