//! Users, htpasswd import, and the first administrator.

use wharf_context::Kind;
use wharf_identity::{Error, NewUser, Openness, PageRequest, Role, Secret, SystemRole, UserChange};

use crate::fixture::{Fixture, basic, kind, parse, password, system, with_password};

fn role(system_role: Option<SystemRole>) -> UserChange {
    UserChange { system_role: Some(system_role), is_disabled: None }
}

fn disabled() -> UserChange {
    UserChange { system_role: None, is_disabled: Some(true) }
}

#[tokio::test]
async fn users_are_made_by_administrators() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture.user("alice", None).await;
    let new = |name: &str, password: &str| NewUser {
        name: parse(name),
        password: Some(Secret::new(password)),
        system_role: None,
    };
    for name in ["alice", "auditor"] {
        let ctx = fixture.as_user(name).await;
        let refused = fixture.identity.create_user(&ctx, &new("bob", "long enough")).await;
        assert_eq!(kind(refused), Kind::Denied, "{name}");
        assert_eq!(kind(fixture.identity.update_user(&ctx, &parse(name), &role(None)).await), Kind::Denied, "{name}");
        assert_eq!(kind(fixture.identity.delete_user(&ctx, &parse("root")).await), Kind::Denied, "{name}");
        let set = fixture.identity.set_password(&ctx, &parse("root"), &Secret::new("long enough")).await;
        assert_eq!(kind(set), Kind::Denied, "{name}");
    }
    let root = fixture.as_user("root").await;
    let made = fixture.identity.create_user(&root, &new("bob", "long enough")).await.expect("made");
    assert!(made.has_password && !made.is_disabled && made.system_role.is_none());
    assert_eq!(kind(fixture.identity.create_user(&root, &new("BOB", "long enough")).await), Kind::Conflict);
    assert_eq!(kind(fixture.identity.create_user(&root, &new("eve", "short")).await), Kind::Invalid);
}

#[tokio::test]
async fn users_see_themselves_and_auditors_see_all() {
    let fixture = Fixture::new().await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture.user("alice", None).await;
    let (alice, auditor) = (fixture.as_user("alice").await, fixture.as_user("auditor").await);
    assert_eq!(fixture.identity.me(&alice).await.expect("read").expect("a user").name, parse("alice"));
    assert_eq!(fixture.identity.me(&fixture.anonymous().await).await.expect("read"), None);
    fixture.identity.get_user(&alice, &parse("alice")).await.expect("oneself");
    assert_eq!(kind(fixture.identity.get_user(&alice, &parse("auditor")).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.get_user(&alice, &parse("nobody")).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.list_users(&alice, &PageRequest::default()).await), Kind::Denied);
    let page = PageRequest { after: None, limit: Some(1) };
    let first = fixture.identity.list_users(&auditor, &page).await.expect("listed");
    let second =
        fixture.identity.list_users(&auditor, &PageRequest { after: first.next, ..page }).await.expect("listed");
    assert_eq!((first.entries[0].name.as_str(), second.entries[0].name.as_str()), ("alice", "auditor"));
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn who_was_disabled_or_deleted_manages_nothing_any_more() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("other", Some(SystemRole::Administrator)).await;
    let ctx = fixture.as_user("other").await;
    fixture.identity.update_user(&system(), &parse("other"), &role(None)).await.expect("changed");
    assert_eq!(kind(fixture.identity.list_users(&ctx, &PageRequest::default()).await), Kind::Denied);
    fixture.identity.update_user(&system(), &parse("other"), &disabled()).await.expect("changed");
    assert_eq!(kind(fixture.identity.me(&ctx).await), Kind::Unauthenticated);
    fixture.identity.delete_user(&system(), &parse("other")).await.expect("deleted");
    assert_eq!(kind(fixture.identity.me(&ctx).await), Kind::Unauthenticated);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    let name = parse("root");
    let is_last = |result: Result<(), Error>| matches!(result, Err(Error::LastAdministrator(_)));
    let update = async |change: UserChange| fixture.identity.update_user(&system(), &name, &change).await.map(|_| ());
    assert!(is_last(update(role(None)).await) && is_last(update(role(Some(SystemRole::Auditor))).await));
    assert!(is_last(update(disabled()).await) && is_last(fixture.identity.delete_user(&system(), &name).await));
    update(role(Some(SystemRole::Administrator))).await.expect("nothing changes");
    fixture.user("second", Some(SystemRole::Administrator)).await;
    update(role(None)).await.expect("there is another");
}

#[tokio::test]
async fn ones_own_password_is_changed_with_the_present_one() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    let ctx = fixture.as_user("alice").await;
    let new = Secret::new("another one");
    let change = async |present: &Secret, new: &Secret| fixture.identity.change_password(&ctx, present, new).await;
    assert_eq!(kind(change(&Secret::new("wrong"), &new).await), Kind::Unauthenticated);
    assert_eq!(kind(change(&password("alice"), &Secret::new("short")).await), Kind::Invalid);
    change(&password("alice"), &new).await.expect("changed");
    assert_eq!(kind(fixture.context(&basic("alice"), &[]).await), Kind::Unauthenticated);
    fixture.context(&with_password("alice", &new), &[]).await.expect("logs in");
    for _ in 0..8 {
        assert_eq!(kind(change(&Secret::new("wrong"), &new).await), Kind::Unauthenticated);
    }
    assert_eq!(kind(change(&Secret::new("wrong"), &new).await), Kind::Throttled, "guessing is throttled here, too");
    let anonymous = fixture.anonymous().await;
    assert_eq!(kind(fixture.identity.change_password(&anonymous, &new, &new).await), Kind::Unauthenticated);
}

