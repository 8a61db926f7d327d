//! Jobs that failed too often, as administrators see them and decide about them. What jobs are: [`wharf_db::job`].

use serde_json::json;
use wharf_context::Context;

pub use wharf_db::DeadJob;

use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};

impl Identity {
    /// The jobs that were given up, the oldest first.
    pub async fn list_dead_jobs(&self, ctx: &Context, page: &PageRequest) -> Result<Page<DeadJob>, Error> {
        self.check(ctx, SystemRight::Inspect).await?;
        let after = page.after.as_deref().map_or(Ok(0), str::parse).map_err(|_| Error::BadPage)?;
        let rows = u32::try_from(page.rows()).unwrap_or(u32::MAX);
        let jobs = self.db.dead_jobs(after, rows).await?;
        Ok(page.cut(jobs, |job| job.id.to_string()))
    }

    /// Gives a job that was given up all its attempts again.
    pub async fn retry_job(&self, ctx: &Context, id: i64) -> Result<(), Error> {
        let retried = self.db.transaction(async |tx| {
            Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::Maintain)?;
            if !tx.revive_job(id).await? {
                return Err(Error::JobUnknown(id));
            }
            audit::record(tx, ctx, "job.retry", &id, json!({})).await
        });
        retried.await
    }

    /// Forgets a job that was given up: what it was for is not done.
    pub async fn discard_job(&self, ctx: &Context, id: i64) -> Result<(), Error> {
        let discarded = self.db.transaction(async |tx| {
            Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::Maintain)?;
            if !tx.discard_job(id).await? {
                return Err(Error::JobUnknown(id));
            }
            audit::record(tx, ctx, "job.discard", &id, json!({})).await
        });
        discarded.await
    }
}
