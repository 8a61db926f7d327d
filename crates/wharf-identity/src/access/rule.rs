//! Who may do what with the content of a repository. Pure: the one table that it is decided by.

use wharf_context::{Permission, Permissions, ProjectId, Visibility};
use wharf_oci::{EnvironmentName, RepositoryName};

use crate::account::Account;
use crate::role::{Role, SystemRole};

/// A project as one caller meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) project: ProjectId,
    pub(crate) is_public: bool,
    /// The greatest role that the caller has by themselves or through groups.
    pub(crate) role: Option<Role>,
}

/// Whether this is a registry without log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Closed,
    Open,
}

/// A repository, and the promoted environment of which it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Its name in development.
    pub(crate) repository: RepositoryName,
    pub(crate) environment: Option<EnvironmentName>,
}

/// What `account` may do with a repository. `standing` is `None` where the project does not exist: then it is what a
/// caller who may create the project could do in it.
pub(crate) fn permissions(account: &Account, standing: Option<&Standing>, view: &View, mode: Mode) -> Permissions {
    let held = in_development(account, standing, &view.repository, mode);
    match (&view.environment, standing) {
        (None, _) => held,
        (Some(_), Some(_)) => in_environment(held),
        // Nobody makes a project by pushing where only promotion brings images.
        (Some(_), None) => held.intersection(Permissions::of(&[Permission::Pull])),
    }
}

/// What of it holds in a promoted environment: what stands there is changed by promotion alone. Who may attach pushes for
/// it; the registry lets nothing else through.
fn in_environment(held: Permissions) -> Permissions {
    let kept = held.intersection(Permissions::of(&[Permission::Pull, Permission::Attach]));
    if kept.contains(Permission::Attach) { kept.union(Permissions::of(&[Permission::Push])) } else { kept }
}

fn in_development(
    account: &Account,
    standing: Option<&Standing>,
    repository: &RepositoryName,
    mode: Mode,
) -> Permissions {
    let Some(standing) = standing else {
        return match (may_create_projects(account, mode), reads_everything(account)) {
            (true, _) => Permissions::ALL,
            (false, true) => Permissions::of(&[Permission::Pull]),
            (false, false) => Permissions::NONE,
        };
    };
    match account {
        Account::System => Permissions::ALL,
        Account::User(user) => match user.system_role {
            Some(SystemRole::Administrator) => Permissions::ALL,
            // An auditor changes nothing, whatever else they are.
            Some(SystemRole::Auditor) => Permissions::of(&[Permission::Pull]),
            None => standing.role.map_or(Permissions::NONE, Role::permissions).union(of_everyone(standing, mode)),
        },
        Account::Robot(robot) => robot.permissions_on(standing.project, repository).union(of_everyone(standing, mode)),
        Account::Anonymous => of_everyone(standing, mode),
    }
}

