//! Images from before lineage: a job that walks through all of them once, after the update.
//!
//! It goes on where it was, some images at a time. One image that cannot be read now does not hold up the others: it gets
//! a job of its own.

use wharf_context::Event;
use wharf_db::{Job, NewJob, Tx};

use super::job::SEE;
use super::store::catch_up as store;
use crate::error::Error;
use crate::governance::Governance;

/// The job that looks at the next images from before.
pub const CATCH_UP: &str = "lineage.catch_up";

/// How many images one job looks at.
const AT_ONCE: u32 = 50;

impl Governance {
    /// Begins the look at images from before, once for each catalog.
    pub async fn begin_catch_up(&self) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                if store::begin(tx).await? {
                    next(tx).await?;
                }
                Ok(())
            })
            .await
    }

    /// Runs one [`CATCH_UP`] job.
    pub async fn catch_up(&self, job: &Job) -> Result<(), Error> {
        let Some(position) = store::position(&self.db).await? else { return Ok(()) };
        let stored = self.registry.list_presences(position, AT_ONCE).await?;
        let mut failed = Vec::new();
        for one in &stored {
            if let Err(error) = self.see_manifest(&one.repository, &one.digest).await {
                tracing::warn!(%error, repository = %one.repository, digest = %one.digest, "cannot look at an image now");
                failed.push(one);
            }
        }
        self.db
            .transaction(async |tx| {
                for one in &failed {
                    let (repository, digests) = (one.repository.to_string(), vec![one.digest.to_string()]);
                    let event = Event::ManifestsAdded { repository, digests };
                    let payload = serde_json::to_string(&event).map_err(|_| Error::MalformedRow { what: "a job" })?;
                    let run_at = tx.now();
                    tx.enqueue(NewJob { kind: SEE, payload, run_at }).await?;
                }
                tx.complete(job).await?;
                match stored.last() {
                    Some(last) => {
                        store::go_on(tx, last.position).await?;
                        next(tx).await
                    }
                    None => store::end(tx).await,
                }
            })
            .await
    }
}

async fn next(tx: &mut Tx<'_>) -> Result<(), Error> {
    let run_at = tx.now();
    tx.enqueue(NewJob { kind: CATCH_UP, payload: "{}".to_owned(), run_at }).await?;
    Ok(())
}
