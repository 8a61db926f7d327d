//! Projects.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wharf_context::{Kind, Permission};
use wharf_identity::{Error, Identity, MemberName, Openness, PageRequest, ProjectChange, Role, Settings, SystemRole};
use wharf_oci::Environments;

use crate::fixture::{Fixture, kind, parse, settings, system};

#[tokio::test]
async fn a_project_is_made_once_and_not_under_a_reserved_name() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("alice", None).await;
    let root = fixture.as_user("root").await;
    let project = fixture.identity.create_project(&root, &parse("app"), Openness::Public).await.expect("made");
    assert!(project.is_public && project.name.as_str() == "app");
    let again = fixture.identity.create_project(&root, &parse("app"), Openness::Public).await;
    assert_eq!(kind(again), Kind::Conflict);
    let reserved = fixture.identity.create_project(&root, &parse("s1"), Openness::Public).await;
    assert!(matches!(reserved, Err(Error::ReservedProject(_))));
    let alice = fixture.as_user("alice").await;
    let denied = fixture.identity.create_project(&alice, &parse("mine"), Openness::Private).await;
    assert_eq!(kind(denied), Kind::Denied);
    let anonymous = fixture.identity.create_project(&fixture.anonymous().await, &parse("x"), Openness::Private).await;
    assert_eq!(kind(anonymous), Kind::Unauthenticated);
}

#[tokio::test]
async fn a_private_project_is_seen_by_its_members_only() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.member("app", "alice", Role::Guest).await;
    fixture.user("bob", None).await;
    let name = parse("app");
    let (_, role) = fixture.identity.get_project(&fixture.as_user("alice").await, &name).await.expect("seen");
    assert_eq!(role, Some(Role::Guest));
    assert_eq!(kind(fixture.identity.get_project(&fixture.as_user("bob").await, &name).await), Kind::NotFound);
    assert_eq!(kind(fixture.identity.get_project(&fixture.anonymous().await, &name).await), Kind::Unauthenticated);
    let change = ProjectChange { is_public: Some(true) };
    fixture.identity.update_project(&system(), &name, &change).await.expect("changed");
    fixture.identity.get_project(&fixture.anonymous().await, &name).await.expect("public");
}

#[tokio::test]
async fn settings_are_changed_by_owners() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    for role in Role::ALL {
        fixture.member("app", role.name(), role).await;
    }
    let change = ProjectChange { is_public: Some(true) };
    for role in [Role::Guest, Role::Developer, Role::Maintainer] {
        let ctx = fixture.as_user(role.name()).await;
        assert_eq!(kind(fixture.identity.update_project(&ctx, &parse("app"), &change).await), Kind::Denied);
        assert_eq!(kind(fixture.identity.delete_project(&ctx, &parse("app")).await), Kind::Denied);
    }
    let owner = fixture.as_user("owner").await;
    assert!(fixture.identity.update_project(&owner, &parse("app"), &change).await.expect("changed").is_public);
    fixture.identity.delete_project(&owner, &parse("app")).await.expect("deleted");
}

#[tokio::test]
async fn a_project_in_use_stays() {
    let fixture = Fixture::new().await;
    let id = fixture.project("app", Openness::Private).await;
    fixture.member("app", "alice", Role::Owner).await;
    fixture.robot("app", "ci", &[Permission::Pull]).await;
    fixture.project_use.0.store(true, Ordering::SeqCst);
    let refused = fixture.identity.delete_project(&system(), &parse("app")).await;
    assert!(matches!(refused, Err(Error::ProjectInUse(_))));
    fixture.project_use.0.store(false, Ordering::SeqCst);
    fixture.identity.delete_project(&system(), &parse("app")).await.expect("deleted");
    assert_eq!(kind(fixture.identity.get_project(&system(), &parse("app")).await), Kind::NotFound);
    let again = fixture.project("app", Openness::Private).await;
    assert_ne!(id, again, "a number is never used again");
}

