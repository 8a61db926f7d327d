//! Robot accounts.

use std::time::Duration;

use wharf_context::{CallerId, Clock, Kind, Permission, Permissions};
use wharf_identity::{Error, NewRobot, Openness, PageRequest, RobotChange, Role, Secret};

use crate::fixture::{Fixture, kind, parse, system, with_password};

async fn project() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.member("app", "owner", Role::Owner).await;
    fixture.member("app", "maintainer", Role::Maintainer).await;
    fixture
}

fn robot(name: &str) -> NewRobot {
    NewRobot {
        name: parse(name),
        permissions: Permissions::of(&[Permission::Pull]),
        repositories: Vec::new(),
        expires_at: None,
    }
}

#[tokio::test]
async fn robots_are_made_by_owners_and_log_in_with_their_project() {
    let fixture = project().await;
    let (owner, maintainer) = (fixture.as_user("owner").await, fixture.as_user("maintainer").await);
    let denied = fixture.identity.create_robot(&maintainer, &parse("app"), &robot("ci")).await;
    assert_eq!(kind(denied), Kind::Denied);
    let made = fixture.identity.create_robot(&owner, &parse("app"), &robot("ci")).await;
    let (made, secret) = made.expect("made");
    assert_eq!(made.login(), "app+ci");
    assert!(secret.expose().starts_with("wharf_robot_"));
    let again = fixture.identity.create_robot(&owner, &parse("app"), &robot("ci")).await;
    assert_eq!(kind(again), Kind::Conflict);
    let ctx = fixture.context(&with_password("app+ci", &secret), &[]).await.expect("logs in");
    assert!(matches!(ctx.caller.id, CallerId::Robot(_)));
    assert_eq!(ctx.caller.name, "app+ci");
    for (login, secret) in [("app+ci", "wrong"), ("ci", secret.expose()), ("other+ci", secret.expose())] {
        let refused = fixture.context(&with_password(login, &Secret::new(secret)), &[]).await;
        assert_eq!(kind(refused), Kind::Unauthenticated, "{login}");
    }
}

#[tokio::test]
async fn a_robot_manages_nothing() {
    let fixture = project().await;
    let secret = fixture.robot("app", "ci", &Permission::ALL).await;
    let ctx = fixture.context(&with_password("app+ci", &secret), &[]).await.expect("logs in");
    fixture.identity.get_project(&ctx, &parse("app")).await.expect("it sees its project");
    assert_eq!(kind(fixture.identity.create_robot(&ctx, &parse("app"), &robot("more")).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.rotate_robot_secret(&ctx, &parse("app"), &parse("ci")).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.create_project(&ctx, &parse("new"), Openness::Public).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.list_users(&ctx, &PageRequest::default()).await), Kind::Denied);
    let own = fixture.identity.change_password(&ctx, &secret, &Secret::new("another one")).await;
    assert_eq!(kind(own), Kind::Denied);
}

#[tokio::test]
async fn rotation_ends_the_old_secret_at_once() {
    let fixture = project().await;
    let old = fixture.robot("app", "ci", &[Permission::Pull]).await;
    let new = fixture.identity.rotate_robot_secret(&system(), &parse("app"), &parse("ci")).await.expect("rotated");
    assert_ne!(old.expose(), new.expose());
    assert_eq!(kind(fixture.context(&with_password("app+ci", &old), &[]).await), Kind::Unauthenticated);
    fixture.context(&with_password("app+ci", &new), &[]).await.expect("logs in");
}

#[tokio::test]
async fn a_robot_that_is_disabled_expired_or_deleted_is_nobody() {
    let fixture = project().await;
    let end = fixture.database.clock.now().plus(Duration::from_secs(60));
    let expiring = NewRobot { expires_at: Some(end), ..robot("ci") };
    let (_, secret) = fixture.identity.create_robot(&system(), &parse("app"), &expiring).await.expect("made");
    let credentials = with_password("app+ci", &secret);
    let (project, name) = (parse("app"), parse("ci"));
    for is_disabled in [true, false] {
        let change = RobotChange { is_disabled: Some(is_disabled), ..RobotChange::default() };
        fixture.identity.update_robot(&system(), &project, &name, &change).await.expect("changed");
        assert_eq!(fixture.context(&credentials, &[]).await.is_err(), is_disabled);
    }
    fixture.advance(Duration::from_secs(60));
    assert_eq!(kind(fixture.context(&credentials, &[]).await), Kind::Unauthenticated);
    let change = RobotChange { expires_at: Some(None), ..RobotChange::default() };
    fixture.identity.update_robot(&system(), &project, &name, &change).await.expect("changed");
    fixture.context(&credentials, &[]).await.expect("logs in again");
    fixture.identity.delete_robot(&system(), &project, &name).await.expect("deleted");
    assert_eq!(kind(fixture.context(&credentials, &[]).await), Kind::Unauthenticated);
    assert_eq!(kind(fixture.identity.get_robot(&system(), &project, &name).await), Kind::NotFound);
}

#[tokio::test]
async fn what_would_reach_out_of_the_project_or_has_ended_is_refused() {
    let fixture = project().await;
    let create = async |robot: NewRobot| fixture.identity.create_robot(&system(), &parse("app"), &robot).await;
    let foreign = NewRobot { repositories: vec![parse("other/**")], ..robot("ci") };
    assert!(matches!(create(foreign).await, Err(Error::RobotRepositories { .. })));
    let many = NewRobot { repositories: vec![parse("app/x"); 65], ..robot("ci") };
    assert!(matches!(create(many).await, Err(Error::RobotRepositories { .. })));
    let ended = NewRobot { expires_at: Some(fixture.database.clock.now()), ..robot("ci") };
    assert!(matches!(create(ended).await, Err(Error::ExpiryPast)));
    create(robot("ci")).await.expect("made");
    let change = RobotChange { repositories: Some(vec![parse("other/**")]), ..RobotChange::default() };
    let refused = fixture.identity.update_robot(&system(), &parse("app"), &parse("ci"), &change).await;
    assert!(matches!(refused, Err(Error::RobotRepositories { .. })));
}

#[tokio::test]
async fn a_robot_reads_back_as_it_was_made_and_changed() {
    let fixture = project().await;
    let end = fixture.database.clock.now().plus(Duration::from_secs(60));
    let new = NewRobot {
        name: parse("ci"),
        permissions: Permissions::of(&[Permission::Push, Permission::Delete]),
        repositories: vec![parse("app/a"), parse("app/**/b")],
        expires_at: Some(end),
    };
    let (made, _) = fixture.identity.create_robot(&system(), &parse("app"), &new).await.expect("made");
    assert_eq!(
        (made.permissions, &made.repositories, made.expires_at),
        (new.permissions, &new.repositories, Some(end))
    );
    let change = RobotChange {
        permissions: Some(Permissions::NONE),
        repositories: Some(Vec::new()),
        expires_at: Some(None),
        is_disabled: Some(true),
    };
    let changed =
        fixture.identity.update_robot(&system(), &parse("app"), &parse("ci"), &change).await.expect("changed");
    assert!(changed.permissions.is_empty() && changed.repositories.is_empty() && changed.is_disabled);
    let listed = fixture.identity.list_robots(&system(), &parse("app"), &PageRequest::default()).await.expect("listed");
    assert_eq!(listed.entries, [changed]);
}
