//! Groups.

use wharf_context::Kind;
use wharf_identity::{PageRequest, SystemRole};

use crate::fixture::{Fixture, kind, parse, system};

#[tokio::test]
async fn groups_are_changed_by_administrators_and_read_by_auditors() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    let (alice, auditor) = (fixture.as_user("alice").await, fixture.as_user("auditor").await);
    for ctx in [&alice, &auditor] {
        assert_eq!(kind(fixture.identity.create_group(ctx, &parse("devs")).await), Kind::Denied);
    }
    fixture.identity.create_group(&system(), &parse("devs")).await.expect("made");
    assert_eq!(kind(fixture.identity.create_group(&system(), &parse("DEVS")).await), Kind::Conflict);
    assert_eq!(kind(fixture.identity.get_group(&alice, &parse("devs")).await), Kind::Denied);
    fixture.identity.get_group(&auditor, &parse("devs")).await.expect("read");
    assert_eq!(kind(fixture.identity.add_group_user(&alice, &parse("devs"), &parse("alice")).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.delete_group(&auditor, &parse("devs")).await), Kind::Denied);
}

#[tokio::test]
async fn users_come_and_go() {
    let fixture = Fixture::new().await;
    let devs = parse("devs");
    fixture.identity.create_group(&system(), &devs).await.expect("made");
    for name in ["zoe", "bob", "amy"] {
        fixture.user(name, None).await;
        for _ in 0..2 {
            fixture.identity.add_group_user(&system(), &devs, &parse(name)).await.expect("added");
        }
    }
    fixture.identity.remove_group_user(&system(), &devs, &parse("zoe")).await.expect("removed");
    fixture.identity.remove_group_user(&system(), &devs, &parse("zoe")).await.expect("nothing to do");
    let users = async || {
        let listed =
            fixture.identity.list_group_users(&system(), &devs, &PageRequest::default()).await.expect("listed");
        listed.entries.into_iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(users().await, ["amy", "bob"]);
    fixture.identity.delete_user(&system(), &parse("amy")).await.expect("deleted");
    assert_eq!(users().await, ["bob"]);
    let nobody = fixture.identity.add_group_user(&system(), &devs, &parse("nobody")).await;
    assert_eq!(kind(nobody), Kind::NotFound);
    let nowhere = fixture.identity.add_group_user(&system(), &parse("none"), &parse("bob")).await;
    assert_eq!(kind(nowhere), Kind::NotFound);
    let groups = fixture.identity.list_groups(&system(), &PageRequest::default()).await.expect("listed");
    assert_eq!(groups.entries.len(), 1);
}
