//! Who may do what. Pure: from what somebody is, entitlements follow; by these, each permission is judged. The same
//! judgement decides and explains.

use wharf_context::{Action, Permission, Permissions, Power, Powers, ProjectId, TagLimit, Visibility};
use wharf_oci::{EnvironmentName, RepositoryName, RepositoryPattern, Tag, TagPattern};

use super::entitlement::{Entitlement, Limits, Via};
use crate::account::Account;
use crate::name::GroupName;
use crate::role::{Role, RoleName, SystemRole};
use crate::warrant::rule::robot_powers;

/// A project as one caller meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) project: ProjectId,
    pub(crate) is_public: bool,
    /// The built-in roles that the caller has by themselves or through groups.
    pub(crate) memberships: Vec<Membership>,
    /// The roles that the caller was given within limits.
    pub(crate) assigned: Vec<Assigned>,
    /// Which repositories only some role pulls.
    pub(crate) reservations: Vec<Reserved>,
}

/// A built-in role in the whole project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) role: Role,
    /// The group that brings it.
    pub(crate) group: Option<GroupName>,
}

/// A role within limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) role: RoleName,
    pub(crate) powers: Powers,
    pub(crate) limits: Limits,
    pub(crate) group: Option<GroupName>,
}

/// Repositories that only members of a role pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) pattern: RepositoryPattern,
    pub(crate) role: RoleName,
}

impl Standing {
    /// What the roles give.
    fn given(&self) -> Vec<Entitlement> {
        let members = self.memberships.iter().map(|Membership { role, group }| Entitlement {
            via: Via::Assigned { role: (*role).into(), group: group.clone() },
            powers: role.powers(),
            limits: Limits::default(),
        });
        let assigned = self.assigned.iter().map(|assigned| Entitlement {
            via: Via::Assigned { role: assigned.role.clone(), group: assigned.group.clone() },
            powers: assigned.powers,
            limits: assigned.limits.clone(),
        });
        members.chain(assigned).collect()
    }

    /// The greatest built-in role in the whole project.
    pub(crate) fn role(&self) -> Option<Role> {
        self.memberships.iter().map(|membership| membership.role).max()
    }
}

/// Whether this is a registry without log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Closed,
    Open,
}

/// What a permission is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// By its name in development; none where it is the project as a whole.
    pub(crate) repository: Option<&'a RepositoryName>,
    /// The environment; development counts as one.
    pub(crate) environment: Option<&'a EnvironmentName>,
    /// Whether that is a promoted one, where content is changed by promotion alone.
    pub(crate) is_promoted: bool,
    pub(crate) tag: Option<&'a Tag>,
}

/// Why an entitlement that has a permission does not cover what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It is for other repositories.
    Repository,
    /// It is for other environments.
    Environment,
    /// It is for other tags.
    Tag,
    /// Only members of this role pull there.
    Reserved(RoleName),
}

/// What was decided about one permission, and by what.
#[derive(Debug, Default)]
pub(crate) struct Judgement<'e> {
    /// What gives it; nothing where it is not given.
    pub(crate) by: Vec<&'e Entitlement>,
    /// What would give it elsewhere.
    pub(crate) withheld: Vec<(&'e Entitlement, Obstacle)>,
}

impl Judgement<'_> {
    pub(crate) fn is_given(&self) -> bool {
        !self.by.is_empty()
    }
}

/// What a caller holds in a project, and for what reasons.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    entitlements: Vec<Entitlement>,
    reservations: Vec<Reserved>,
    is_there: bool,
}

impl Holdings {
    /// `standing` is `None` where the project does not exist: then it is what a caller who may create the project could do
    /// in it.
    pub(crate) fn of(account: &Account, standing: Option<&Standing>, mode: Mode) -> Self {
        let Some(standing) = standing else {
            let whole = |via, permissions| {
                vec![Entitlement { via, powers: Powers::content(permissions), limits: Limits::default() }]
            };
            let entitlements = match (may_create_projects(account, mode), reads_everything(account)) {
                (true, _) => whole(Via::Founder, Permissions::ALL),
                (false, true) => whole(Via::System(SystemRole::Auditor), Permissions::of(&[Permission::Pull])),
                (false, false) => Vec::new(),
            };
            return Self { entitlements, ..Self::default() };
        };
        let reservations = standing.reservations.clone();
        Self { entitlements: entitlements(account, standing, mode), reservations, is_there: true }
    }