#[tokio::test]
async fn a_user_without_a_password_cannot_log_in_until_it_is_set() {
    let fixture = Fixture::new().await;
    let user = NewUser { name: parse("alice"), password: None, system_role: None };
    assert!(!fixture.identity.create_user(&system(), &user).await.expect("made").has_password);
    assert_eq!(kind(fixture.context(&with_password("alice", &Secret::new("")), &[]).await), Kind::Unauthenticated);
    fixture.identity.set_password(&system(), &parse("alice"), &password("alice")).await.expect("set");
    fixture.as_user("alice").await;
}

#[tokio::test]
async fn imported_users_log_in_and_get_a_better_hash() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    let (alice, bob) = (bcrypt::hash("password of alice", 4), bcrypt::hash("password of bob", 4));
    let file = format!("# ours\nAlice:{}\nbob:{}\n", alice.expect("hashes"), bob.expect("hashes"));
    let imported = fixture.identity.import_htpasswd(&fixture.as_user("root").await, &file).await.expect("imported");
    assert_eq!((imported.created, imported.existing), (vec![parse("alice"), parse("bob")], vec![]));
    let hash = async || {
        let row = fixture.database.db.get("SELECT password_hash, revision FROM users WHERE name = 'alice'", &[]).await;
        let row = row.expect("reads").expect("is there");
        (row.text(0).expect("text").to_owned(), row.integer(1).expect("a number"))
    };
    assert!(hash().await.0.starts_with("$2"));
    let wrong = with_password("alice", &Secret::new("wrong"));
    assert_eq!(kind(fixture.context(&wrong, &[]).await), Kind::Unauthenticated);
    assert!(hash().await.0.starts_with("$2"));
    let right = with_password("alice", &Secret::new("password of alice"));
    let refresh = wharf_identity::TokenRequest { offline: true, ..crate::fixture::request(right.clone(), "") };
    let refresh = fixture.identity.issue_token(refresh).await.expect("issued").refresh_token.expect("asked for");
    let (better, revision) = hash().await;
    assert!(better.starts_with("$argon2id$"), "{better}");
    assert_eq!(revision, 1, "the password is the same: what it was shown for goes on");
    fixture.context(&right, &[]).await.expect("logs in again");
    fixture.token(wharf_identity::Credentials::RefreshToken(refresh), "").await.expect("still good");
}

#[tokio::test]
async fn a_file_with_one_bad_line_is_not_imported_at_all() {
    let fixture = Fixture::new().await;
    let good = bcrypt::hash("password", 4).expect("hashes");
    let file = format!("alice:{good}\nbob:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\ncarol:$apr1$a$b\n");
    let error = fixture.identity.import_htpasswd(&system(), &file).await.expect_err("refused");
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().starts_with("2 lines of the file cannot be imported, the first is line 2: "), "{error}");
    assert_eq!(kind(fixture.identity.get_user(&system(), &parse("alice")).await), Kind::NotFound);
    let twice = format!("alice:{good}\n");
    fixture.identity.import_htpasswd(&system(), &twice).await.expect("imported");
    let again = fixture.identity.import_htpasswd(&system(), &twice).await.expect("imported");
    assert_eq!((again.created, again.existing), (vec![], vec![parse("alice")]));
    assert_eq!(kind(fixture.identity.import_htpasswd(&system(), &"#".repeat(2_000_000)).await), Kind::Invalid);
    let anonymous = fixture.anonymous().await;
    assert_eq!(kind(fixture.identity.import_htpasswd(&anonymous, &twice).await), Kind::Unauthenticated);
}

#[tokio::test]
async fn the_first_administrator_is_made_once_with_a_random_password() {
    let fixture = Fixture::new().await;
    let password = fixture.identity.bootstrap(None).await.expect("made").expect("shown once");
    assert!(password.expose().len() >= 32);
    assert!(fixture.identity.bootstrap(None).await.expect("nothing to do").is_none());
    assert!(fixture.identity.bootstrap(Some(Secret::new("long enough"))).await.expect("nothing to do").is_none());
    let ctx = fixture.context(&with_password("admin", &password), &[]).await.expect("logs in");
    fixture.identity.create_project(&ctx, &parse("app"), Openness::Private).await.expect("made");
}

#[tokio::test]
async fn the_first_administrators_password_may_be_given() {
    let fixture = Fixture::new().await;
    assert_eq!(kind(fixture.identity.bootstrap(Some(Secret::new("short"))).await), Kind::Invalid);
    let password = Secret::new("given by the operator");
    assert!(fixture.identity.bootstrap(Some(password.clone())).await.expect("made").is_none());
    fixture.context(&with_password("admin", &password), &[]).await.expect("logs in");
}

#[tokio::test]
async fn nodes_that_start_together_make_one_administrator() {
    let fixture = Fixture::new().await;
    let (one, two) = (fixture.another_node().await, fixture.another_node().await);
    let (one, two) = tokio::join!(one.bootstrap(None), two.bootstrap(None));
    let shown: Vec<_> = [one, two].into_iter().filter_map(|shown| shown.expect("no error")).collect();
    assert_eq!(shown.len(), 1);
    fixture.context(&with_password("admin", &shown[0]), &[]).await.expect("logs in");
}

#[tokio::test]
async fn a_deleted_users_roles_do_not_pass_to_the_next_of_that_name() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.member("app", "alice", Role::Owner).await;
    fixture.identity.delete_user(&system(), &parse("alice")).await.expect("deleted");
    fixture.user("alice", None).await;
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, []);
}
