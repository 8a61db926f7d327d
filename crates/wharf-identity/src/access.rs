//! Access: which grants a request gets on the repositories that it is about.
//!
//! With a password the grants come from the caller's roles of this moment; with a bearer token they stand in the token,
//! and no SQL is run. Governance asks for warrants (`warrant`). The decision itself is `access::rule`;
//! `access::why` tells it.

pub(crate) mod entitlement;
pub(crate) mod rule;
pub(crate) mod store;
mod why;

use std::net::IpAddr;

use wharf_context::{
    Context, Grant, Grants, Permission, Permissions, ProjectId, Reach, RequestId, TagLimit, Visibility,
};
use wharf_oci::{EnvironmentName, RepositoryName};

pub use self::entitlement::Limits;
use self::rule::{Holdings, Sight, Subject};
pub use self::why::{Explanation, Question};
use crate::account::Account;
use crate::authority::Authority;
use crate::error::Error;
use crate::identity::Identity;
use crate::login::Credentials;
use crate::token::claims::Claims;

/// No project has this number. A caller who may read whatever there is gets it where there is nothing: their requests
/// then find nothing, instead of being asked to log in.
const NOWHERE: ProjectId = ProjectId(0);

/// A repository that a request is about, and what the request means to do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The repository.
    pub repository: RepositoryName,
    /// What the request needs. With [`Permission::Push`], a project that does not exist is created for callers who may.
    pub permissions: Permissions,
}

impl Identity {
    /// The context of one request: who sends it, and what they may do with the repositories it is about.
    pub async fn context(
        &self,
        credentials: &Credentials,
        request_id: RequestId,
        remote: Option<IpAddr>,
        wanted: &[Wanted],
    ) -> Result<Context, Error> {
        let account = match credentials {
            Credentials::Anonymous => Account::Anonymous,
            Credentials::Basic { username, password } => self.log_in(username, password, (request_id, remote)).await?,
            Credentials::Bearer(token) => {
                let claims = self.verify_token(token).await;
                let claims = claims.inspect_err(|error| self.note_refused_token(error, (request_id, remote)))?;
                return self.bearer_context(&claims, request_id, remote, wanted).await;
            }
            Credentials::RefreshToken(_) => return Err(Error::BadCredentials),
        };
        let ctx = Context::new(account.caller(), request_id, remote, Grants::default());
        self.granted(ctx, &account, wanted).await
    }

    /// The context of a management request that is about content: what the caller may do with these repositories now.
    pub async fn content_context(&self, ctx: &Context, wanted: &[Wanted]) -> Result<Context, Error> {
        let account = Authority::manage(&self.db, ctx, self.mode()).await?.account;
        self.granted(ctx.clone(), &account, wanted).await
    }

