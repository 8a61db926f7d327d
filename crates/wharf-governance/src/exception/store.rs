//! SQL of `gate_exceptions`.

use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::{Digest, EnvironmentName, RepositoryName};

use super::{Exception, NewException};
use crate::error::Error;
use crate::gate::Case;

const MALFORMED: Error = Error::MalformedRow { what: "an exception" };

/// A statement that reads exceptions, in the order that [`read`] takes.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT id, gate, repository, digest, environment, reason, owner, granted_by, granted_at, until_at, revoked_at, ",
            "revoked_by FROM gate_exceptions ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Exception, Error> {
    let repository = row.optional_text(2)?.map(|text| text.parse().map_err(|_| MALFORMED)).transpose()?;
    let environment = row.optional_text(4)?.map(|text| text.parse().map_err(|_| MALFORMED)).transpose()?;
    let digest = row.optional_bytes(3)?.map(|bytes| Digest::from_bytes(bytes).ok_or(MALFORMED)).transpose()?;
    Ok(Exception {
        id: row.integer(0)?,
        gate: row.text(1)?.to_owned(),
        repository,
        digest,
        environment,
        reason: row.text(5)?.to_owned(),
        owner: row.text(6)?.to_owned(),
        granted_by: row.text(7)?.to_owned(),
        granted_at: row.timestamp(8)?,
        until: row.timestamp(9)?,
        revoked_at: row.optional_integer(10)?.map(Timestamp),
        revoked_by: row.optional_text(11)?.map(str::to_owned),
    })
}

/// An exception that lets the case through.
pub(crate) async fn find(tx: &mut Tx<'_>, gate: &str, case: &Case<'_>) -> Result<Option<Exception>, Error> {
    let now = tx.now();
    let sql = sql!(
        "WHERE project_id = ?1 AND gate = ?2 AND until_at > ?3 AND revoked_at IS NULL \
         AND (repository IS NULL OR repository = ?4) AND (digest IS NULL OR digest = ?5) \
         AND (environment IS NULL OR environment = ?6) ORDER BY id LIMIT 1"
    );
    let (repository, to) = (case.repository.as_str(), case.to.as_str());
    let row = tx.query_opt(sql, &params![case.project, gate, now, repository, case.digest.to_bytes(), to]).await?;
    row.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, project: ProjectId, (before, rows): (i64, i64)) -> Result<Vec<Exception>, Error> {
    let sql = sql!("WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    db.list(sql, &params![project, before, rows]).await?.iter().map(read).collect()
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    new: &NewException,
) -> Result<Exception, Error> {
    const SQL: &str = "INSERT INTO gate_exceptions (project_id, gate, repository, digest, environment, reason, owner, granted_by, \
         granted_at, until_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         RETURNING id, gate, repository, digest, environment, reason, owner, granted_by, granted_at, until_at, revoked_at, revoked_by";
    let now = tx.now();
    let row = tx
        .query_opt(
            SQL,
            &params![
                project,
                new.gate.as_str(),
                new.repository.as_ref().map(RepositoryName::as_str),
                new.digest.map(|digest| digest.to_bytes()),
                new.environment.as_ref().map(EnvironmentName::as_str),
                new.reason.as_str(),
                new.owner.as_str(),
                ctx.caller.name.as_str(),
                now,
                new.until
            ],
        )
        .await?;
    read(&row.ok_or(MALFORMED)?)
}

/// `false` where there is no such exception, or it was taken back.
pub(super) async fn revoke(tx: &mut Tx<'_>, ctx: &Context, project: ProjectId, id: i64) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE gate_exceptions SET revoked_at = ?3, revoked_by = ?4 WHERE project_id = ?1 AND id = ?2 AND revoked_at IS NULL",
            &params![project, id, now, ctx.caller.name.as_str()],
        )
        .await?;
    Ok(changed == 1)
}
