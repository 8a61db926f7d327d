//! SQL of `version_sequences`, `allocated_versions` and `version_uses`.

use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::{AllocatedVersion, DateVersion, Day, SequenceName, VersionState};
use crate::error::Error;
use crate::tag_rule::rule::Known;

const MALFORMED: Error = Error::MalformedRow { what: "a version" };
/// What nobody said about a version that nobody used.
const UNUSED: &str = "nobody used it in time";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, sequence, day, number, allocated_by, purpose, allocated_at, expires_at, used_at, voided_by, voided_at, ",
            "void_reason FROM allocated_versions ",
            $rest
        )
    };
}

/// A version about to be given out.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) project: ProjectId,
    pub(super) sequence: &'a SequenceName,
    pub(super) version: DateVersion,
    pub(super) purpose: Option<&'a str>,
    pub(super) expires_at: Timestamp,
}

/// The next number of a day. Whoever asks holds the row until the end of its transaction, so that numbers are committed in
/// order and none is left out.
pub(super) async fn next(tx: &mut Tx<'_>, project: ProjectId, sequence: &SequenceName, day: Day) -> Result<i64, Error> {
    let row = tx
        .query_opt(
            "INSERT INTO version_sequences (project_id, sequence, day, last_number) VALUES (?1, ?2, ?3, 1) \
             ON CONFLICT (project_id, sequence, day) DO UPDATE SET last_number = version_sequences.last_number + 1 \
             RETURNING last_number",
            &params![project, sequence.as_str(), day.to_integer()],
        )
        .await?;
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

pub(super) async fn insert(tx: &mut Tx<'_>, ctx: &Context, draft: &Draft<'_>) -> Result<AllocatedVersion, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO allocated_versions (project_id, sequence, day, number, allocated_by, purpose, allocated_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
            &params![
                draft.project,
                draft.sequence.as_str(),
                draft.version.day().to_integer(),
                i64::from(draft.version.number()),
                ctx.caller.name.as_str(),
                draft.purpose,
                now,
                draft.expires_at
            ],
        )
        .await?;
    Ok(AllocatedVersion {
        id: row.ok_or(MALFORMED)?.integer(0)?,
        version: draft.version,
        repository: repository(draft.sequence.as_str())?,
        state: VersionState::Allocated,
        allocated_by: ctx.caller.name.clone(),
        purpose: draft.purpose.map(str::to_owned),
        allocated_at: now,
        expires_at: draft.expires_at,
    })
}

pub(super) async fn get(
    tx: &mut Tx<'_>,
    project: ProjectId,
    sequence: &SequenceName,
    version: DateVersion,
) -> Result<Option<AllocatedVersion>, Error> {
    let (day, number) = (version.day().to_integer(), i64::from(version.number()));
    let row = tx
        .query_opt(
            select!("WHERE project_id = ?1 AND sequence = ?2 AND day = ?3 AND number = ?4"),
            &params![project, sequence.as_str(), day, number],
        )
        .await?;
    row.map(|row| read(&row, tx.now())).transpose()
}

