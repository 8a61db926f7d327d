//! One request: who asks, with which grants, under which id.

use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;
use wharf_oci::{RepositoryName, Tag};

use crate::caller::Caller;
use crate::grant::{Grants, TagLimit};
use crate::permission::{Permission, Right};
use crate::permit::{AuthorizeError, Permit};

/// The id of a request: stands in every log line, error and audit row that it causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// A new id, ordered by time.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// How much of a caller's rights the credential of a request carries, beside its grants on repositories.
///
/// A registry token is handed to tools that only push and pull; whoever holds it must not be able to change members or
/// passwords with it, unless it was issued for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether the list of repositories may be asked for.
    pub catalog: bool,
    /// Whether management may be asked for anything.
    pub management: bool,
}

impl Reach {
    /// All that the caller may do: the caller showed their own password or secret, or is Wharf itself.
    pub const FULL: Self = Self { catalog: true, management: true };
}

/// One request's caller, grants and id. Cheap to make, one per request.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who asks.
    pub caller: Caller,
    /// Under which id.
    pub request_id: RequestId,
    /// From which address, where it came over a network.
    pub remote: Option<IpAddr>,
    grants: Grants,
    /// Permissions that are for some tags only.
    tags: Vec<(RepositoryName, TagLimit)>,
    reach: Reach,
}

impl Context {
    /// The context of one request. `grants` come from identity; nobody else can tell what a caller may do.
    pub fn new(caller: Caller, request_id: RequestId, remote: Option<IpAddr>, grants: Grants) -> Self {
        Self { caller, request_id, remote, grants, tags: Vec::new(), reach: Reach::FULL }
    }

    /// The same context, with no more than `reach` of the caller's rights.
    #[must_use]
    pub fn with_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The same context with other grants.
    #[must_use]
    pub fn with_grants(self, grants: Grants) -> Self {
        Self { grants, ..self }
    }

    /// How much of the caller's rights this request carries.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The same context, in which some of what is granted on a repository is for some tags only.
    #[must_use]
    pub fn limited_to_tags(mut self, repository: &RepositoryName, limits: Vec<TagLimit>) -> Self {
        self.tags.extend(limits.into_iter().map(|limit| (repository.clone(), limit)));
        self
    }

    /// Whether a permission on a repository is granted, for whatever tags.
    pub fn holds(&self, repository: &RepositoryName, permission: Permission) -> bool {
        self.grants.get(repository).is_some_and(|grant| grant.granted.contains(permission))
    }

    /// Whether a permission on a repository is granted and covers a tag.
    pub fn covers_tag(&self, repository: &RepositoryName, permission: Permission, tag: &Tag) -> bool {
        let mut limits = self.tag_limits(repository).filter(|limit| limit.permission == permission);
        self.holds(repository, permission) && limits.all(|limit| limit.covers(tag))
    }

    /// Whether a permission on a repository is for some tags only.
    pub fn limits_tags(&self, repository: &RepositoryName, permission: Permission) -> bool {
        self.tag_limits(repository).any(|limit| limit.permission == permission)
    }

    /// What of the grants on a repository is for some tags only.
    pub fn tag_limits(&self, repository: &RepositoryName) -> impl Iterator<Item = &TagLimit> {
        self.tags.iter().filter(move |(name, _)| name == repository).map(|(_, limit)| limit)
    }

    /// Checks one right on one repository. What the caller may not read does not exist.
    pub fn authorize<R: Right>(&self, repository: &RepositoryName) -> Result<Permit<R>, AuthorizeError> {
        let grant = self.grants.get(repository);
        if let Some(grant) = grant
            && let Some(project) = grant.project
            && grant.granted.contains(R::PERMISSION)
        {
            return Ok(Permit::new(project, repository.clone()));
        }
        if self.caller.is_anonymous() {
            return Err(AuthorizeError::Unauthenticated(repository.clone()));
        }
        match grant {
            Some(grant) if grant.refused.contains(R::PERMISSION) && grant.granted.contains(Permission::Pull) => {
                Err(AuthorizeError::Denied { repository: repository.clone(), action: R::PERMISSION.name() })
            }
            Some(grant) if grant.refused.contains(R::PERMISSION) => Err(AuthorizeError::NotFound(repository.clone())),
            Some(_) | None => Err(AuthorizeError::InsufficientScope(repository.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::CallerId;
    use crate::grant::Grant;
    use crate::permission::{Delete, Permissions, Pull, Push};
    use crate::permit::ProjectId;

    fn context(caller: Caller, granted: &[Permission], refused: &[Permission]) -> (Context, RepositoryName) {
        let repository: RepositoryName = "p/app".parse().expect("valid");
        let grant = Grant {
            repository: repository.clone(),
            project: Some(ProjectId(7)),
            granted: Permissions::of(granted),
            refused: Permissions::of(refused),
        };
        (Context::new(caller, RequestId::generate(), None, Grants(vec![grant])), repository)
    }

    fn user() -> Caller {
        Caller { id: CallerId::User(1), name: "u".to_owned() }
    }

    #[test]
    fn a_granted_right_gives_a_permit_for_that_project() {
        let (ctx, repository) = context(user(), &[Permission::Pull], &[]);
        let permit = ctx.authorize::<Pull>(&repository).expect("granted");
        assert_eq!((permit.project(), permit.repository()), (ProjectId(7), &repository));
    }

    #[test]
    fn what_may_not_be_read_does_not_exist() {
        let (ctx, repository) = context(user(), &[], &[Permission::Pull, Permission::Push]);
        assert!(matches!(ctx.authorize::<Push>(&repository), Err(AuthorizeError::NotFound(_))));
        let (ctx, repository) = context(user(), &[Permission::Pull], &[Permission::Push]);
        assert!(matches!(ctx.authorize::<Push>(&repository), Err(AuthorizeError::Denied { action: "push", .. })));
    }

    #[test]
    fn what_a_token_was_not_asked_for_asks_for_another_token() {
        let (ctx, repository) = context(user(), &[Permission::Pull], &[]);
        assert!(matches!(ctx.authorize::<Delete>(&repository), Err(AuthorizeError::InsufficientScope(_))));
        let other: RepositoryName = "p/other".parse().expect("valid");
        assert!(matches!(ctx.authorize::<Pull>(&other), Err(AuthorizeError::InsufficientScope(_))));
    }

    #[test]
    fn a_permission_may_be_for_some_tags_only() {
        let (ctx, repository) = context(user(), &[Permission::Push, Permission::Delete], &[]);
        let limit = TagLimit { permission: Permission::Push, patterns: vec!["1.*".parse().expect("valid")] };
        let ctx = ctx.limited_to_tags(&repository, vec![limit]);
        let covers = |permission, tag: &str| ctx.covers_tag(&repository, permission, &tag.parse().expect("valid"));
        assert!(covers(Permission::Push, "1.2") && !covers(Permission::Push, "2.0"));
        assert!(covers(Permission::Delete, "2.0") && !covers(Permission::Overwrite, "1.2"));
        assert!(ctx.limits_tags(&repository, Permission::Push) && !ctx.limits_tags(&repository, Permission::Delete));
    }

    #[test]
    fn anonymous_callers_are_asked_to_log_in() {
        let (ctx, repository) = context(Caller::anonymous(), &[Permission::Pull], &[Permission::Push]);
        assert!(ctx.authorize::<Pull>(&repository).is_ok());
        assert!(matches!(ctx.authorize::<Push>(&repository), Err(AuthorizeError::Unauthenticated(_))));
    }
}
