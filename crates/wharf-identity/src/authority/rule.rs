//! Who may do what in management. Pure: the two tables that it is decided by.

use crate::access::rule::{Mode, Standing, may_create_projects, reads_everything};
use crate::account::Account;
use crate::role::{Role, SystemRole};

/// What may be done in the whole system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemRight {
    CreateProjects,
    SeeUsers,
    ManageUsers,
    SeeGroups,
    ManageGroups,
    SeeKeys,
    RotateKeys,
    ReadAudit,
    Inspect,
    Maintain,
}

impl SystemRight {
    #[cfg(test)]
    const ALL: [Self; 10] = [
        Self::CreateProjects,
        Self::SeeUsers,
        Self::ManageUsers,
        Self::SeeGroups,
        Self::ManageGroups,
        Self::SeeKeys,
        Self::RotateKeys,
        Self::ReadAudit,
        Self::Inspect,
        Self::Maintain,
    ];

    /// Completes "you may not …".
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::CreateProjects => "create projects",
            Self::SeeUsers => "see other users",
            Self::ManageUsers => "change users",
            Self::SeeGroups => "see groups",
            Self::ManageGroups => "change groups",
            Self::SeeKeys => "see keys",
            Self::RotateKeys => "rotate keys",
            Self::ReadAudit => "read the audit log",
            Self::Inspect => "see what concerns the whole registry",
            Self::Maintain => "look after the whole registry",
        }
    }

    fn only_reads(self) -> bool {
        match self {
            Self::SeeUsers | Self::SeeGroups | Self::SeeKeys | Self::ReadAudit | Self::Inspect => true,
            Self::CreateProjects | Self::ManageUsers | Self::ManageGroups | Self::RotateKeys | Self::Maintain => false,
        }
    }
}

/// What may be done with one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProjectRight {
    See,
    SeeMembers,
    SeeRobots,
    SeeQuota,
    SeeContent,
    ManageMembers,
    ManageRobots,
    ChangeSettings,
    Delete,
}

impl ProjectRight {
    #[cfg(test)]
    const ALL: [Self; 9] = [
        Self::See,
        Self::SeeMembers,
        Self::SeeRobots,
        Self::SeeQuota,
        Self::SeeContent,
        Self::ManageMembers,
        Self::ManageRobots,
        Self::ChangeSettings,
        Self::Delete,
    ];

    /// Completes "you may not …".
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::See => "see this project",
            Self::SeeMembers => "see the members of this project",
            Self::SeeRobots => "see the robots of this project",
            Self::SeeQuota => "see the quota of this project",
            Self::SeeContent => "see what all repositories of this project hold and what was deleted there",
            Self::ManageMembers => "change the members of this project",
            Self::ManageRobots => "change the robots of this project",
            Self::ChangeSettings => "change the settings of this project",
            Self::Delete => "delete this project",
        }
    }

    fn only_reads(self) -> bool {
        match self {
            Self::See | Self::SeeMembers | Self::SeeRobots | Self::SeeQuota | Self::SeeContent => true,
            Self::ManageMembers | Self::ManageRobots | Self::ChangeSettings | Self::Delete => false,
        }
    }

    /// The least role that has it.
    fn role(self) -> Role {
        match self {
            Self::See | Self::SeeMembers | Self::SeeQuota => Role::Guest,
            Self::SeeContent => Role::Maintainer,
            Self::SeeRobots | Self::ManageMembers | Self::ManageRobots | Self::ChangeSettings | Self::Delete => {
                Role::Owner
            }
        }
    }
}

pub(crate) fn in_system(account: &Account, mode: Mode, right: SystemRight) -> bool {
    if right == SystemRight::CreateProjects {
        return may_create_projects(account, mode);
    }
    is_administrator(account) || (reads_everything(account) && right.only_reads())
}

pub(crate) fn in_project(account: &Account, standing: &Standing, mode: Mode, right: ProjectRight) -> bool {
    if is_administrator(account) {
        return true;
    }
    if reads_everything(account) {
        return right.only_reads();
    }
    let is_robot_of_it = match account {
        Account::Robot(robot) => robot.project == standing.project,
        Account::Anonymous | Account::User(_) | Account::System => false,
    };
    let is_seen = standing.is_public || mode == Mode::Open || is_robot_of_it || !standing.assigned.is_empty();
    (right == ProjectRight::See && is_seen) || standing.role().is_some_and(|role| role >= right.role())
}

