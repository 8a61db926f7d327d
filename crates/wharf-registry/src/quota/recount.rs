//! Counting anew: for catalogs from before there were figures, and to repair what drifted.
//!
//! Nobody waits for it: blobs are charged for in batches, each of which counts what it charges; then, in one transaction,
//! the counters are moved by the difference to what the same snapshot holds. Pushes count beside it in their own shards.

use std::time::Duration;

use serde_json::json;
use wharf_context::quota::{Amount, PerResource, Quota, Resource};
use wharf_context::{Context, MaintainProject, ProjectId};
use wharf_db::AuditEntry;

use super::store::{self, content, figures};
use crate::error::Error;
use crate::registry::Registry;

/// How many blobs one transaction charges for.
const BATCH: i64 = 1_000;

impl Registry {
    /// Counts what a project uses anew; says by how much the counters were off.
    pub async fn recount_quota(&self, ctx: &Context, project: &MaintainProject) -> Result<(Quota, Amount), Error> {
        let drift = self.count(project.id).await?;
        let details = json!({ "bytes_off": drift.bytes, "manifests_off": drift.manifests });
        let entry = AuditEntry::new(ctx, "quota.recount", project.name.as_str()).with_details(details);
        self.db.transaction(async |tx| tx.audit(&entry).await).await?;
        let quota = figures::find(&self.db, project.id).await?.ok_or(Error::MalformedRow { what: "a quota" })?;
        Ok((quota, drift))
    }

    /// Looks after quotas every `interval` until the future is dropped. A pass that fails is logged and tried again.
    pub async fn run_quotas(&self) {
        loop {
            if let Err(error) = self.tend_quotas().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "quotas could not be looked after, which will be tried again");
            }
            tokio::time::sleep(self.settings.interval.max(Duration::from_secs(1))).await;
        }
    }

    /// Counts projects that never were, and forgets warnings whose cause is gone.
    pub async fn tend_quotas(&self) -> Result<(), Error> {
        loop {
            let projects = figures::uncounted(&self.db, BATCH).await?;
            for project in &projects {
                self.count(*project).await?;
            }
            if projects.is_empty() {
                break;
            }
        }
        let warned = figures::warned(&self.db).await?;
        for project in &warned {
            self.calm(*project).await?;
        }
        self.desk.warnings().retain(|project, _| warned.contains(project));
        Ok(())
    }

    /// Lets the next crossing warn again where the usage is below the limit by now.
    async fn calm(&self, project: ProjectId) -> Result<(), Error> {
        let Some(quota) = figures::find(&self.db, project).await? else { return Ok(()) };
        if Resource::ALL.into_iter().all(|resource| quota.exceeded().any(|exceeded| exceeded == resource)) {
            self.note_warning(project, &quota);
            return Ok(());
        }
        let quota = self
            .db
            .transaction(async |tx| {
                let Some(book) = store::book(tx, project).await? else { return Ok(Quota::default()) };
                let quota = book.quota();
                let is_warned =
                    |resource| *book.is_warned.of(resource) && quota.exceeded().any(|other| other == resource);
                let still =
                    PerResource { bytes: is_warned(Resource::Bytes), manifests: is_warned(Resource::Manifests) };
                if still != book.is_warned {
                    store::calm(tx, project, &still).await?;
                }
                Ok::<_, Error>(quota)
            })
            .await?;
        self.note_warning(project, &quota);
        Ok(())
    }

    /// Counts a project anew.
    pub(super) async fn count(&self, project: ProjectId) -> Result<Amount, Error> {
        let mut last = 0;
        loop {
            let repositories = content::repositories(&self.db, project, last, BATCH).await?;
            for repository in &repositories {
                self.charge_missing(project, *repository).await?;
            }
            match repositories.last() {
                Some(repository) => last = *repository,
                None => break,
            }
        }
        let shard = self.desk.shards.reserve();
        let (number, defaults) = (shard.number(), &self.settings.quota);
        self.db
            .transaction(async |tx| {
                let (real, counted) = content::truth(tx, project).await?;
                let drift = Amount { bytes: real.bytes - counted.bytes, manifests: real.manifests - counted.manifests };
                store::open(tx, project, defaults).await?;
                if drift != Amount::default() {
                    store::shift(tx, project, number, &drift).await?;
                    store::reset(tx, project).await?;
                }
                store::mark_counted(tx, project).await?;
                Ok(drift)
            })
            .await
    }

    /// Charges for the blobs of one repository that the project is not charged for.
    async fn charge_missing(&self, project: ProjectId, repository: i64) -> Result<(), Error> {
        let shard = self.desk.shards.reserve();
        let number = shard.number();
        let mut last = Vec::new();
        loop {
            let from = last.as_slice();
            let (_, end) = self
                .db
                .transaction(async |tx| {
                    let (bytes, end) = content::charge_missing(tx, project, repository, (from, BATCH)).await?;
                    if bytes > 0 {
                        store::shift(tx, project, number, &Amount { bytes, manifests: 0 }).await?;
                        store::reset(tx, project).await?;
                    }
                    Ok::<_, Error>((bytes, end))
                })
                .await?;
            let Some(end) = end else { return Ok(()) };
            last = end;
        }
    }
}
