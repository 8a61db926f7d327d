//! Who may do what in a project beside pushing and pulling, by their built-in role or as a robot. Pure: the one table.

use wharf_context::{Action, Permission, Permissions, Powers};

use crate::role::Role;

/// The least role that has it.
pub(crate) fn least_role(action: Action) -> Role {
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

/// What a robot may with the permissions that it was made with.
pub(crate) fn robot_powers(permissions: Permissions) -> Powers {
    let is_allowed = |action: &Action| permission(*action).is_some_and(|permission| permissions.contains(permission));
    Powers { permissions, actions: Action::ALL.iter().copied().filter(is_allowed).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(powers: Powers) -> Vec<&'static str> {
        powers.actions.iter().map(Action::name).collect()
    }

    #[test]
    fn each_role_may_what_the_one_below_may() {
        assert_eq!(names(Role::Guest.powers()), ["governance.read"]);
        let developer =
            ["governance.read", "promotion.request", "version.allocate", "rebuild.answer", "standard.check"];
        assert_eq!(names(Role::Developer.powers()), developer);
        let maintainer = names(Role::Maintainer.powers());
        assert!(maintainer.contains(&"promotion.approve") && !maintainer.contains(&"policy.edit"));
        assert_eq!(names(Role::Owner.powers()).len(), Action::ALL.len());
    }

    #[test]
    fn robots_ask_and_people_decide() {
        let of = |permissions: &[Permission]| names(robot_powers(Permissions::of(permissions)));
        assert_eq!(of(&[Permission::Pull]), ["governance.read", "running.report"]);
        let pusher = of(&Permission::ALL);
        assert!(pusher.contains(&"promotion.request") && !pusher.contains(&"promotion.approve"), "{pusher:?}");
    }
}
