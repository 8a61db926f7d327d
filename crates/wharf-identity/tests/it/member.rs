//! Members of projects.

use wharf_context::{Kind, Permission};
use wharf_identity::{MemberName, Openness, PageRequest, Role, SystemRole};

use crate::fixture::{Fixture, basic, kind, parse, system};

#[tokio::test]
async fn members_are_changed_by_owners_and_administrators() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    for role in Role::ALL {
        fixture.member("app", role.name(), role).await;
    }
    fixture.user("bob", None).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    let (project, bob) = (parse("app"), MemberName::User(parse("bob")));
    for name in ["guest", "developer", "maintainer", "auditor"] {
        let ctx = fixture.as_user(name).await;
        assert_eq!(kind(fixture.identity.put_member(&ctx, &project, &bob, Role::Owner).await), Kind::Denied, "{name}");
        let own = MemberName::User(parse(name));
        assert_eq!(kind(fixture.identity.put_member(&ctx, &project, &own, Role::Owner).await), Kind::Denied, "{name}");
    }
    let stranger = fixture.as_user("bob").await;
    assert_eq!(kind(fixture.identity.put_member(&stranger, &project, &bob, Role::Owner).await), Kind::NotFound);
    let owner = fixture.as_user("owner").await;
    fixture.identity.put_member(&owner, &project, &bob, Role::Guest).await.expect("put");
    assert_eq!(fixture.permissions(&basic("bob"), "app/web").await, [Permission::Pull]);
    fixture.identity.delete_member(&owner, &project, &bob).await.expect("deleted");
    assert_eq!(kind(fixture.identity.delete_member(&owner, &project, &bob).await), Kind::NotFound);
}

#[tokio::test]
async fn who_does_not_exist_is_no_member() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    for text in ["user:nobody", "group:none"] {
        let refused = fixture.identity.put_member(&system(), &parse("app"), &parse(text), Role::Guest).await;
        assert_eq!(kind(refused), Kind::NotFound);
    }
}

#[tokio::test]
async fn the_greatest_of_several_roles_counts() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.member("app", "alice", Role::Guest).await;
    for (group, role) in [("devs", Role::Developer), ("ops", Role::Maintainer)] {
        fixture.identity.create_group(&system(), &parse(group)).await.expect("made");
        let member = MemberName::Group(parse(group));
        fixture.identity.put_member(&system(), &parse("app"), &member, role).await.expect("put");
    }
    let pull = [Permission::Pull];
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, pull);
    let new = [Permission::Pull, Permission::Push];
    fixture.identity.add_group_user(&system(), &parse("devs"), &parse("alice")).await.expect("added");
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, new);
    fixture.identity.add_group_user(&system(), &parse("ops"), &parse("alice")).await.expect("added");
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, Permission::ALL);
    fixture.identity.delete_group(&system(), &parse("ops")).await.expect("deleted");
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, new);
    fixture.identity.remove_group_user(&system(), &parse("devs"), &parse("alice")).await.expect("removed");
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, pull);
}

#[tokio::test]
async fn the_list_shows_users_then_groups_in_pages() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.identity.create_group(&system(), &parse("alpha")).await.expect("made");
    let group = MemberName::Group(parse("alpha"));
    fixture.identity.put_member(&system(), &parse("app"), &group, Role::Owner).await.expect("put");
    fixture.member("app", "zoe", Role::Guest).await;
    fixture.member("app", "bob", Role::Developer).await;
    let (mut names, mut page) = (Vec::new(), PageRequest { after: None, limit: Some(1) });
    loop {
        let listed = fixture.identity.list_members(&system(), &parse("app"), &page).await.expect("listed");
        names.extend(listed.entries.iter().map(|member| (member.name.to_string(), member.role)));
        let Some(next) = listed.next else { break };
        page.after = Some(next);
    }
    let expected = [("user:bob", Role::Developer), ("user:zoe", Role::Guest), ("group:alpha", Role::Owner)];
    assert_eq!(names, expected.map(|(name, role)| (name.to_owned(), role)));
    let nonsense = PageRequest { after: Some("nonsense".to_owned()), limit: None };
    let refused = fixture.identity.list_members(&system(), &parse("app"), &nonsense).await;
    assert_eq!(kind(refused), Kind::Invalid);
}
