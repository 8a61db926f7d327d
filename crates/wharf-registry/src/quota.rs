//! Quotas: what a project may use, checked before bytes are taken and again by the transaction that keeps them.
//!
//! A project is charged for the bytes of the blobs that its repositories link (each once) and of its manifests, and for
//! the number of its manifests that are not in the bin. What takes goes through `charge::Account`; what gives back,
//! through `store::give_back`. How 64 pushes at once stay exact without a row that all of them write:
//! `docs/adr/0005-quotas.md`. Who may change limits is not decided here: see [`MaintainProject`].
//!
//! Reading order: `rule`, `shards`, `store`, `charge`, `recount`.

pub(crate) mod charge;
pub(crate) mod recount;
pub(crate) mod rule;
pub(crate) mod shards;
pub(crate) mod store;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use wharf_context::quota::{Limits, Quota, Resource};
use wharf_context::{Context, Inspect, InspectProject, MaintainProject, Permit, ProjectId, Push};
use wharf_db::AuditEntry;
use wharf_oci::RepositoryName;

use self::store::figures;
use crate::error::Error;
use crate::registry::Registry;

/// What one process knows of quotas beside the catalog.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) shards: shards::Shards,
    warnings: Mutex<HashMap<ProjectId, String>>,
}

impl Desk {
    fn warnings(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many projects were above a limit that warns when this process last looked.
    pub(crate) fn warned_projects(&self) -> u64 {
        self.warnings().len() as u64
    }
}

impl Registry {
    /// A project's limits and usage.
    pub async fn get_quota(&self, project: &InspectProject) -> Result<Quota, Error> {
        let found = figures::find(&self.db, project.id).await?;
        Ok(found.unwrap_or_else(|| self.fresh_quota()))
    }

    /// The same for several projects.
    pub async fn list_quotas(&self, _: &Inspect, projects: &[ProjectId]) -> Result<BTreeMap<ProjectId, Quota>, Error> {
        let mut quotas: BTreeMap<_, _> = projects.iter().map(|project| (*project, self.fresh_quota())).collect();
        quotas.extend(figures::list(&self.db, projects).await?);
        Ok(quotas)
    }

    /// Sets a project's limits. One that uses more than they allow keeps what it has and takes nothing more.
    pub async fn set_quota(&self, ctx: &Context, project: &MaintainProject, limits: &Limits) -> Result<Quota, Error> {
        rule::check(limits)?;
        if !self.fresh_or_found(project.id).await?.is_counted {
            self.count(project.id).await?;
        }
        let entry = AuditEntry::new(ctx, "quota.set", project.name.as_str());
        self.db
            .transaction(async |tx| {
                let before = store::find_limits(tx, project.id).await?.map(|before| described(&before));
                store::set_limits(tx, project.id, limits).await?;
                let details = json!({ "before": before, "after": described(limits) });
                tx.audit(&entry.clone().with_details(details)).await?;
                Ok::<(), Error>(())
            })
            .await?;
        self.desk.warnings().remove(&project.id);
        self.fresh_or_found(project.id).await
    }

    /// What to tell somebody who pushes into a project that is above a limit that warns.
    pub fn quota_warning(&self, ctx: &Context, repository: &RepositoryName) -> Option<String> {
        let permit: Permit<Push> = ctx.authorize(repository).ok()?;
        self.desk.warnings().get(&permit.project()).cloned()
    }

    /// What somebody who pushes is told from now on, until the catalog is looked at again.
    pub(crate) fn note_warning(&self, project: ProjectId, quota: &Quota) {
        let exceeded: Vec<Resource> = quota.exceeded().collect();
        match rule::warning(quota, &exceeded) {
            Some(text) => self.desk.warnings().insert(project, text),
            None => self.desk.warnings().remove(&project),
        };
    }

    async fn fresh_or_found(&self, project: ProjectId) -> Result<Quota, Error> {
        Ok(figures::find(&self.db, project).await?.unwrap_or_else(|| self.fresh_quota()))
    }

    /// The quota of a project that nothing was pushed to.
    fn fresh_quota(&self) -> Quota {
        Quota { limits: self.settings.quota, is_counted: true, ..Quota::default() }
    }
}

/// Limits, for the audit log.
fn described(limits: &Limits) -> Value {
    json!({
        "bytes": limits.bytes.hard, "warn_bytes": limits.bytes.warn,
        "manifests": limits.manifests.hard, "warn_manifests": limits.manifests.warn,
    })
}
