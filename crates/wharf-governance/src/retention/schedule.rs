//! When retention runs by itself: one job per project waits for its time, and asks for the next one.

use serde_json::json;
use wharf_context::{ProjectId, Timestamp};
use wharf_db::{NewJob, Tx};
use wharf_oci::ProjectName;

use super::section::Retention;
use super::{job, store};
use crate::error::Error;
use crate::policy;

/// Takes over what a new policy says, in the transaction that puts it in force. A time that was set stays unless the policy
/// says another one.
pub(crate) async fn adopt(
    tx: &mut Tx<'_>,
    project: (ProjectId, &ProjectName),
    (before, after): (&Retention, &Retention),
) -> Result<(), Error> {
    if before.every == after.every {
        return Ok(());
    }
    match after.every {
        Some(every) => plan(tx, project, tx.now().plus(every.duration())).await,
        None => store::unschedule(tx, project.0).await,
    }
}

/// Asks for the run after the one that was due at `due_at`. False where that one is not wanted any more.
pub(super) async fn next(
    tx: &mut Tx<'_>,
    project: (ProjectId, &ProjectName),
    due_at: Timestamp,
) -> Result<bool, Error> {
    if store::due_at(tx, project.0).await? != Some(due_at) {
        return Ok(false);
    }
    match policy::in_force(tx, project.0).await?.policy.retention.every {
        Some(every) => {
            // What was missed while nobody ran is not made up for.
            plan(tx, project, tx.now().plus(every.duration())).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

async fn plan(tx: &mut Tx<'_>, (project, name): (ProjectId, &ProjectName), due_at: Timestamp) -> Result<(), Error> {
    store::schedule(tx, project, due_at).await?;
    let payload = json!({ "project": project.0, "name": name.as_str(), "due_at": due_at.0 }).to_string();
    tx.enqueue(NewJob { kind: job::DUE, payload, run_at: due_at }).await?;
    Ok(())
}
