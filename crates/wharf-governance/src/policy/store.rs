//! SQL of `project_policies`.

use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Reading, Row, Statement, Tx, params};

use super::{Policy, PolicyRevision, hash};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a policy" };
const IN_FORCE: &str = "SELECT revision, document, changed_by, since_at FROM project_policies \
                        WHERE project_id = ?1 AND until_at IS NULL";

pub(super) async fn get(mut from: impl Reading, project: ProjectId) -> Result<Option<PolicyRevision>, Error> {
    from.get(IN_FORCE.into(), &params![project]).await?.map(|row| read(&row)).transpose()
}

/// The same inside a transaction, where it decides.
pub(super) async fn in_force(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<PolicyRevision>, Error> {
    tx.query_opt(IN_FORCE, &params![project]).await?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<PolicyRevision, Error> {
    let document = row.text(1)?;
    let policy: Policy = serde_json::from_str(document).map_err(|_| MALFORMED)?;
    Ok(PolicyRevision {
        revision: row.integer(0)?,
        policy,
        hash: hash(document),
        changed_by: Some(row.text(2)?.to_owned()),
        since: Some(row.timestamp(3)?),
    })
}

/// Ends the revision in force and begins the next one.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    (revision, document, waits_until): (i64, &str, Timestamp),
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE project_policies SET until_at = ?2 WHERE project_id = ?1 AND until_at IS NULL",
        &params![project.0, now],
    )
    .await?;
    tx.execute(
        "INSERT INTO project_policies (project_id, revision, document, changed_by, since_at, editor_waits_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &params![project.0, revision, document, ctx.caller.name.as_str(), now, waits_until],
    )
    .await?;
    Ok(())
}

/// Until when whoever uses one of these accounts approves nothing, because of a policy that they changed.
pub(crate) async fn editor_waits_until(
    tx: &mut Tx<'_>,
    project: ProjectId,
    accounts: &[String],
) -> Result<Option<Timestamp>, Error> {
    const SQL: Statement = Statement::dialects(
        "SELECT MAX(editor_waits_until) FROM project_policies \
         WHERE project_id = ?1 AND editor_waits_until > ?2 AND changed_by IN (SELECT value FROM json_each(?3))",
        "SELECT MAX(editor_waits_until) FROM project_policies WHERE project_id = ?1 AND editor_waits_until > ?2 \
         AND changed_by IN (SELECT value FROM json_array_elements_text(CAST(?3 AS text)::json))",
    );
    let now = tx.now();
    let accounts = serde_json::to_string(accounts).map_err(|_| MALFORMED)?;
    let row = tx.query_opt(SQL, &params![project, now, accounts]).await?;
    Ok(row.map(|row| row.optional_integer(0)).transpose()?.flatten().map(Timestamp))
}
