//! The part's one handle, and what it is for others.

use std::sync::Arc;

use wharf_blob::ColdPlace;
use wharf_context::ProjectId;
use wharf_db::{Db, Tx};
use wharf_governance::history::Pushed;
use wharf_governance::ports::Leave;
use wharf_governance::{BoxFuture, Governance};
use wharf_oci::{Digest, Environments, Reference, RepositoryName};
use wharf_registry::Registry;
use wharf_registry::ports::{Absent, Refusal};

use crate::archive::store;
use crate::error::Error;

/// Archives: every use case is a method, found in the file of its noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archives {
    pub(crate) db: Db,
    pub(crate) registry: Registry,
    pub(crate) governance: Governance,
    pub(crate) environments: Environments,
    cold: Option<Arc<dyn ColdPlace>>,
}

impl Archives {
    /// Archives of what `registry` keeps, as far as `governance` lets it leave. Without a place nothing can be archived.
    pub fn new(db: Db, registry: Registry, governance: Governance, environments: Environments) -> Self {
        Self { db, registry, governance, environments, cold: None }
    }

    /// The same, with a cold place.
    #[must_use]
    pub fn with_cold_place(self, cold: Arc<dyn ColdPlace>) -> Self {
        Self { cold: Some(cold), ..self }
    }

    pub(crate) fn cold(&self) -> Result<&dyn ColdPlace, Error> {
        self.cold.as_deref().ok_or(Error::NoColdPlace)
    }
}

impl Leave for Archives {
    fn is_away<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, wharf_governance::Error>> {
        Box::pin(async move { Ok(store::is_archived(tx, repository.as_str(), digest).await?) })
    }

    fn last_push<'a>(
        &'a self,
        project: ProjectId,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Pushed>, wharf_governance::Error>> {
        Box::pin(async move {
            let archives = store::of_digest(&self.db, (project, repository), digest).await?;
            let found = archives.iter().rev().find_map(|(archive, contents)| {
                let member = contents.manifests.iter().find(|member| member.digest == *digest)?;
                Some(Pushed {
                    by: member.pushed_by.clone(),
                    at: wharf_context::Timestamp(member.pushed_at),
                    media_type: member.media_type.clone(),
                    size_bytes: u64::try_from(archive.figures.size_bytes).unwrap_or(0),
                })
            });
            Ok(found)
        })
    }
}

/// Who knows where a manifest is that is not in the registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct Absences;

impl Absent for Absences {
    fn explain<'a>(
        &'a self,
        db: &'a Db,
        project: ProjectId,
        (repository, reference): (&'a RepositoryName, &'a Reference),
    ) -> wharf_registry::ports::BoxFuture<'a, Result<Option<Refusal>, wharf_db::Error>> {
        Box::pin(async move {
            let archive = store::absent(db, (project, repository), reference).await?;
            Ok(archive.map(|archive| Refusal::new(archive.absence(reference))))
        })
    }
}