/// The versions of a project before the number `before`, the last first.
pub(super) async fn list(
    db: &Db,
    project: ProjectId,
    (before, rows): (i64, i64),
    now: Timestamp,
) -> Result<Vec<AllocatedVersion>, Error> {
    let sql = select!("WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    let rows = db.list(sql, &params![project, before, rows]).await?;
    rows.iter().map(|row| read(row, now)).collect()
}

/// The same for one sequence.
pub(super) async fn list_of(
    db: &Db,
    (project, sequence): (ProjectId, &SequenceName),
    (before, rows): (i64, i64),
    now: Timestamp,
) -> Result<Vec<AllocatedVersion>, Error> {
    let sql = select!("WHERE project_id = ?1 AND sequence = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4");
    let rows = db.list(sql, &params![project, sequence.as_str(), before, rows]).await?;
    rows.iter().map(|row| read(row, now)).collect()
}

fn read(row: &Row, now: Timestamp) -> Result<AllocatedVersion, Error> {
    let day = Day::from_integer(row.integer(2)?).ok_or(MALFORMED)?;
    let expires_at = row.timestamp(7)?;
    Ok(AllocatedVersion {
        id: row.integer(0)?,
        version: DateVersion::new(day, row.integer(3)?).ok_or(MALFORMED)?,
        repository: repository(row.text(1)?)?,
        state: state(row, 8, (expires_at, now))?,
        allocated_by: row.text(4)?.to_owned(),
        purpose: row.optional_text(5)?.map(str::to_owned),
        allocated_at: row.timestamp(6)?,
        expires_at,
    })
}

fn repository(sequence: &str) -> Result<Option<RepositoryName>, Error> {
    if sequence.is_empty() { Ok(None) } else { sequence.parse().map(Some).map_err(|_| MALFORMED) }
}

/// The state that the columns `used_at, voided_by, voided_at, void_reason`, from `column` on, make at a moment.
fn state(row: &Row, column: usize, (expires_at, now): (Timestamp, Timestamp)) -> Result<VersionState, Error> {
    if let Some(since) = row.optional_timestamp(column)? {
        return Ok(VersionState::Used { since });
    }
    if let Some(since) = row.optional_timestamp(column + 2)? {
        let by = row.optional_text(column + 1)?.map(str::to_owned);
        return Ok(VersionState::Void { by, since, reason: row.text(column + 3)?.to_owned() });
    }
    if now >= expires_at {
        return Ok(VersionState::Void { by: None, since: expires_at, reason: UNUSED.to_owned() });
    }
    Ok(VersionState::Allocated)
}

pub(super) async fn void(tx: &mut Tx<'_>, ctx: &Context, id: i64, reason: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE allocated_versions SET voided_by = ?2, voided_at = ?3, void_reason = ?4 \
         WHERE id = ?1 AND used_at IS NULL AND voided_at IS NULL",
        &params![id, ctx.caller.name.as_str(), now, reason],
    )
    .await?;
    Ok(())
}

/// What is known of a version, for an image of `repository`; with the version's number in lists, where it has one.
pub(crate) async fn known(
    tx: &mut Tx<'_>,
    (project, sequence): (ProjectId, &SequenceName),
    version: DateVersion,
    repository: &RepositoryName,
) -> Result<(Option<i64>, Known), Error> {
    let (day, number) = (version.day().to_integer(), i64::from(version.number()));
    let row = tx
        .query_opt(
            "SELECT v.id, v.expires_at, v.used_at, v.voided_by, v.voided_at, v.void_reason, u.digest FROM allocated_versions v \
             LEFT JOIN version_uses u ON u.version_id = v.id AND u.repository = ?5 \
             WHERE v.project_id = ?1 AND v.sequence = ?2 AND v.day = ?3 AND v.number = ?4",
            &params![project, sequence.as_str(), day, number, repository.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok((None, Known::Nothing)) };
    let until = row.timestamp(1)?;
    let known = match (row.optional_bytes(6)?, state(&row, 2, (until, tx.now()))?) {
        (Some(bytes), _) => Known::Taken { by: Digest::from_bytes(bytes).ok_or(MALFORMED)? },
        (None, VersionState::Used { .. }) => Known::Shared,
        (None, VersionState::Void { reason, .. }) => Known::Void { reason },
        (None, VersionState::Allocated) => Known::Waiting { until },
    };
    Ok((Some(row.integer(0)?), known))
}

/// Notes that a version is on an image of `repository` from now on.
pub(crate) async fn take(
    tx: &mut Tx<'_>,
    ctx: &Context,
    id: i64,
    (repository, digest): (&RepositoryName, &Digest),
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO version_uses (version_id, repository, digest, used_by, used_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (version_id, repository) DO NOTHING",
        &params![id, repository.as_str(), digest.to_bytes(), ctx.caller.name.as_str(), now],
    )
    .await?;
    tx.execute("UPDATE allocated_versions SET used_at = ?2 WHERE id = ?1 AND used_at IS NULL", &params![id, now])
        .await?;
    Ok(())
}
