//! Which grants a request gets.

use wharf_context::{AuthorizeError, Delete, Overwrite, Permission, Pull, Push, Visibility};
use wharf_identity::{Credentials, MemberName, NewRobot, Openness, Role, SystemRole};

use crate::fixture::{Fixture, basic, granted, kind, parse, system, wanted, with_password};

const ALL: &[Permission] = &Permission::ALL;
const NEW: &[Permission] = &[Permission::Pull, Permission::Push];
const PULL: &[Permission] = &[Permission::Pull];
const NONE: &[Permission] = &[];

async fn people() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.project("open", Openness::Public).await;
    for role in Role::ALL {
        fixture.member("app", role.name(), role).await;
    }
    fixture.user("stranger", None).await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture
}

#[tokio::test]
async fn each_role_may_what_the_table_says_with_a_password_and_with_a_token() {
    let fixture = people().await;
    let table = [
        ("guest", PULL, PULL, NONE),
        ("developer", NEW, PULL, NONE),
        ("maintainer", ALL, PULL, NONE),
        ("owner", ALL, PULL, NONE),
        ("stranger", NONE, PULL, NONE),
        ("auditor", PULL, PULL, &[Permission::Pull]),
        // Where there is no project there is nothing to overwrite, and a push would make it.
        ("root", ALL, ALL, &[Permission::Pull, Permission::Delete]),
    ];
    for (name, in_private, in_public, in_none) in table {
        for (repository, expected) in [("app/web", in_private), ("open/web", in_public), ("none/web", in_none)] {
            assert_eq!(fixture.permissions(&basic(name), repository).await, expected, "{name} on {repository}");
            let token = fixture.bearer(basic(name), &format!("repository:{repository}:*")).await;
            assert_eq!(fixture.permissions(&token, repository).await, expected, "{name}'s token on {repository}");
        }
    }
    assert_eq!(fixture.permissions(&Credentials::Anonymous, "app/web").await, NONE);
    assert_eq!(fixture.permissions(&Credentials::Anonymous, "open/web").await, PULL);
}

#[tokio::test]
async fn in_open_mode_nobody_has_to_log_in() {
    let fixture = Fixture::open_mode().await;
    fixture.project("app", Openness::Private).await;
    assert_eq!(fixture.permissions(&Credentials::Anonymous, "app/web").await, ALL);
    let token = fixture.bearer(Credentials::Anonymous, "repository:app/web:pull,push").await;
    assert_eq!(
        fixture.permissions(&token, "app/web").await,
        [Permission::Pull, Permission::Push, Permission::Overwrite]
    );
    let visibility = fixture.identity.visibility(&fixture.anonymous().await).await.expect("decided");
    assert_eq!(visibility, Visibility::All);
}

#[tokio::test]
async fn a_push_makes_the_project_for_who_may_and_a_pull_never_does() {
    let fixture = people().await;
    for credentials in [basic("root"), fixture.bearer(basic("root"), "repository:new/app:pull,push").await] {
        let ctx = fixture.context(&credentials, &[wanted("new/app", PULL)]).await.expect("a context");
        // The request goes on and finds nothing, instead of being asked to log in again.
        assert!(ctx.authorize::<Pull>(&parse("new/app")).is_ok());
        assert!(matches!(ctx.authorize::<Push>(&parse("new/app")), Err(AuthorizeError::Denied { .. })));
        assert!(fixture.identity.get_project(&system(), &parse("new")).await.is_err());
    }
    let token = fixture.bearer(basic("root"), "repository:new/app:pull,push").await;
    let ctx = fixture.context(&token, &[wanted("new/app", NEW)]).await.expect("a context");
    let (project, _) = fixture.identity.get_project(&system(), &parse("new")).await.expect("made");
    assert!(!project.is_public);
    let permit = ctx.authorize::<Push>(&parse("new/app")).expect("granted");
    assert_eq!(permit.project(), project.id);
    // The token was issued before there was a project; it is good for it all the same.
    let ctx = fixture.context(&token, &[wanted("new/app", PULL)]).await.expect("a context");
    assert_eq!(ctx.authorize::<Pull>(&parse("new/app")).expect("granted").project(), project.id);
}

#[tokio::test]
async fn nobody_else_makes_projects_by_pushing() {
    let fixture = people().await;
    let robot = fixture.robot("app", "ci", ALL).await;
    for credentials in [basic("owner"), basic("auditor"), with_password("app+ci", &robot), Credentials::Anonymous] {
        let ctx = fixture.context(&credentials, &[wanted("new/app", NEW)]).await.expect("a context");
        assert!(ctx.authorize::<Push>(&parse("new/app")).is_err());
    }
    assert!(fixture.identity.get_project(&system(), &parse("new")).await.is_err());
}

