//! Tokens and refresh tokens.

use std::time::Duration;

use wharf_context::{Kind, Permission, Pull};
use wharf_identity::{Credentials, Error, MemberName, Openness, Role, Secret, SystemRole, TokenRequest, UserChange};

use crate::fixture::{
    Fixture, basic, granted, kind, parse, password, request, settings, system, wanted, with_password,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn developer() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.member("app", "alice", Role::Developer).await;
    fixture
}

fn offline(credentials: Credentials) -> TokenRequest {
    TokenRequest { offline: true, ..request(credentials, "repository:app/web:pull") }
}

async fn refresh_token(fixture: &Fixture, credentials: Credentials) -> Credentials {
    let issued = fixture.identity.issue_token(offline(credentials)).await.expect("issued");
    Credentials::RefreshToken(issued.refresh_token.expect("asked for"))
}

#[tokio::test]
async fn less_than_was_asked_for_is_no_error() {
    let fixture = developer().await;
    let issued = fixture.token(basic("alice"), "repository:app/web:pull,push,delete repository:none/x:pull").await;
    let issued = issued.expect("issued");
    assert_eq!(issued.expires_in, Duration::from_secs(300));
    assert!(issued.refresh_token.is_none());
    let ctx = fixture.context(&Credentials::Bearer(issued.token), &[wanted("app/web", &[])]).await.expect("accepted");
    assert_eq!(granted(&ctx, "app/web"), [Permission::Pull, Permission::Push]);
    assert_eq!(ctx.caller.name, "alice");
}

#[tokio::test]
async fn wrong_credentials_get_no_token_and_none_get_an_anonymous_one() {
    let fixture = developer().await;
    assert_eq!(kind(fixture.token(with_password("alice", &Secret::new("wrong")), "").await), Kind::Unauthenticated);
    let token = fixture.bearer(Credentials::Anonymous, "repository:app/web:pull").await;
    let ctx = fixture.context(&token, &[]).await.expect("accepted");
    assert!(ctx.caller.is_anonymous() && ctx.authorize::<Pull>(&parse("app/web")).is_err());
    let again = fixture.token(token, "repository:app/web:pull").await;
    assert_eq!(kind(again), Kind::Unauthenticated, "a token does not get a token");
}

#[tokio::test]
async fn a_token_of_another_service_is_not_issued() {
    let fixture = developer().await;
    let other = TokenRequest { service: Some("other".to_owned()), ..request(basic("alice"), "") };
    assert_eq!(kind(fixture.identity.issue_token(other).await), Kind::Invalid);
    let unnamed = TokenRequest { service: None, ..request(basic("alice"), "") };
    fixture.identity.issue_token(unnamed).await.expect("issued");
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let fixture = developer().await;
    let token = fixture.bearer(basic("alice"), "repository:app/web:pull").await;
    fixture.advance(Duration::from_secs(299));
    fixture.context(&token, &[]).await.expect("still good");
    fixture.advance(Duration::from_secs(1));
    assert!(matches!(fixture.context(&token, &[]).await, Err(Error::Token(_))));
}

#[tokio::test]
async fn a_bearer_request_runs_no_sql() {
    let fixture = developer().await;
    let token = fixture.bearer(basic("alice"), "repository:app/web:pull").await;
    fixture.context(&token, &[]).await.expect("accepted");
    let before = fixture.database.db.figures();
    for _ in 0..10 {
        let ctx = fixture.context(&token, &[wanted("app/web", &[Permission::Pull])]).await.expect("accepted");
        assert!(ctx.authorize::<Pull>(&parse("app/web")).is_ok());
    }
    let after = fixture.database.db.figures();
    assert_eq!((before.gets, before.lists, before.committed), (after.gets, after.lists, after.committed));
}

#[tokio::test]
async fn a_change_of_membership_takes_effect_when_the_token_ends() {
    let fixture = developer().await;
    let refresh = refresh_token(&fixture, basic("alice")).await;
    let token = fixture.bearer(refresh.clone(), "repository:app/web:pull").await;
    let member = MemberName::User(parse("alice"));
    fixture.identity.delete_member(&system(), &parse("app"), &member).await.expect("deleted");
    assert_eq!(fixture.permissions(&token, "app/web").await, [Permission::Pull], "until it ends");
    fixture.advance(Duration::from_secs(300));
    assert!(fixture.context(&token, &[]).await.is_err());
    let token = fixture.bearer(refresh, "repository:app/web:pull").await;
    assert_eq!(fixture.permissions(&token, "app/web").await, []);
}

#[tokio::test]
async fn a_refresh_token_gets_new_tokens_and_stays_the_same() {
    let fixture = developer().await;
    let Credentials::RefreshToken(secret) = refresh_token(&fixture, basic("alice")).await else { panic!("one") };
    let issued =
        fixture.identity.issue_token(offline(Credentials::RefreshToken(secret.clone()))).await.expect("issued");
    assert_eq!(issued.refresh_token.expect("named again").expose(), secret.expose());
    let ctx = fixture.context(&Credentials::Bearer(issued.token), &[]).await.expect("accepted");
    assert_eq!(granted(&ctx, "app/web"), [Permission::Pull]);
    let anonymous = fixture.identity.issue_token(offline(Credentials::Anonymous)).await.expect("issued");
    assert!(anonymous.refresh_token.is_none());
}

