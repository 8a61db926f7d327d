//! SQL of `project_quotas` and `project_usage`: limits, and the shards that count; beside it, of what is counted
//! ([`content`]) and of showing it ([`figures`]).

pub(crate) mod content;
pub(super) mod figures;

use wharf_context::ProjectId;
use wharf_context::quota::{Amount, Limit, Limits, PerResource};
use wharf_db::{Row, Tx, params};

use super::rule::{Book, Grant, Shard};
use super::shards;
use crate::error::Error;

/// Counts `amount` in a shard, where its allowance covers it. Writes one row that no other transaction of this process
/// writes and finds it without a scan: PostgreSQL would take a scan of a small table for a reading of all its rows, and
/// every two such transactions for conflicting ones. A new row has no allowance for what it has.
pub(super) async fn take(tx: &mut Tx<'_>, project: ProjectId, shard: i64, amount: &Amount) -> Result<bool, Error> {
    let row = tx
        .query_opt(
            "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
             VALUES (?1, ?2, 0, -1, 0, -1) ON CONFLICT (project_id, shard) DO UPDATE SET \
             bytes = project_usage.bytes + ?3, manifests = project_usage.manifests + ?4 \
             WHERE (project_usage.bytes_allowance IS NULL OR project_usage.bytes + ?3 <= project_usage.bytes_allowance) \
             AND (project_usage.manifests_allowance IS NULL OR project_usage.manifests + ?4 <= project_usage.manifests_allowance) \
             RETURNING CASE WHEN bytes > bytes_allowance THEN 0 ELSE 1 END",
            &params![project, shard, amount.bytes, amount.manifests],
        )
        .await?;
    row.map_or(Ok(false), |row| Ok(row.integer(0)? == 1))
}

/// Counts `amount` less. The allowance goes along, so that what comes free is for whoever asks first, and for nobody
/// as long as more is used than the limit allows.
pub(crate) async fn give_back(tx: &mut Tx<'_>, project: ProjectId, amount: &Amount) -> Result<(), Error> {
    shift(tx, project, shards::any_for_giving(), &Amount { bytes: -amount.bytes, manifests: -amount.manifests }).await
}

/// Moves a shard's counters and its allowance alike.
pub(super) async fn shift(tx: &mut Tx<'_>, project: ProjectId, shard: i64, by: &Amount) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
         VALUES (?1, ?2, ?3, ?3, ?4, ?4) ON CONFLICT (project_id, shard) DO UPDATE SET \
         bytes = project_usage.bytes + excluded.bytes, \
         bytes_allowance = project_usage.bytes_allowance + excluded.bytes, \
         manifests = project_usage.manifests + excluded.manifests, \
         manifests_allowance = project_usage.manifests_allowance + excluded.manifests",
        &params![project, shard, by.bytes, by.manifests],
    )
    .await?;
    Ok(())
}

/// Makes the row of a project's limits, unless it is there.
pub(super) async fn open(tx: &mut Tx<'_>, project: ProjectId, limits: &Limits) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO project_quotas (project_id, hard_bytes, warn_bytes, hard_manifests, warn_manifests, counted_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id) DO NOTHING",
        &params![project, limits.bytes.hard, limits.bytes.warn, limits.manifests.hard, limits.manifests.warn, now],
    )
    .await?;
    Ok(())
}