#[tokio::test]
async fn a_project_made_in_open_mode_is_public() {
    let fixture = Fixture::open_mode().await;
    let ctx = fixture.context(&Credentials::Anonymous, &[wanted("new", NEW)]).await.expect("a context");
    assert!(ctx.authorize::<Push>(&parse("new")).is_ok());
    assert!(fixture.identity.get_project(&system(), &parse("new")).await.expect("made").0.is_public);
}

#[tokio::test]
async fn the_names_of_environments_are_refused_with_a_sentence() {
    let fixture = people().await;
    for repository in ["d", "t", "s1", "s2", "p", "t/p/app", "d/t/app", "p/d"].map(str::to_owned) {
        let error = fixture.context(&basic("root"), &[wanted(&repository, NEW)]).await.expect_err("refused");
        assert!(error.to_string().contains("reserved for an environment"), "{error}");
        let token = fixture.bearer(basic("root"), &format!("repository:{repository}:push")).await;
        assert!(fixture.context(&token, &[wanted(&repository, NEW)]).await.is_err());
        // Looking is not refused: there is nothing to see.
        assert!(fixture.context(&basic("root"), &[wanted(&repository, PULL)]).await.is_ok());
    }
}

#[tokio::test]
async fn an_environments_repository_is_its_projects_and_only_pulled_from_and_attached_to() {
    let fixture = people().await;
    let project = fixture.identity.get_project(&system(), &parse("app")).await.expect("there").0.id;
    for credentials in [basic("root"), basic("owner")] {
        let token = fixture.bearer(credentials.clone(), "repository:t/app/web:*").await;
        for credentials in [credentials, token] {
            let ctx = fixture.context(&credentials, &[wanted("t/app/web", NEW)]).await.expect("a context");
            let permit = ctx.authorize::<Push>(&parse("t/app/web")).expect("to attach");
            assert_eq!(permit.project(), project);
            for refused in [
                ctx.authorize::<Overwrite>(&parse("t/app/web")).map(drop),
                ctx.authorize::<Delete>(&parse("t/app/web")).map(drop),
            ] {
                assert!(matches!(refused, Err(AuthorizeError::Denied { .. })), "{refused:?}");
            }
        }
    }
    // Pushing there makes no project, whoever pushes.
    let ctx = fixture.context(&basic("root"), &[wanted("t/new/web", NEW)]).await.expect("a context");
    assert!(matches!(ctx.authorize::<Push>(&parse("t/new/web")), Err(AuthorizeError::Denied { .. })));
    assert!(fixture.identity.get_project(&system(), &parse("new")).await.is_err());
}

#[tokio::test]
async fn what_may_not_be_seen_does_not_exist() {
    let fixture = people().await;
    for repository in ["app/web", "none/web"] {
        let ctx = fixture.context(&basic("stranger"), &[wanted(repository, NEW)]).await.expect("a context");
        assert!(matches!(ctx.authorize::<Push>(&parse(repository)), Err(AuthorizeError::NotFound(_))));
        let token = fixture.bearer(basic("stranger"), &format!("repository:{repository}:pull,push")).await;
        let ctx = fixture.context(&token, &[wanted(repository, NEW)]).await.expect("a context");
        assert!(matches!(ctx.authorize::<Pull>(&parse(repository)), Err(AuthorizeError::NotFound(_))));
        assert!(matches!(ctx.authorize::<Push>(&parse(repository)), Err(AuthorizeError::NotFound(_))));
    }
    let ctx = fixture.context(&basic("guest"), &[wanted("app/web", NEW)]).await.expect("a context");
    assert!(matches!(ctx.authorize::<Push>(&parse("app/web")), Err(AuthorizeError::Denied { .. })));
}

#[tokio::test]
async fn a_robot_has_exactly_its_permissions_in_its_project() {
    let fixture = people().await;
    fixture.project("other", Openness::Private).await;
    let subsets: [&[Permission]; 4] = [NONE, PULL, &[Permission::Push], &[Permission::Pull, Permission::Delete]];
    for (number, permissions) in subsets.into_iter().enumerate() {
        let secret = fixture.robot("app", &format!("r{number}"), permissions).await;
        let credentials = with_password(&format!("app+r{number}"), &secret);
        assert_eq!(fixture.permissions(&credentials, "app/web").await, permissions);
        assert_eq!(fixture.permissions(&credentials, "other/web").await, NONE);
        assert_eq!(fixture.permissions(&credentials, "open/web").await, PULL);
    }
}