#[tokio::test]
async fn a_refresh_token_lives_on_while_it_is_used() {
    let fixture = developer().await;
    let (used, unused) = (refresh_token(&fixture, basic("alice")).await, refresh_token(&fixture, basic("alice")).await);
    fixture.advance(DAY * 16);
    fixture.token(used.clone(), "").await.expect("still good");
    fixture.advance(DAY * 16);
    fixture.token(used, "").await.expect("it was used");
    assert_eq!(kind(fixture.token(unused, "").await), Kind::Unauthenticated);
}

#[tokio::test]
async fn a_refresh_token_ends_with_the_password_the_account_and_the_log_out() {
    let fixture = developer().await;
    let name = parse("alice");
    let refresh = refresh_token(&fixture, basic("alice")).await;
    fixture.identity.set_password(&system(), &name, &password("alice")).await.expect("set");
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated, "password set");

    let refresh = refresh_token(&fixture, basic("alice")).await;
    let ctx = fixture.as_user("alice").await;
    fixture.identity.change_password(&ctx, &password("alice"), &Secret::new("another one")).await.expect("changed");
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated, "password changed");

    let login = with_password("alice", &Secret::new("another one"));
    let refresh = refresh_token(&fixture, login.clone()).await;
    fixture.identity.revoke_refresh_tokens(&ctx, &name).await.expect("revoked");
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated, "all revoked");

    let Credentials::RefreshToken(secret) = refresh_token(&fixture, login.clone()).await else { panic!("one") };
    fixture.identity.revoke_refresh_token(&secret).await.expect("revoked");
    assert_eq!(kind(fixture.token(Credentials::RefreshToken(secret), "").await), Kind::Unauthenticated, "logged out");

    let refresh = refresh_token(&fixture, login.clone()).await;
    for is_disabled in [true, false] {
        let change = UserChange { is_disabled: Some(is_disabled), ..UserChange::default() };
        fixture.identity.update_user(&system(), &name, &change).await.expect("changed");
        assert_eq!(
            kind(fixture.token(refresh.clone(), "").await),
            Kind::Unauthenticated,
            "disabled, and enabled again"
        );
    }

    let refresh = refresh_token(&fixture, login).await;
    fixture.identity.delete_user(&system(), &name).await.expect("deleted");
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated, "deleted");
}

#[tokio::test]
async fn a_robots_refresh_token_ends_with_its_secret_and_its_time() {
    let fixture = developer().await;
    let secret = fixture.robot("app", "ci", &[Permission::Pull]).await;
    let refresh = refresh_token(&fixture, with_password("app+ci", &secret)).await;
    fixture.token(refresh.clone(), "").await.expect("good");
    let secret = fixture.identity.rotate_robot_secret(&system(), &parse("app"), &parse("ci")).await.expect("rotated");
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated);
    let refresh = refresh_token(&fixture, with_password("app+ci", &secret)).await;
    let end = wharf_context::Clock::now(&*fixture.database.clock).plus(DAY);
    let change = wharf_identity::RobotChange { expires_at: Some(Some(end)), ..Default::default() };
    fixture.identity.update_robot(&system(), &parse("app"), &parse("ci"), &change).await.expect("changed");
    fixture.advance(DAY);
    assert_eq!(kind(fixture.token(refresh, "").await), Kind::Unauthenticated);
    assert_eq!(kind(fixture.context(&with_password("app+ci", &secret), &[]).await), Kind::Unauthenticated);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_refresh_tokens() {
    let fixture = developer().await;
    let oldest = refresh_token(&fixture, basic("alice")).await;
    fixture.advance(Duration::from_secs(1));
    let second = refresh_token(&fixture, basic("alice")).await;
    for _ in 0..49 {
        fixture.advance(Duration::from_secs(1));
        refresh_token(&fixture, basic("alice")).await;
    }
    assert_eq!(kind(fixture.token(oldest, "").await), Kind::Unauthenticated);
    fixture.token(second, "").await.expect("still among the newest");
}

#[tokio::test]
async fn others_refresh_tokens_are_revoked_by_administrators_only() {
    let fixture = developer().await;
    fixture.user("bob", None).await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    let (bob, name) = (fixture.as_user("bob").await, parse("alice"));
    assert_eq!(kind(fixture.identity.revoke_refresh_tokens(&bob, &name).await), Kind::Denied);
    let root = fixture.as_user("root").await;
    fixture.identity.revoke_refresh_tokens(&root, &name).await.expect("revoked");
}

#[tokio::test]
async fn no_secret_is_stored_or_written_down() {
    let fixture = developer().await;
    let secret = fixture.robot("app", "ci", &[Permission::Pull]).await;
    let Credentials::RefreshToken(refresh) = refresh_token(&fixture, basic("alice")).await else { panic!("one") };
    for statement in [
        "SELECT name, password_hash FROM users",
        "SELECT name, secret_hash FROM robots",
        "SELECT created_at, token_hash FROM refresh_tokens",
        "SELECT resource, details FROM audit",
    ] {
        for row in fixture.database.db.list(statement, &[]).await.expect("reads") {
            let text = format!("{:?}", row.into_values().iter().map(readable).collect::<Vec<_>>());
            for secret in [&secret, &refresh, &password("alice")] {
                assert!(!text.contains(secret.expose()), "{statement}");
            }
        }
    }
    assert_eq!(settings().token_lifetime, Duration::from_secs(300));
}

fn readable(value: &wharf_db::Value) -> String {
    match value {
        wharf_db::Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        wharf_db::Value::Text(text) => text.clone(),
        wharf_db::Value::Integer(_) | wharf_db::Value::Null => String::new(),
    }
}
