//! Repositories: named sets of blobs, manifests and tags inside a project.
//!
//! A repository begins with its first blob or manifest and is listed from then on.

pub(crate) mod store;

use wharf_context::{Context, Permit, ProjectId, Pull, Right, Visibility};
use wharf_db::Tx;
use wharf_oci::{EnvironmentName, RepositoryName};

use crate::environment::promoted_only;
use crate::error::Error;
use crate::page::{self, Page};
use crate::quota;
use crate::registry::Registry;

/// Which names are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RepositoriesQuery<'a> {
    /// The names of this environment alone; of all without one.
    pub environment: Option<&'a EnvironmentName>,
    /// The last name of the page before.
    pub last: Option<&'a str>,
    /// How many entries the client wants.
    pub wanted: Option<usize>,
}

impl RepositoriesQuery<'_> {
    /// What lies between the names that are listed: after the first, before the second.
    fn bounds(&self) -> (String, String) {
        let last = self.last.unwrap_or_default();
        match self.environment {
            // `0` is the byte after `/`.
            Some(environment) => (format!("{environment}/").max(last.to_owned()), format!("{environment}0")),
            // Later than every name.
            None => (last.to_owned(), "~".to_owned()),
        }
    }
}

/// A repository's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RepositoryId(pub(crate) i64);

impl Registry {
    /// The names that `visibility` lets the caller see, in byte order. Distribution API `_catalog`.
    pub async fn list_repositories(
        &self,
        visibility: &Visibility,
        query: RepositoriesQuery<'_>,
    ) -> Result<Page<RepositoryName>, Error> {
        let limit = page::limit(query.wanted);
        let (last, end) = query.bounds();
        let names = store::list(&self.db, visibility, (&last, &end), page::limit_and_one(limit)).await?;
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

    /// A repository's row, made if this is its first content. Only promotion makes an environment's.
    pub(crate) async fn open_repository<R: Right>(
        &self,
        tx: &mut Tx<'_>,
        permit: &Permit<R>,
    ) -> Result<RepositoryId, Error> {
        if let Some(id) = store::get(tx, permit).await? {
            return Ok(id);
        }
        match self.environment(permit.repository()) {
            Some(environment) => Err(promoted_only(permit.repository(), environment)),
            None => self.make_repository(tx, permit.project(), permit.repository()).await,
        }
    }

    /// Makes a repository in a project that is there, under the one spelling of its name.
    pub(crate) async fn make_repository(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        name: &RepositoryName,
    ) -> Result<RepositoryId, Error> {
        let unknown = || Error::RepositoryUnknown(name.clone());
        if self.settings.environments.canonical(name) != *name {
            return Err(unknown());
        }
        if let Some(projects) = &self.projects
            && !projects.is_current(tx, project, name).await?
        {
            return Err(unknown());
        }
        store::insert(tx, project, name).await?;
        store::named(tx, project, name).await?.ok_or_else(unknown)
    }

    /// The row of a repository that the caller may read.
    pub(crate) async fn find_repository(&self, ctx: &Context, name: &RepositoryName) -> Result<RepositoryId, Error> {
        let permit = self.permit::<Pull>(ctx, name)?;
        store::find(&self.db, &permit).await?.ok_or_else(|| Error::RepositoryUnknown(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_environment_lie_between_its_bounds() {
        let environment: EnvironmentName = "s1".parse().expect("valid");
        let within = |last: Option<&str>, name: &str| {
            let query = RepositoriesQuery { environment: Some(&environment), last, wanted: None };
            let (after, before) = query.bounds();
            name > after.as_str() && name < before.as_str()
        };
        let table = [("s1/pay/app", true), ("s1/0", true), ("s1", false), ("s1-x/app", false), ("s10/app", false)];
        for (name, is_within) in table {
            assert_eq!(within(None, name), is_within, "{name}");
        }
        assert!(!within(Some("s1/pay/app"), "s1/pay/app") && within(Some("s1/pay/app"), "s1/pay/b"));
        let (after, before) = RepositoriesQuery::default().bounds();
        assert!("zz/z" < before.as_str() && after.is_empty());
    }
}
