//! Promoted environments: repositories whose content only governance places and withdraws.
//!
//! `t/pay/app` is a repository like any other, with manifests, links and tags of its own, so that pulling, listing,
//! collection and quotas need not know of environments. What differs is who writes it: [`Registry::place`] and
//! [`Registry::withdraw`], in the transaction that decided, and no client, whatever its rights. A client may attach
//! signatures and the like to what stands there; what counts as such is `rule`'s. What may be promoted is not decided
//! here.

pub(crate) mod place;
pub(crate) mod rule;
pub(crate) mod store;
mod withdraw;

use wharf_context::{AuthorizeError, Context, Permit, Right};
use wharf_db::Tx;
use wharf_oci::{Digest, EnvironmentName, RepositoryName};

pub use place::{Placed, Placing};
pub use withdraw::Withdrawn;

use crate::error::Error;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};

impl Registry {
    /// The caller's right on a repository. Who may not change a promoted environment is told how images get there.
    pub(crate) fn permit<R: Right>(&self, ctx: &Context, repository: &RepositoryName) -> Result<Permit<R>, Error> {
        ctx.authorize(repository).map_err(|error| match (&error, self.environment(repository)) {
            (AuthorizeError::Denied { .. }, Some(environment)) => promoted_only(repository, environment),
            (_, _) => error.into(),
        })
    }

    /// The promoted environment that a repository stands in.
    pub(crate) fn environment(&self, repository: &RepositoryName) -> Option<&EnvironmentName> {
        self.settings.environments.environment(repository)
    }

    /// Refuses bytes for an environment's repository that nothing was promoted to, before they are taken.
    pub(crate) async fn check_promoted<R: Right>(&self, permit: &Permit<R>) -> Result<(), Error> {
        let Some(environment) = self.environment(permit.repository()) else { return Ok(()) };
        match repository::store::find(&self.db, permit).await? {
            Some(_) => Ok(()),
            None => Err(promoted_only(permit.repository(), environment)),
        }
    }

    /// Whether what is attached stands in an environment.
    pub(crate) async fn check_stands(
        &self,
        tx: &mut Tx<'_>,
        (id, repository): (RepositoryId, &RepositoryName),
        subjects: &[Digest],
    ) -> Result<(), Error> {
        let standing = crate::manifest::store::sizes(tx, id, subjects).await?;
        let missing = subjects.iter().find(|subject| !standing.iter().any(|(digest, _)| digest == *subject));
        match missing {
            Some(digest) => Err(Error::NotPromoted { repository: repository.clone(), digest: *digest }),
            None => Ok(()),
        }
    }
}

/// The refusal of all that would change an environment otherwise.
pub(crate) fn promoted_only(repository: &RepositoryName, environment: &EnvironmentName) -> Error {
    Error::PromotedOnly { repository: repository.clone(), environment: environment.clone() }
}
