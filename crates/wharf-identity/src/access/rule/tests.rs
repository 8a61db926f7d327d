//! The tables of who may do what.

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
    let memberships = role.into_iter().map(|role| Membership { role, group: None }).collect();
    let (assigned, reservations) = (Vec::new(), Vec::new());
    Some(Standing { project: PROJECT, is_public, memberships, assigned, reservations })
}

/// What is held on `app/web` in an environment.
fn held(account: &Account, standing: Option<&Standing>, (environment, mode): (&str, Mode)) -> Permissions {
    let (repository, environment) = ("app/web".parse().expect("valid"), environment.parse().expect("valid"));
    let subject = Subject {
        repository: Some(&repository),
        environment: Some(&environment),
        is_promoted: environment.as_str() != "d",
        tag: None,
    };
    Holdings::of(account, standing, mode).content(&subject)
}

fn decide(account: &Account, standing: Option<Standing>, mode: Mode) -> Permissions {
    held(account, standing.as_ref(), ("d", mode))
}

#[test]
fn who_may_do_what() {
    let (administrator, auditor) = (user(Some(SystemRole::Administrator)), user(Some(SystemRole::Auditor)));
    let (private, public) = (|| standing(false, None), || standing(true, None));
    let member = |role| standing(false, Some(role));
    #[rustfmt::skip]
    let table: [Row; 22] = [
        // who                               , account              , project                , closed, open
        ("anonymous, private"                , Account::Anonymous   , private()                , NONE, ALL),
        ("anonymous, public"                 , Account::Anonymous   , public()                 , PULL, ALL),
        ("anonymous, no project"             , Account::Anonymous   , None                   , NONE, ALL),
        ("user, private"                     , user(None)           , private()                , NONE, ALL),
        ("user, public"                      , user(None)           , public()                 , PULL, ALL),
        ("user, no project"                  , user(None)           , None                   , NONE, ALL),
        ("guest"                             , user(None)           , member(Role::Guest)    , PULL, ALL),
        ("developer"                         , user(None)           , member(Role::Developer), NEW , ALL),
        ("maintainer"                        , user(None)           , member(Role::Maintainer), ALL, ALL),
        ("owner"                             , user(None)           , member(Role::Owner)    , ALL , ALL),
        ("administrator, private"            , administrator.clone(), private()                , ALL , ALL),
        ("administrator, no project"         , administrator        , None                   , ALL , ALL),
        ("auditor, private"                  , auditor.clone()      , private()                , PULL, PULL),
        ("auditor and owner"                 , auditor.clone()      , member(Role::Owner)    , PULL, PULL),
        ("auditor, no project"               , auditor              , None                   , PULL, PULL),
        ("robot to pull"                     , robot(PULL, &[])     , private()                , PULL, ALL),
        ("robot to push only"                , robot(&[Permission::Push], &[]), private()      , &[Permission::Push], ALL),
        ("robot without rights, public"      , robot(NONE, &[])     , public()                 , PULL, ALL),
        ("robot for this repository"         , robot(NEW, &["app/w*"]), private()              , NEW , ALL),
        ("robot for another repository"      , robot(NEW, &["app/api"]), private()             , NONE, ALL),
        ("robot, no project"                 , robot(ALL, &[])      , None                   , NONE, ALL),
        ("robot of another project"          , robot(ALL, &[])      , Some(Standing { project: ProjectId(8), ..standing(false, None).expect("there") }), NONE, ALL),
    ];
    for (who, account, standing, closed, open) in table {
        assert_eq!(decide(&account, standing.clone(), Mode::Closed), Permissions::of(closed), "{who}");
        assert_eq!(decide(&account, standing, Mode::Open), Permissions::of(open), "{who}, open");
    }
}

#[test]
fn a_promoted_environment_is_pulled_from_and_attached_to() {
    const ATTACH: &[Permission] = &[Permission::Pull, Permission::Push, Permission::Attach];
    let (administrator, auditor) = (user(Some(SystemRole::Administrator)), user(Some(SystemRole::Auditor)));
    let private = || standing(false, None);
    let member = |role| standing(false, Some(role));
    #[rustfmt::skip]
    let table: [(&str, Account, Option<Standing>, &[Permission]); 13] = [
        ("anonymous, private"       , Account::Anonymous   , private()                  , NONE),
        ("anonymous, public"        , Account::Anonymous   , standing(true, None)     , PULL),
        ("guest"                    , user(None)           , member(Role::Guest)      , PULL),
        ("developer"                , user(None)           , member(Role::Developer)  , PULL),
        ("maintainer"               , user(None)           , member(Role::Maintainer) , ATTACH),
        ("owner"                    , user(None)           , member(Role::Owner)      , ATTACH),
        ("administrator"            , administrator.clone(), private()                  , ATTACH),
        ("administrator, no project", administrator        , None                     , PULL),
        ("auditor"                  , auditor              , private()                  , PULL),
        ("system"                   , Account::System      , private()                  , ATTACH),
        ("robot to push"            , robot(NEW, &[])      , private()                  , PULL),
        ("robot to delete"          , robot(&[Permission::Overwrite, Permission::Delete], &[]), private(), NONE),
        ("robot to sign"            , robot(&[Permission::Pull, Permission::Attach], &["app/w*"]), private(), ATTACH),
    ];
    for (who, account, standing, wanted) in table {
        let held = held(&account, standing.as_ref(), ("t", Mode::Closed));
        assert_eq!(held, Permissions::of(wanted), "{who}");
    }
    let open = held(&Account::Anonymous, private().as_ref(), ("t", Mode::Open));
    assert_eq!(open, Permissions::of(ATTACH), "not even a registry without log-in");
}