#[tokio::test]
async fn a_robot_can_be_limited_to_repositories() {
    let fixture = people().await;
    let robot = NewRobot {
        name: parse("ci"),
        permissions: wharf_context::Permissions::of(NEW),
        repositories: vec![parse("app/web"), parse("app/team-*")],
        expires_at: None,
    };
    let (_, secret) = fixture.identity.create_robot(&system(), &parse("app"), &robot).await.expect("made");
    let credentials = with_password("app+ci", &secret);
    for (repository, expected) in [("app/web", NEW), ("app/team-a", NEW), ("app/api", NONE), ("app/web/x", NONE)] {
        assert_eq!(fixture.permissions(&credentials, repository).await, expected, "{repository}");
        let token = fixture.bearer(credentials.clone(), &format!("repository:{repository}:*")).await;
        assert_eq!(fixture.permissions(&token, repository).await, expected, "{repository}");
    }
}

#[tokio::test]
async fn the_catalog_shows_what_the_caller_sees() {
    let fixture = Fixture::new().await;
    let (app, open) =
        (fixture.project("app", Openness::Private).await, fixture.project("open", Openness::Public).await);
    let team = fixture.project("team", Openness::Private).await;
    fixture.member("app", "alice", Role::Guest).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture.identity.create_group(&system(), &parse("devs")).await.expect("made");
    fixture.identity.add_group_user(&system(), &parse("devs"), &parse("alice")).await.expect("added");
    let devs = MemberName::Group(parse("devs"));
    fixture.identity.put_member(&system(), &parse("team"), &devs, Role::Developer).await.expect("put");
    let secret = fixture.robot("app", "ci", PULL).await;
    let see = async |ctx| match fixture.identity.visibility(&ctx).await.expect("decided") {
        Visibility::All => None,
        Visibility::Projects(mut projects) => {
            projects.sort();
            projects.dedup();
            Some(projects)
        }
    };
    assert_eq!(see(fixture.as_user("alice").await).await, Some(vec![app, open, team]));
    assert_eq!(see(fixture.anonymous().await).await, Some(vec![open]));
    assert_eq!(see(fixture.as_user("auditor").await).await, None);
    let robot = fixture.context(&with_password("app+ci", &secret), &[]).await.expect("a context");
    assert_eq!(see(robot).await, Some(vec![app, open]));
}

#[tokio::test]
async fn a_token_shows_the_catalog_and_manages_only_when_it_was_issued_for_that() {
    let fixture = people().await;
    let ctx = async |scopes| {
        let token = fixture.bearer(basic("root"), scopes).await;
        fixture.context(&token, &[]).await.expect("a context")
    };
    let narrow = ctx("repository:app/web:*").await;
    assert!(fixture.identity.visibility(&narrow).await.is_err());
    let error = fixture.identity.create_project(&narrow, &parse("x"), Openness::Public).await.expect_err("refused");
    assert!(error.to_string().contains("registry:management:*"), "{error}");
    assert!(fixture.identity.visibility(&ctx("registry:catalog:*").await).await.is_ok());
    let managing = ctx("registry:management:*").await;
    fixture.identity.create_project(&managing, &parse("x"), Openness::Public).await.expect("made");
    let anonymous = fixture.bearer(Credentials::Anonymous, "registry:management:*").await;
    let anonymous = fixture.context(&anonymous, &[]).await.expect("a context");
    assert!(!anonymous.reach().management);
}

#[tokio::test]
async fn a_token_covers_only_the_repositories_that_it_was_issued_for() {
    let fixture = people().await;
    let token = fixture.bearer(basic("root"), "repository:app/web:pull").await;
    let ctx = fixture.context(&token, &[wanted("app/other", PULL)]).await.expect("a context");
    assert!(matches!(ctx.authorize::<Pull>(&parse("app/other")), Err(AuthorizeError::InsufficientScope(_))));
    assert!(matches!(ctx.authorize::<Push>(&parse("app/web")), Err(AuthorizeError::InsufficientScope(_))));
    assert_eq!(granted(&ctx, "app/web"), PULL);
}

#[tokio::test]
async fn a_change_of_membership_takes_effect_with_a_password_at_once() {
    let fixture = people().await;
    let member = MemberName::User(parse("guest"));
    fixture.identity.put_member(&system(), &parse("app"), &member, Role::Developer).await.expect("put");
    assert_eq!(fixture.permissions(&basic("guest"), "app/web").await, NEW);
    fixture.identity.delete_member(&system(), &parse("app"), &member).await.expect("deleted");
    assert_eq!(fixture.permissions(&basic("guest"), "app/web").await, NONE);
    assert_eq!(
        kind(fixture.identity.get_project(&fixture.as_user("guest").await, &parse("app")).await),
        wharf_context::Kind::NotFound
    );
}