/// What nobody needs to log in for.
fn of_everyone(standing: &Standing, mode: Mode) -> Permissions {
    match (mode, standing.is_public) {
        (Mode::Open, _) => Permissions::ALL,
        (Mode::Closed, true) => Permissions::of(&[Permission::Pull]),
        (Mode::Closed, false) => Permissions::NONE,
    }
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
mod tests {
    use super::*;
    use crate::account::{RobotAccount, UserAccount};

    const PROJECT: ProjectId = ProjectId(7);
    const NONE: &[Permission] = &[];
    const PULL: &[Permission] = &[Permission::Pull];
    const NEW: &[Permission] = &[Permission::Pull, Permission::Push];
    const ALL: &[Permission] = &Permission::ALL;

    /// Who, meeting which project, may do what: closed, and open.
    type Row = (&'static str, Account, Option<Standing>, &'static [Permission], &'static [Permission]);

    fn user(system_role: Option<SystemRole>) -> Account {
        Account::User(UserAccount { id: 1, name: "u".parse().expect("valid"), system_role, revision: 1 })
    }

    fn robot(permissions: &[Permission], patterns: &[&str]) -> Account {
        Account::Robot(RobotAccount {
            id: 1,
            project: PROJECT,
            project_name: "app".parse().expect("valid"),
            name: "ci".parse().expect("valid"),
            permissions: Permissions::of(permissions),
            repositories: patterns.iter().map(|pattern| pattern.parse().expect("valid")).collect(),
            revision: 1,
        })
    }

    fn standing(is_public: bool, role: Option<Role>) -> Option<Standing> {
        Some(Standing { project: PROJECT, is_public, role })
    }

    fn decide(account: &Account, standing: Option<Standing>, mode: Mode) -> Permissions {
        let view = View { repository: "app/web".parse().expect("valid"), environment: None };
        permissions(account, standing.as_ref(), &view, mode)
    }

    #[test]
    fn who_may_do_what() {
        let (administrator, auditor) = (user(Some(SystemRole::Administrator)), user(Some(SystemRole::Auditor)));
        let (private, public) = (standing(false, None), standing(true, None));
        let member = |role| standing(false, Some(role));
        #[rustfmt::skip]
        let table: [Row; 22] = [
            // who                               , account              , project                , closed, open
            ("anonymous, private"                , Account::Anonymous   , private                , NONE, ALL),
            ("anonymous, public"                 , Account::Anonymous   , public                 , PULL, ALL),
            ("anonymous, no project"             , Account::Anonymous   , None                   , NONE, ALL),
            ("user, private"                     , user(None)           , private                , NONE, ALL),
            ("user, public"                      , user(None)           , public                 , PULL, ALL),
            ("user, no project"                  , user(None)           , None                   , NONE, ALL),
            ("guest"                             , user(None)           , member(Role::Guest)    , PULL, ALL),
            ("developer"                         , user(None)           , member(Role::Developer), NEW , ALL),
            ("maintainer"                        , user(None)           , member(Role::Maintainer), ALL, ALL),
            ("owner"                             , user(None)           , member(Role::Owner)    , ALL , ALL),
            ("administrator, private"            , administrator.clone(), private                , ALL , ALL),
            ("administrator, no project"         , administrator        , None                   , ALL , ALL),
            ("auditor, private"                  , auditor.clone()      , private                , PULL, PULL),
            ("auditor and owner"                 , auditor.clone()      , member(Role::Owner)    , PULL, PULL),
            ("auditor, no project"               , auditor              , None                   , PULL, PULL),
            ("robot to pull"                     , robot(PULL, &[])     , private                , PULL, ALL),
            ("robot to push only"                , robot(&[Permission::Push], &[]), private      , &[Permission::Push], ALL),
            ("robot without rights, public"      , robot(NONE, &[])     , public                 , PULL, ALL),
            ("robot for this repository"         , robot(NEW, &["app/w*"]), private              , NEW , ALL),
            ("robot for another repository"      , robot(NEW, &["app/api"]), private             , NONE, ALL),
            ("robot, no project"                 , robot(ALL, &[])      , None                   , NONE, ALL),
            ("robot of another project"          , robot(ALL, &[])      , Some(Standing { project: ProjectId(8), is_public: false, role: None }), NONE, ALL),
        ];
        for (who, account, standing, closed, open) in table {
            assert_eq!(decide(&account, standing, Mode::Closed), Permissions::of(closed), "{who}");
            assert_eq!(decide(&account, standing, Mode::Open), Permissions::of(open), "{who}, open");
        }
    }

    #[test]
    fn a_promoted_environment_is_pulled_from_and_attached_to() {
        const ATTACH: &[Permission] = &[Permission::Pull, Permission::Push, Permission::Attach];
        let (administrator, auditor) = (user(Some(SystemRole::Administrator)), user(Some(SystemRole::Auditor)));
        let private = standing(false, None);
        let member = |role| standing(false, Some(role));
        #[rustfmt::skip]
        let table: [(&str, Account, Option<Standing>, &[Permission]); 13] = [
            ("anonymous, private"       , Account::Anonymous   , private                  , NONE),
            ("anonymous, public"        , Account::Anonymous   , standing(true, None)     , PULL),
            ("guest"                    , user(None)           , member(Role::Guest)      , PULL),
            ("developer"                , user(None)           , member(Role::Developer)  , PULL),
            ("maintainer"               , user(None)           , member(Role::Maintainer) , ATTACH),
            ("owner"                    , user(None)           , member(Role::Owner)      , ATTACH),
            ("administrator"            , administrator.clone(), private                  , ATTACH),
            ("administrator, no project", administrator        , None                     , PULL),
            ("auditor"                  , auditor              , private                  , PULL),
            ("system"                   , Account::System      , private                  , ATTACH),
            ("robot to push"            , robot(NEW, &[])      , private                  , PULL),
            ("robot to delete"          , robot(&[Permission::Overwrite, Permission::Delete], &[]), private, NONE),
            ("robot to sign"            , robot(&[Permission::Pull, Permission::Attach], &["app/w*"]), private, ATTACH),
        ];
        let environment = Some("t".parse().expect("valid"));
        let view = View { repository: "app/web".parse().expect("valid"), environment };
        for (who, account, standing, wanted) in table {
            let held = permissions(&account, standing.as_ref(), &view, Mode::Closed);
            assert_eq!(held, Permissions::of(wanted), "{who}");
        }
        let open = permissions(&Account::Anonymous, private.as_ref(), &view, Mode::Open);
        assert_eq!(open, Permissions::of(ATTACH), "not even a registry without log-in");
    }

    #[test]
    fn who_sees_which_names() {
        let table = [
            (user(Some(SystemRole::Auditor)), Sight::Decided(Visibility::All)),
            (Account::System, Sight::Decided(Visibility::All)),
            (user(None), Sight::PublicAnd(None)),
            (Account::Anonymous, Sight::PublicAnd(None)),
            (robot(PULL, &[]), Sight::PublicAnd(Some(PROJECT))),
            (robot(&[Permission::Push], &[]), Sight::PublicAnd(None)),
            (robot(PULL, &["app/web"]), Sight::PublicAnd(None)),
        ];
        for (account, wanted) in table {
            assert_eq!(visibility(&account, Mode::Closed), wanted, "{account:?}");
            assert_eq!(visibility(&account, Mode::Open), Sight::Decided(Visibility::All));
        }
    }
}