fn assigned(role: &str, powers: &[&str], (repositories, environments, tags): (&str, &str, &str)) -> Assigned {
    fn words<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> Vec<T> {
        text.split_whitespace().map(|word| word.parse().expect("valid")).collect()
    }
    Assigned {
        role: role.parse().expect("valid"),
        powers: powers.iter().filter_map(|name| Power::from_name(name)).collect(),
        limits: Limits { repositories: words(repositories), environments: words(environments), tags: words(tags) },
        group: None,
    }
}

#[test]
fn a_role_counts_within_its_limits() {
    let with = |limits| {
        let role = assigned("ci", &["pull", "push", "attach", "promotion.approve"], limits);
        Standing { assigned: vec![role], ..standing(false, None).expect("there") }
    };
    const SIGN: &[Permission] = &[Permission::Pull, Permission::Push, Permission::Attach];
    #[rustfmt::skip]
    #[expect(clippy::type_complexity, reason = "the columns of a table")]
    let table: [(&str, (&str, &str, &str), &[Permission], &[Permission], bool); 7] = [
        // limits                   ,                      , development, test, approves in the test environment
        ("none"                     , ("", "", "")         , SIGN, SIGN, true),
        ("this repository"          , ("app/w*", "", "")   , SIGN, SIGN, true),
        ("another repository"       , ("app/api", "", "")  , NONE, NONE, false),
        ("development"              , ("", "d", "")        , SIGN, NONE, false),
        ("the test environment"     , ("", "t", "")        , NONE, SIGN, true),
        ("other environments"       , ("", "s1 p", "")     , NONE, NONE, false),
        ("some tags"                , ("", "", "1.*")      , SIGN, SIGN, true),
    ];
    for (what, limits, development, test, approves) in table {
        let standing = with(limits);
        let holds = |environment| held(&user(None), Some(&standing), (environment, Mode::Closed));
        assert_eq!(holds("d"), Permissions::of(development), "{what}");
        assert_eq!(holds("t"), Permissions::of(test), "{what}");
        let (repository, environment) = ("app/web".parse().expect("valid"), "t".parse().expect("valid"));
        let subject =
            Subject { repository: Some(&repository), environment: Some(&environment), is_promoted: true, tag: None };
        let holdings = Holdings::of(&user(None), Some(&standing), Mode::Closed);
        let power = Power::Governance(Action::ApprovePromotion);
        assert_eq!(holdings.judge(power, &subject).is_given(), approves, "{what}");
        let whole = holdings.judge(power, &Subject::default()).is_given();
        assert_eq!(whole, limits.0.is_empty() && limits.1.is_empty(), "{what}, in the project as a whole");
    }
}

#[test]
fn tags_are_limited_where_no_role_is_for_all() {
    let repository = "app/web".parse().expect("valid");
    let environment = "d".parse().expect("valid");
    let subject = Subject { repository: Some(&repository), environment: Some(&environment), ..Subject::default() };
    let limited = assigned("ci", &["pull", "push", "overwrite"], ("", "", "1.* 2.*"));
    let mut standing = Standing { assigned: vec![limited], ..standing(false, None).expect("there") };
    let limits = |standing: &Standing| Holdings::of(&user(None), Some(standing), Mode::Closed).tag_limits(&subject);
    let names: Vec<_> = limits(&standing).iter().map(|limit| (limit.permission, limit.patterns.len())).collect();
    assert_eq!(names, [(Permission::Push, 2), (Permission::Overwrite, 2)], "reading is not limited");
    standing.memberships.push(Membership { role: Role::Developer, group: None });
    let names: Vec<_> = limits(&standing).iter().map(|limit| limit.permission).collect();
    assert_eq!(names, [Permission::Overwrite], "a developer pushes any tag");
}

#[test]
fn reserved_repositories_are_pulled_by_members_of_the_role_alone() {
    let reserved = Reserved { pattern: "app/w*".parse().expect("valid"), role: "builders".parse().expect("valid") };
    let of = |is_public, role, assigned: Vec<Assigned>| {
        let standing = standing(is_public, role).expect("there");
        Standing { assigned, reservations: vec![reserved.clone()], ..standing }
    };
    let builder = || vec![assigned("builders", &["pull"], ("", "", ""))];
    let pulls = |account: &Account, standing: &Standing| {
        let holds = |environment| held(account, Some(standing), (environment, Mode::Closed)).contains(Permission::Pull);
        assert_eq!(holds("d"), holds("t"), "in environments, too");
        holds("d")
    };
    assert!(!pulls(&Account::Anonymous, &of(true, None, Vec::new())), "a public project");
    assert!(!pulls(&user(None), &of(false, Some(Role::Owner), Vec::new())), "an owner");
    assert!(!pulls(&robot(PULL, &[]), &of(false, None, Vec::new())), "a robot");
    assert!(pulls(&user(None), &of(false, None, builder())), "a builder");
    assert!(pulls(&robot(NONE, &[]), &of(false, None, builder())), "a robot that is a builder");
    assert!(
        !pulls(&user(None), &of(false, None, vec![assigned("builders", &["push"], ("", "", ""))])),
        "a role that gives no pull"
    );
    for role in SystemRole::ALL {
        assert!(pulls(&user(Some(role)), &of(false, None, Vec::new())), "{role:?}");
    }
    let elsewhere = Reserved { pattern: "app/api".parse().expect("valid"), ..reserved.clone() };
    let other = Standing { reservations: vec![elsewhere], ..standing(false, Some(Role::Guest)).expect("there") };
    assert!(pulls(&user(None), &other), "another repository is");
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
