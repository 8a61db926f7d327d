//! Warrants: the proof, for other parts, that a caller may do something in a project beside pushing and pulling.
//!
//! Which built-in role may what is [`rule`]'s table; custom roles and their limits count by the one judgement of
//! `access::rule`. What the action does is the business of the part that asks for the warrant.

pub(crate) mod rule;

use wharf_context::{Act, Context, Power, Warrant};
use wharf_db::{Reading, Tx};
use wharf_oci::{EnvironmentName, ProjectName, RepositoryName};

use crate::access::rule::{Holdings, Subject};
use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;

/// What an action is about within a project. A role that is limited to repositories or environments does not count where
/// none is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// The repository, by its name in development.
    pub repository: Option<&'a RepositoryName>,
    /// The environment; development counts as one.
    pub environment: Option<&'a EnvironmentName>,
}

impl Identity {
    /// The proof that the caller may do `A` in a project as a whole. A project that the caller may not see does not exist.
    pub async fn warrant<A: Act>(&self, ctx: &Context, project: &ProjectName) -> Result<Warrant<A>, Error> {
        self.warrant_for(ctx, project, Scope::default()).await
    }

    /// The same for a repository, an environment, or both.
    pub async fn warrant_for<A: Act>(
        &self,
        ctx: &Context,
        project: &ProjectName,
        scope: Scope<'_>,
    ) -> Result<Warrant<A>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        self.issue(&self.db, &authority, (project, scope)).await
    }

    /// The same in the transaction that acts on it, so that nothing changes between the check and the write.
    pub async fn warrant_in<A: Act>(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (project, scope): (&ProjectName, Scope<'_>),
    ) -> Result<Warrant<A>, Error> {
        let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
        self.issue(tx, &authority, (project, scope)).await
    }

    async fn issue<A: Act>(
        &self,
        from: impl Reading,
        authority: &Authority,
        (project, scope): (&ProjectName, Scope<'_>),
    ) -> Result<Warrant<A>, Error> {
        let standing = authority.project(from, project, ProjectRight::See).await?;
        let development = self.settings.environments.development();
        let subject = Subject {
            repository: scope.repository,
            environment: scope.environment,
            is_promoted: scope.environment.is_some_and(|name| name != development),
            tag: None,
        };
        let holdings = Holdings::of(&authority.account, Some(&standing), self.mode());
        if !holdings.judge(Power::Governance(A::ACTION), &subject).is_given() {
            return Err(authority.refusal(A::ACTION.what()));
        }
        Ok(Warrant::granted(standing.project, project.clone()))
    }
}
