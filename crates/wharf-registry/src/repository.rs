//! Repositories: named sets of blobs, manifests and tags inside a project.
//!
//! A repository begins with its first blob or manifest and is listed from then on.

pub(crate) mod store;

use wharf_context::{Context, Permit, ProjectId, Pull, Right, Visibility};
use wharf_db::Tx;
use wharf_oci::RepositoryName;

use crate::error::Error;
use crate::page::{self, Page};
use crate::quota;
use crate::registry::Registry;

/// A repository's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RepositoryId(pub(crate) i64);

impl Registry {
    /// The names that `visibility` lets the caller see, after `last`, in byte order. Distribution API `_catalog`.
    pub async fn list_repositories(
        &self,
        visibility: &Visibility,
        last: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<Page<RepositoryName>, Error> {
        let limit = page::limit(wanted);
        let names = store::list(&self.db, visibility, last.unwrap_or_default(), page::limit_and_one(limit)).await?;
        Ok(Page::cut(names, limit))
    }

    /// Whether a project has a repository, or an upload that may become one: identity asks inside the transaction that
    /// deletes a project. Of one that has neither, what is known about its quota goes with it.
    pub async fn is_project_used(tx: &mut Tx<'_>, project: ProjectId) -> Result<bool, wharf_db::Error> {
        let is_used = store::is_project_used(tx, project).await?;
        if !is_used {
            quota::store::forget(tx, project).await?;
        }
        Ok(is_used)
    }

    /// A repository's row, made if this is its first content.
    pub(crate) async fn open_repository<R: Right>(
        &self,
        tx: &mut Tx<'_>,
        permit: &Permit<R>,
    ) -> Result<RepositoryId, Error> {
        if let Some(id) = store::get(tx, permit).await? {
            return Ok(id);
        }
        let (project, name) = (permit.project(), permit.repository());
        let unknown = || Error::RepositoryUnknown(name.clone());
        if let Some(projects) = &self.projects
            && !projects.is_current(tx, project, name).await?
        {
            return Err(unknown());
        }
        store::insert(tx, permit).await?;
        store::get(tx, permit).await?.ok_or_else(unknown)
    }

    /// The row of a repository that the caller may read.
    pub(crate) async fn find_repository(&self, ctx: &Context, name: &RepositoryName) -> Result<RepositoryId, Error> {
        let permit: Permit<Pull> = ctx.authorize(name)?;
        store::find(&self.db, &permit).await?.ok_or_else(|| Error::RepositoryUnknown(name.clone()))
    }
}