#[tokio::test]
async fn a_project_is_not_deleted_by_guess() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    let blind = Identity::new(settings(), fixture.database.db.clone(), Arc::clone(&fixture.database.clock) as _);
    let refused = blind.expect("the settings fit").delete_project(&system(), &parse("app")).await;
    assert!(matches!(refused, Err(Error::ProjectUseUnknown)));
}

#[tokio::test]
async fn a_project_that_is_gone_or_another_is_not_confirmed() {
    let fixture = Fixture::new().await;
    let id = fixture.project("app", Openness::Private).await;
    fixture.project("other", Openness::Private).await;
    let confirm = async |name: &str| {
        let name = parse(name);
        let db = &fixture.database.db;
        db.transaction(async |tx| Identity::confirm_project(tx, id, &name).await).await.expect("asked")
    };
    assert!(confirm("app").await && !confirm("other").await);
    fixture.identity.delete_project(&system(), &parse("app")).await.expect("deleted");
    fixture.project("app", Openness::Private).await;
    assert!(!confirm("app").await);
}

#[tokio::test]
async fn no_environment_takes_the_name_of_a_project_that_is_there() {
    let fixture = Fixture::new().await;
    fixture.project("qa", Openness::Private).await;
    fixture.identity.check_environments().await.expect("no project is called d, t, s1, s2 or p");
    let names = ["d", "qa", "p"].map(|name| name.parse().expect("valid")).to_vec();
    let settings = Settings { environments: Environments::new(names).expect("few"), ..settings() };
    let db = fixture.database.db.clone();
    let identity = Identity::new(settings, db, Arc::clone(&fixture.database.clock) as _).expect("the settings fit");
    let refused = identity.check_environments().await;
    assert!(matches!(refused, Err(Error::EnvironmentIsProject(name)) if name.as_str() == "qa"));
}

#[tokio::test]
async fn lists_come_in_pages_of_what_the_caller_sees() {
    let fixture = Fixture::new().await;
    for name in ["e", "c", "a", "b"] {
        fixture.project(name, Openness::Private).await;
    }
    fixture.project("open", Openness::Public).await;
    fixture.member("c", "alice", Role::Guest).await;
    fixture.identity.create_group(&system(), &parse("devs")).await.expect("made");
    fixture.identity.add_group_user(&system(), &parse("devs"), &parse("alice")).await.expect("added");
    let devs = MemberName::Group(parse("devs"));
    fixture.identity.put_member(&system(), &parse("e"), &devs, Role::Guest).await.expect("put");
    let secret = fixture.robot("b", "ci", &[]).await;
    let list = async |ctx, limit| {
        let (mut names, mut page) = (Vec::new(), PageRequest { after: None, limit: Some(limit) });
        loop {
            let listed = fixture.identity.list_projects(&ctx, &page).await.expect("listed");
            assert!(listed.entries.len() <= limit);
            names.extend(listed.entries.into_iter().map(|project| project.name.to_string()));
            match listed.next {
                Some(next) => page.after = Some(next),
                None => return names,
            }
        }
    };
    for limit in [1, 2, 100] {
        assert_eq!(list(system(), limit).await, ["a", "b", "c", "e", "open"]);
        assert_eq!(list(fixture.as_user("alice").await, limit).await, ["c", "e", "open"]);
        assert_eq!(list(fixture.anonymous().await, limit).await, ["open"]);
        let robot = fixture.context(&crate::fixture::with_password("b+ci", &secret), &[]).await.expect("a context");
        assert_eq!(list(robot, limit).await, ["b", "open"]);
    }
}

#[tokio::test]
async fn two_pushes_at_once_make_one_project() {
    let fixture = Fixture::open_mode().await;
    let wanted = [crate::fixture::wanted("new/app", &[Permission::Push])];
    let contexts = (0..8).map(|_| fixture.context(&wharf_identity::Credentials::Anonymous, &wanted));
    let contexts = futures_util::future::join_all(contexts).await;
    let mut ids: Vec<_> = contexts
        .into_iter()
        .map(|ctx| {
            let permit = ctx.expect("a context").authorize::<wharf_context::Push>(&parse("new/app"));
            permit.expect("granted").project()
        })
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}