    /// Judges one power: by every entitlement that has it, within its limits.
    pub(crate) fn judge(&self, power: Power, subject: &Subject<'_>) -> Judgement<'_> {
        let mut judgement = Judgement::default();
        let Some(needed) = self.needed(power, subject) else { return judgement };
        for entitlement in self.entitlements.iter().filter(|entitlement| entitlement.powers.contains(needed)) {
            match self.obstacle(entitlement, power, subject) {
                Some(obstacle) => judgement.withheld.push((entitlement, obstacle)),
                None => judgement.by.push(entitlement),
            }
        }
        judgement
    }

    /// What is needed for a power there. What stands in a promoted environment is changed by promotion alone; who may
    /// attach pushes for it, and the registry lets nothing else through. Nobody makes a project by pushing there.
    fn needed(&self, power: Power, subject: &Subject<'_>) -> Option<Power> {
        match power {
            Power::Content(permission) if subject.is_promoted => match permission {
                Permission::Pull => Some(power),
                Permission::Push | Permission::Attach => self.is_there.then_some(Power::Content(Permission::Attach)),
                Permission::Overwrite | Permission::Delete => None,
            },
            Power::Content(_) | Power::Governance(_) => Some(power),
        }
    }

    fn obstacle(&self, entitlement: &Entitlement, power: Power, subject: &Subject<'_>) -> Option<Obstacle> {
        let Limits { repositories, environments, tags } = &entitlement.limits;
        let is_meant = |name: &RepositoryName| repositories.iter().any(|pattern| pattern.matches(name));
        if !repositories.is_empty() && !subject.repository.is_some_and(is_meant) {
            return Some(Obstacle::Repository);
        }
        if !environments.is_empty() && !subject.environment.is_some_and(|name| environments.contains(name)) {
            return Some(Obstacle::Environment);
        }
        let is_tagged = |tag: &Tag| tags.iter().any(|pattern| pattern.matches(tag));
        if limits_tags(power, subject) && !tags.is_empty() && !subject.tag.is_none_or(is_tagged) {
            return Some(Obstacle::Tag);
        }
        if power == Power::Content(Permission::Pull) {
            return self.reservation(entitlement, subject).map(|reserved| Obstacle::Reserved(reserved.role.clone()));
        }
        None
    }

    /// The reservation that keeps an entitlement from pulling: one of another role, where none is of its own. Who reads or
    /// may do everything in the whole system is not kept.
    fn reservation(&self, entitlement: &Entitlement, subject: &Subject<'_>) -> Option<&Reserved> {
        let repository = subject.repository?;
        let mut meant = self.reservations.iter().filter(|reserved| reserved.pattern.matches(repository));
        let first = meant.clone().next()?;
        let is_free = matches!(entitlement.via, Via::Wharf | Via::System(_));
        let is_own = meant.any(|reserved| entitlement.via.role() == Some(&reserved.role));
        (!is_free && !is_own).then_some(first)
    }

    /// What of the content is held.
    pub(crate) fn content(&self, subject: &Subject<'_>) -> Permissions {
        let given = |permission: &Permission| self.judge(Power::Content(*permission), subject).is_given();
        Permissions::of(&Permission::ALL.into_iter().filter(given).collect::<Vec<_>>())
    }

    /// The tags that content permissions are limited to, where nothing gives them for all.
    pub(crate) fn tag_limits(&self, subject: &Subject<'_>) -> Vec<TagLimit> {
        let limit = |permission: Permission| {
            let judgement = self.judge(Power::Content(permission), subject);
            let is_limited = judgement.is_given() && judgement.by.iter().all(|by| !by.limits.tags.is_empty());
            let patterns: Vec<TagPattern> = judgement.by.iter().flat_map(|by| by.limits.tags.clone()).collect();
            let counts = limits_tags(Power::Content(permission), subject);
            (is_limited && counts).then_some(TagLimit { permission, patterns })
        };
        Permission::ALL.into_iter().filter_map(limit).collect()
    }
}

/// Whether tag patterns count: for what changes tags in development. Reading a tag is reading its manifest, which has no
/// tag; attachments have tags of their own.
fn limits_tags(power: Power, subject: &Subject<'_>) -> bool {
    match power {
        Power::Content(Permission::Push | Permission::Overwrite | Permission::Delete) => !subject.is_promoted,
        Power::Content(Permission::Pull | Permission::Attach) | Power::Governance(_) => false,
    }
}

/// All reasons why `account` may do anything in a project that is there.
fn entitlements(account: &Account, standing: &Standing, mode: Mode) -> Vec<Entitlement> {
    let whole = |via, powers| Entitlement { via, powers, limits: Limits::default() };
    let mut entitlements = match account {
        Account::System => return vec![whole(Via::Wharf, Powers::all())],
        Account::User(user) => match user.system_role {
            Some(role @ SystemRole::Administrator) => return vec![whole(Via::System(role), Powers::all())],
            // An auditor changes nothing, whatever else they are.
            Some(role @ SystemRole::Auditor) => return vec![whole(Via::System(role), reading())],
            None => standing.given(),
        },
        Account::Robot(robot) if robot.project == standing.project => {
            let limits = Limits { repositories: robot.repositories.clone(), ..Limits::default() };
            let own = Entitlement { via: Via::Robot, powers: robot_powers(robot.permissions), limits };
            std::iter::once(own).chain(standing.given()).collect()
        }
        Account::Robot(_) | Account::Anonymous => Vec::new(),
    };
    entitlements.extend(match (mode, standing.is_public) {
        (Mode::Open, _) => Some(whole(Via::Open, Powers::content(Permissions::ALL))),
        (Mode::Closed, true) => Some(whole(Via::Public, Powers::content(Permissions::of(&[Permission::Pull])))),
        (Mode::Closed, false) => None,
    });
    entitlements
}

/// What an auditor may.
fn reading() -> Powers {
    [Power::Content(Permission::Pull), Power::Governance(Action::SeeGovernance)].into_iter().collect()
}

/// Whether `account` may create projects, also by pushing into one that does not exist.
pub(crate) fn may_create_projects(account: &Account, mode: Mode) -> bool {
    match account {
        Account::System => true,
        Account::User(user) => match user.system_role {
            Some(SystemRole::Administrator) => true,
            Some(SystemRole::Auditor) => false,
            None => mode == Mode::Open,
        },
        Account::Robot(_) | Account::Anonymous => mode == Mode::Open,
    }
}

/// Whether `account` sees all projects.
pub(crate) fn reads_everything(account: &Account) -> bool {
    match account {
        Account::System => true,
        Account::User(user) => user.system_role.is_some(),
        Account::Robot(_) | Account::Anonymous => false,
    }
}

/// Whose repositories' names `account` may list, beside public projects and those it is a member of.
pub(crate) fn visibility(account: &Account, mode: Mode) -> Sight {
    if mode == Mode::Open || reads_everything(account) {
        return Sight::Decided(Visibility::All);
    }
    match account {
        // The list knows projects only. A robot for some repositories must not learn the names of the others.
        Account::Robot(robot) if robot.repositories.is_empty() && robot.permissions.contains(Permission::Pull) => {
            Sight::PublicAnd(Some(robot.project))
        }
        Account::Robot(_) | Account::Anonymous | Account::User(_) | Account::System => Sight::PublicAnd(None),
    }
}

/// What [`visibility`] decided, and what is left to ask the catalog.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    Decided(Visibility),
    /// Public projects, those the caller is a member of, and this one.
    PublicAnd(Option<ProjectId>),
}

#[cfg(test)]
mod tests;