/// All that a project's limits are decided by; `None` when it has no row yet.
pub(super) async fn book(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<Book>, Error> {
    let row = tx
        .query_opt(
            "SELECT hard_bytes, warn_bytes, hard_manifests, warn_manifests, bytes_warned_at, manifests_warned_at \
             FROM project_quotas WHERE project_id = ?1",
            &params![project],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let shards = tx
        .query(
            "SELECT shard, bytes, bytes_allowance, manifests, manifests_allowance FROM project_usage WHERE project_id = ?1",
            &params![project],
        )
        .await?;
    Ok(Some(Book {
        limits: limits(&row)?,
        is_warned: PerResource {
            bytes: row.optional_integer(4)?.is_some(),
            manifests: row.optional_integer(5)?.is_some(),
        },
        shards: shards.iter().map(shard).collect::<Result<_, _>>()?,
    }))
}

/// Counts `amount` in a shard under new allowances. Of two transactions that decided by the same book, the second
/// fails on the first row and decides anew.
pub(super) async fn grant(
    tx: &mut Tx<'_>,
    project: ProjectId,
    shard: i64,
    taken: (&Amount, &PerResource<Grant>),
) -> Result<(), Error> {
    let (amount, grants) = taken;
    let now = tx.now();
    tx.execute(
        "UPDATE project_quotas SET revision = revision + 1, \
         bytes_warned_at = CASE WHEN ?2 = 1 THEN ?4 ELSE bytes_warned_at END, \
         manifests_warned_at = CASE WHEN ?3 = 1 THEN ?4 ELSE manifests_warned_at END WHERE project_id = ?1",
        &params![project, grants.bytes.has_crossed, grants.manifests.has_crossed, now],
    )
    .await?;
    if grants.bytes.must_reclaim || grants.manifests.must_reclaim {
        reclaim(tx, project).await?;
    }
    tx.execute(
        "INSERT INTO project_usage (project_id, shard, bytes, bytes_allowance, manifests, manifests_allowance) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id, shard) DO UPDATE SET \
         bytes = project_usage.bytes + excluded.bytes, bytes_allowance = excluded.bytes_allowance, \
         manifests = project_usage.manifests + excluded.manifests, manifests_allowance = excluded.manifests_allowance",
        &params![project, shard, amount.bytes, grants.bytes.allowance, amount.manifests, grants.manifests.allowance],
    )
    .await?;
    Ok(())
}

/// Takes from all shards what they may still count: they have to ask again.
async fn reclaim(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute(
        "UPDATE project_usage SET bytes_allowance = bytes, manifests_allowance = manifests WHERE project_id = ?1 \
         AND (bytes_allowance IS NULL OR bytes_allowance <> bytes OR manifests_allowance IS NULL OR manifests_allowance <> manifests)",
        &params![project],
    )
    .await?;
    Ok(())
}

/// The same where nothing is taken.
pub(super) async fn reset(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("UPDATE project_quotas SET revision = revision + 1 WHERE project_id = ?1", &params![project]).await?;
    reclaim(tx, project).await
}

/// Sets the limits. Whether the usage exceeds them is found out by the next push.
pub(super) async fn set_limits(tx: &mut Tx<'_>, project: ProjectId, limits: &Limits) -> Result<(), Error> {
    open(tx, project, limits).await?;
    tx.execute(
        "UPDATE project_quotas SET hard_bytes = ?2, warn_bytes = ?3, hard_manifests = ?4, warn_manifests = ?5, \
         bytes_warned_at = NULL, manifests_warned_at = NULL WHERE project_id = ?1",
        &params![project, limits.bytes.hard, limits.bytes.warn, limits.manifests.hard, limits.manifests.warn],
    )
    .await?;
    reset(tx, project).await
}

/// Forgets that people were told about a limit that is no longer exceeded.
pub(super) async fn calm(tx: &mut Tx<'_>, project: ProjectId, is_warned: &PerResource<bool>) -> Result<(), Error> {
    tx.execute(
        "UPDATE project_quotas SET bytes_warned_at = CASE WHEN ?2 = 1 THEN bytes_warned_at END, \
         manifests_warned_at = CASE WHEN ?3 = 1 THEN manifests_warned_at END WHERE project_id = ?1",
        &params![project, is_warned.bytes, is_warned.manifests],
    )
    .await?;
    reset(tx, project).await
}

/// Notes that all that a project has is counted.
pub(super) async fn mark_counted(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE project_quotas SET counted_at = ?2 WHERE project_id = ?1", &params![project, now]).await?;
    Ok(())
}

/// Forgets a project that is deleted. It has no content any more.
pub(crate) async fn forget(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), wharf_db::Error> {
    tx.execute("DELETE FROM project_blobs WHERE project_id = ?1", &params![project]).await?;
    tx.execute("DELETE FROM project_usage WHERE project_id = ?1", &params![project]).await?;
    tx.execute("DELETE FROM project_quotas WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

/// What a project may use; `None` before something was pushed to it.
pub(super) async fn find_limits(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<Limits>, Error> {
    const SQL: &str =
        "SELECT hard_bytes, warn_bytes, hard_manifests, warn_manifests FROM project_quotas WHERE project_id = ?1";
    tx.query_opt(SQL, &params![project]).await?.map(|row| limits(&row)).transpose()
}

fn limits(row: &Row) -> Result<Limits, Error> {
    let limit =
        |hard, warn| Ok::<_, Error>(Limit { hard: row.optional_integer(hard)?, warn: row.optional_integer(warn)? });
    Ok(Limits { bytes: limit(0, 1)?, manifests: limit(2, 3)? })
}

fn shard(row: &Row) -> Result<Shard, Error> {
    Ok(Shard {
        number: row.integer(0)?,
        used: Amount { bytes: row.integer(1)?, manifests: row.integer(3)? },
        allowance: PerResource { bytes: row.optional_integer(2)?, manifests: row.optional_integer(4)? },
    })
}
