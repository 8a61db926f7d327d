//! SQL of `project_policies`.

use wharf_context::{Context, ProjectId};
use wharf_db::{Db, Row, Tx, params};

use super::{Policy, PolicyRevision};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a policy" };
const IN_FORCE: &str = "SELECT revision, document, changed_by, since_at FROM project_policies \
                        WHERE project_id = ?1 AND until_at IS NULL";

pub(super) async fn find(db: &Db, project: ProjectId) -> Result<Option<PolicyRevision>, Error> {
    db.get(IN_FORCE, &params![project.0]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn get(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<PolicyRevision>, Error> {
    tx.query_opt(IN_FORCE, &params![project.0]).await?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<PolicyRevision, Error> {
    let policy: Policy = serde_json::from_str(row.text(1)?).map_err(|_| MALFORMED)?;
    Ok(PolicyRevision {
        revision: row.integer(0)?,
        policy,
        changed_by: Some(row.text(2)?.to_owned()),
        since: Some(row.timestamp(3)?),
    })
}

/// Ends the revision in force and begins the next one.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    ctx: &Context,
    project: ProjectId,
    revision: i64,
    document: &str,
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE project_policies SET until_at = ?2 WHERE project_id = ?1 AND until_at IS NULL",
        &params![project.0, now],
    )
    .await?;
    tx.execute(
        "INSERT INTO project_policies (project_id, revision, document, changed_by, since_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &params![project.0, revision, document, ctx.caller.name.as_str(), now],
    )
    .await?;
    Ok(())
}
