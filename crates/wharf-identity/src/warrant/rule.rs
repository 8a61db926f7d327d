//! Who may do what in a project beside pushing and pulling. Pure: the one table that it is decided by.

use wharf_context::{Action, Permission};

use crate::access::rule::{Standing, reads_everything};
use crate::account::Account;
use crate::authority::rule::is_administrator;
use crate::role::Role;

/// Whether `account` may do `action` in the project that `standing` is about.
pub(crate) fn may(account: &Account, standing: &Standing, action: Action) -> bool {
    if is_administrator(account) {
        return true;
    }
    if reads_everything(account) {
        return action == Action::SeeGovernance;
    }
    match account {
        Account::Robot(robot) => {
            let needed = permission(action).is_some_and(|permission| robot.permissions.contains(permission));
            robot.project == standing.project && needed
        }
        Account::Anonymous | Account::User(_) | Account::System => {
            standing.role.is_some_and(|role| role >= least_role(action))
        }
    }
}

/// The least role that has it.
fn least_role(action: Action) -> Role {
    match action {
        Action::SeeGovernance => Role::Guest,
        Action::RequestPromotion | Action::AllocateVersion | Action::AnswerRebuild | Action::CheckStandard => {
            Role::Developer
        }
        Action::ApprovePromotion
        | Action::ExecutePromotion
        | Action::SealRelease
        | Action::SetHold
        | Action::RunRetention
        | Action::Archive => Role::Maintainer,
        Action::EditPolicy | Action::GrantException | Action::Destroy | Action::EditWebhook | Action::ReportRunning => {
            Role::Owner
        }
    }
}

/// What a robot must be allowed with content, so that it may; `None`: only people do that.
fn permission(action: Action) -> Option<Permission> {
    match action {
        Action::SeeGovernance | Action::ReportRunning => Some(Permission::Pull),
        Action::RequestPromotion
        | Action::AllocateVersion
        | Action::AnswerRebuild
        | Action::CheckStandard
        | Action::SealRelease => Some(Permission::Push),
        Action::ApprovePromotion
        | Action::ExecutePromotion
        | Action::SetHold
        | Action::RunRetention
        | Action::Archive
        | Action::EditPolicy
        | Action::GrantException
        | Action::Destroy
        | Action::EditWebhook => None,
    }
}

#[cfg(test)]
mod tests {
    use wharf_context::{Permissions, ProjectId};

    use super::*;
    use crate::account::{RobotAccount, UserAccount};
    use crate::role::SystemRole;

    const PROJECT: ProjectId = ProjectId(7);

    fn user(system_role: Option<SystemRole>) -> Account {
        Account::User(UserAccount { id: 1, name: "u".parse().expect("valid"), system_role, revision: 1 })
    }

    fn robot(permissions: &[Permission]) -> Account {
        Account::Robot(RobotAccount {
            id: 1,
            project: PROJECT,
            project_name: "app".parse().expect("valid"),
            name: "ci".parse().expect("valid"),
            permissions: Permissions::of(permissions),
            repositories: Vec::new(),
            revision: 1,
        })
    }

    fn allowed(account: &Account, role: Option<Role>) -> Vec<&'static str> {
        let standing = Standing { project: PROJECT, is_public: true, role };
        let actions = Action::ALL.iter().filter(|action| may(account, &standing, **action));
        actions.map(|action| action.name()).collect()
    }

    #[test]
    fn each_role_may_what_the_one_below_may() {
        assert!(allowed(&user(None), None).is_empty() && allowed(&Account::Anonymous, None).is_empty());
        assert_eq!(allowed(&user(None), Some(Role::Guest)), ["governance.read"]);
        let developer =
            ["governance.read", "promotion.request", "version.allocate", "rebuild.answer", "standard.check"];
        assert_eq!(allowed(&user(None), Some(Role::Developer)), developer);
        let maintainer = allowed(&user(None), Some(Role::Maintainer));
        assert!(maintainer.contains(&"promotion.approve") && !maintainer.contains(&"policy.edit"));
        assert_eq!(allowed(&user(None), Some(Role::Owner)).len(), Action::ALL.len());
        assert_eq!(allowed(&user(Some(SystemRole::Administrator)), None).len(), Action::ALL.len());
        assert_eq!(allowed(&user(Some(SystemRole::Auditor)), Some(Role::Owner)), ["governance.read"]);
    }

    #[test]
    fn robots_ask_and_people_decide() {
        assert_eq!(allowed(&robot(&[Permission::Pull]), None), ["governance.read", "running.report"]);
        let pusher = allowed(&robot(&Permission::ALL), None);
        assert!(pusher.contains(&"promotion.request") && !pusher.contains(&"promotion.approve"), "{pusher:?}");
    }
}