/// Whether `account` may do everything.
pub(crate) fn is_administrator(account: &Account) -> bool {
    match account {
        Account::System => true,
        Account::User(user) => user.system_role == Some(SystemRole::Administrator),
        Account::Anonymous | Account::Robot(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use wharf_context::{Permissions, ProjectId};

    use super::*;
    use crate::access::rule::Membership;
    use crate::account::{RobotAccount, UserAccount};

    const PROJECT: ProjectId = ProjectId(7);

    fn user(system_role: Option<SystemRole>) -> Account {
        Account::User(UserAccount { id: 1, name: "u".parse().expect("valid"), system_role, revision: 1 })
    }

    fn robot() -> Account {
        Account::Robot(RobotAccount {
            id: 1,
            project: PROJECT,
            project_name: "app".parse().expect("valid"),
            name: "ci".parse().expect("valid"),
            permissions: Permissions::ALL,
            repositories: Vec::new(),
            revision: 1,
        })
    }

    fn rights_in_project(account: &Account, standing: Standing, mode: Mode) -> Vec<ProjectRight> {
        ProjectRight::ALL.into_iter().filter(|right| in_project(account, &standing, mode, *right)).collect()
    }

    #[test]
    fn who_may_manage_a_project() {
        use ProjectRight::{See, SeeContent, SeeMembers, SeeQuota, SeeRobots};
        let standing = |is_public, role: Option<Role>| Standing {
            project: PROJECT,
            is_public,
            memberships: role.into_iter().map(|role| Membership { role, group: None }).collect(),
            assigned: Vec::new(),
            reservations: Vec::new(),
        };
        let (private, public) = (standing(false, None), standing(true, None));
        let member = |role| standing(false, Some(role));
        #[rustfmt::skip]
        let table: [(&str, Account, Standing, &[ProjectRight]); 12] = [
            ("anonymous, private", Account::Anonymous                    , private.clone()         , &[]),
            ("anonymous, public" , Account::Anonymous                    , public.clone()          , &[See]),
            ("user, private"     , user(None)                            , private.clone()         , &[]),
            ("user, public"      , user(None)                            , public                  , &[See]),
            ("guest"             , user(None)                            , member(Role::Guest)     , &[See, SeeMembers, SeeQuota]),
            ("developer"         , user(None)                            , member(Role::Developer) , &[See, SeeMembers, SeeQuota]),
            ("maintainer"        , user(None)                            , member(Role::Maintainer), &[See, SeeMembers, SeeQuota, SeeContent]),
            ("owner"             , user(None)                            , member(Role::Owner)     , &ProjectRight::ALL),
            ("administrator"     , user(Some(SystemRole::Administrator)) , private.clone()         , &ProjectRight::ALL),
            ("auditor"           , user(Some(SystemRole::Auditor))       , private.clone()         , &[See, SeeMembers, SeeRobots, SeeQuota, SeeContent]),
            ("auditor and owner" , user(Some(SystemRole::Auditor))       , member(Role::Owner)     , &[See, SeeMembers, SeeRobots, SeeQuota, SeeContent]),
            ("robot of it"       , robot()                               , private.clone()         , &[See]),
        ];
        for (who, account, standing, wanted) in table {
            assert_eq!(rights_in_project(&account, standing, Mode::Closed), wanted, "{who}");
        }
        assert_eq!(rights_in_project(&Account::Anonymous, private.clone(), Mode::Open), [See]);
        assert_eq!(rights_in_project(&Account::System, private, Mode::Closed), ProjectRight::ALL);
    }

    #[test]
    fn who_may_manage_the_system() {
        use SystemRight::{CreateProjects, Inspect, ReadAudit, SeeGroups, SeeKeys, SeeUsers};
        let table: [(&str, Account, Mode, &[SystemRight]); 8] = [
            ("anonymous", Account::Anonymous, Mode::Closed, &[]),
            ("anonymous, open", Account::Anonymous, Mode::Open, &[CreateProjects]),
            ("user", user(None), Mode::Closed, &[]),
            ("user, open", user(None), Mode::Open, &[CreateProjects]),
            ("robot", robot(), Mode::Closed, &[]),
            ("administrator", user(Some(SystemRole::Administrator)), Mode::Closed, &SystemRight::ALL),
            ("system", Account::System, Mode::Closed, &SystemRight::ALL),
            (
                "auditor",
                user(Some(SystemRole::Auditor)),
                Mode::Open,
                &[SeeUsers, SeeGroups, SeeKeys, ReadAudit, Inspect],
            ),
        ];
        for (who, account, mode, wanted) in table {
            let rights: Vec<_> =
                SystemRight::ALL.into_iter().filter(|right| in_system(&account, mode, *right)).collect();
            assert_eq!(rights, wanted, "{who}");
        }
    }
}