    /// The context with what `account` holds at this moment.
    async fn granted(&self, mut ctx: Context, account: &Account, wanted: &[Wanted]) -> Result<Context, Error> {
        let mut grants = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let held = self.held(account, &wanted.repository).await?;
            let grant = Grant {
                repository: wanted.repository.clone(),
                project: held.project,
                granted: held.permissions,
                refused: Permissions::ALL.difference(held.permissions),
            };
            grants.push(self.settle(&ctx, grant, wanted.permissions).await?);
            ctx = ctx.limited_to_tags(&wanted.repository, held.tags);
        }
        Ok(ctx.with_grants(Grants(grants)))
    }

    /// Which projects' repositories the caller may list.
    pub async fn visibility(&self, ctx: &Context) -> Result<Visibility, Error> {
        if !ctx.reach().catalog {
            return Err(Error::InsufficientScope { scope: "registry:catalog:*" });
        }
        let account = Authority::load(&self.db, ctx, self.mode()).await?.account;
        match rule::visibility(&account, self.mode()) {
            Sight::Decided(visibility) => Ok(visibility),
            Sight::PublicAnd(own) => {
                let mut projects = store::visible_projects(&self.db, &account).await?;
                projects.extend(own);
                Ok(Visibility::Projects(projects))
            }
        }
    }

    /// Which projects' blobs the caller may mount without naming a repository: those that it may list, but for those of
    /// which some repositories are reserved. From these it mounts by naming the one that it may pull from.
    pub async fn mountable(&self, ctx: &Context) -> Result<Visibility, Error> {
        let visible = self.visibility(&ctx.clone().with_reach(Reach::FULL)).await?;
        let reserved = store::with_reservations(&self.db).await?;
        Ok(match visible {
            Visibility::Projects(projects) => {
                Visibility::Projects(projects.into_iter().filter(|project| !reserved.contains(project)).collect())
            }
            Visibility::All => Visibility::All,
        })
    }

    /// What `account` holds on a repository's content at this moment.
    pub(crate) async fn held(&self, account: &Account, repository: &RepositoryName) -> Result<Held, Error> {
        let project = self.settings.environments.project(repository);
        let standing = store::standing(&self.db, &project, account).await?;
        let holdings = Holdings::of(account, standing.as_ref(), self.mode());
        let view = self.view(repository);
        let subject = view.subject();
        Ok(Held {
            project: standing.map(|standing| standing.project),
            permissions: holdings.content(&subject),
            tags: holdings.tag_limits(&subject),
        })
    }

    /// A repository as rules see it.
    pub(crate) fn view(&self, repository: &RepositoryName) -> View {
        let environments = &self.settings.environments;
        let (environment, development) = environments.split(repository);
        let is_promoted = environment.is_some();
        let environment = environment.unwrap_or_else(|| environments.development().clone());
        View { repository: development, environment, is_promoted }
    }

    async fn bearer_context(
        &self,
        claims: &Claims,
        request_id: RequestId,
        remote: Option<IpAddr>,
        wanted: &[Wanted],
    ) -> Result<Context, Error> {
        let ctx = Context::new(claims.caller()?, request_id, remote, Grants::default());
        let mut grants = claims.grants()?;
        for wanted in wanted {
            if let Some(grant) = grants.iter_mut().find(|grant| grant.repository == wanted.repository) {
                *grant = self.settle(&ctx, grant.clone(), wanted.permissions).await?;
            }
        }
        let ctx = claims.tag_limits()?.into_iter().fold(ctx, |ctx, (name, limits)| ctx.limited_to_tags(&name, limits));
        let reach = Reach { catalog: claims.covers_catalog(), management: claims.covers_management() };
        Ok(ctx.with_grants(Grants(grants)).with_reach(reach))
    }

    /// Gives a grant its project. Something granted without a project was granted to a caller who may create it (or who
    /// reads everything); it may exist by now, and a push makes it.
    async fn settle(&self, ctx: &Context, grant: Grant, wanted: Permissions) -> Result<Grant, Error> {
        if grant.project.is_some() || grant.granted.is_empty() {
            return Ok(grant);
        }
        let name = self.settings.environments.project(&grant.repository);
        if wanted.contains(Permission::Push) && grant.granted.contains(Permission::Push) {
            return Ok(Grant { project: Some(self.open_project(ctx, &name).await?), ..grant });
        }
        match store::standing(&self.db, &name, &Account::Anonymous).await? {
            Some(standing) => Ok(Grant { project: Some(standing.project), ..grant }),
            None => Ok(nowhere(grant)),
        }
    }
}

/// What somebody holds on a repository's content.
#[derive(Debug)]
pub(crate) struct Held {
    /// Its project; `None` where there is none.
    pub(crate) project: Option<ProjectId>,
    pub(crate) permissions: Permissions,
    pub(crate) tags: Vec<TagLimit>,
}

/// A repository, and the environment of which it is asked for.
#[derive(Debug)]
pub(crate) struct View {
    /// Its name in development.
    repository: RepositoryName,
    environment: EnvironmentName,
    is_promoted: bool,
}

impl View {
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            repository: Some(&self.repository),
            environment: Some(&self.environment),
            is_promoted: self.is_promoted,
            tag: None,
        }
    }
}

/// What may be done with nothing: look for it, and delete it.
fn nowhere(grant: Grant) -> Grant {
    let harmless = Permissions::of(&[Permission::Pull, Permission::Delete]);
    let rest = grant.granted.difference(harmless);
    Grant {
        project: Some(NOWHERE),
        granted: grant.granted.intersection(harmless),
        refused: grant.refused.union(rest),
        ..grant
    }
}
