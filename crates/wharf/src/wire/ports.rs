//! What one part asks of another, answered.

use wharf_context::ProjectId;
use wharf_db::Tx;
use wharf_identity::{BoxFuture, Identity, ProjectUse};
use wharf_oci::{Environments, RepositoryName};
use wharf_registry::{Projects, Registry};

/// Identity asks before it deletes a project: the registry knows whether it has repositories.
#[derive(Debug)]
pub(super) struct Repositories;

impl ProjectUse for Repositories {
    fn is_used<'a>(&'a self, tx: &'a mut Tx<'_>, project: ProjectId) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        Box::pin(Registry::is_project_used(tx, project))
    }
}

/// The projects, as the registry asks for them.
#[derive(Debug)]
pub(super) struct Owners(pub(super) Environments);

impl Projects for Owners {
    fn is_current<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        let name = self.0.project(repository);
        Box::pin(async move { Identity::confirm_project(tx, project, &name).await })
    }
}
