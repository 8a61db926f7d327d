//! The audit log of what identity does.

use wharf_context::{Kind, Permission};
use wharf_identity::{
    AuditFilter, Fault, MemberName, ObjectFilter, Openness, PageRequest, ProjectChange, Retirement, Role, Secret,
    SystemRole,
};

use crate::fixture::{Fixture, basic, kind, parse, password, request, system};

#[tokio::test]
async fn every_change_writes_one_row_in_its_transaction() {
    let fixture = Fixture::new().await;
    let identity = &fixture.identity;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    let root = fixture.as_user("root").await;
    let (app, alice, devs, ci) = (parse("app"), parse("alice"), parse("devs"), parse("ci"));
    identity.create_project(&root, &app, Openness::Private).await.expect("made");
    identity.update_project(&root, &app, &ProjectChange { is_public: Some(true) }).await.expect("changed");
    fixture.user("alice", None).await;
    let member = MemberName::User(parse("alice"));
    identity.put_member(&root, &app, &member, Role::Guest).await.expect("put");
    identity.delete_member(&root, &app, &member).await.expect("deleted");
    identity.create_group(&root, &devs).await.expect("made");
    identity.add_group_user(&root, &devs, &alice).await.expect("added");
    identity.remove_group_user(&root, &devs, &alice).await.expect("removed");
    identity.delete_group(&root, &devs).await.expect("deleted");
    fixture.robot("app", "ci", &[Permission::Pull]).await;
    identity.rotate_robot_secret(&root, &app, &ci).await.expect("rotated");
    identity.update_robot(&root, &app, &ci, &Default::default()).await.expect("changed");
    identity.delete_robot(&root, &app, &ci).await.expect("deleted");
    identity.set_password(&root, &alice, &Secret::new("another one")).await.expect("set");
    identity.revoke_refresh_tokens(&root, &alice).await.expect("revoked");
    identity.delete_user(&root, &alice).await.expect("deleted");
    identity.change_password(&root, &password("root"), &Secret::new("another one")).await.expect("changed");
    identity.rotate_keys(&root, Retirement::AtOnce).await.expect("rotated");
    identity.delete_project(&root, &app).await.expect("deleted");
    assert_eq!(kind(identity.delete_project(&root, &app).await), Kind::NotFound);
    let page = PageRequest { after: None, limit: Some(1000) };
    let mut listed = identity.list_audit(&system(), &AuditFilter::default(), &page).await.expect("listed").entries;
    listed.reverse();
    let actions: Vec<_> = listed.iter().map(|record| record.action.as_str()).collect();
    let expected = [
        "user.create",
        "project.create",
        "project.update",
        "user.create",
        "member.put",
        "member.delete",
        "group.create",
        "group.add_user",
        "group.remove_user",
        "group.delete",
        "robot.create",
        "robot.rotate_secret",
        "robot.update",
        "robot.delete",
        "user.set_password",
        "user.revoke_refresh_tokens",
        "user.delete",
        "user.change_password",
        "key.rotate",
        "project.delete",
    ];
    assert_eq!(actions, expected);
    assert_eq!((listed[1].caller_name.as_str(), listed[1].remote.as_deref()), ("root", Some("192.0.2.1")));
}

#[tokio::test]
async fn the_log_is_read_by_administrators_and_auditors_in_pages() {
    let fixture = Fixture::new().await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture.user("alice", None).await;
    fixture
        .identity
        .issue_token(wharf_identity::TokenRequest { offline: true, ..request(basic("alice"), "") })
        .await
        .expect("issued");
    let all = AuditFilter::default();
    let to_alice = AuditFilter { object: Some(ObjectFilter::Named("alice".to_owned())), ..all.clone() };
    let (alice, auditor) = (fixture.as_user("alice").await, fixture.as_user("auditor").await);
    assert_eq!(kind(fixture.identity.list_audit(&alice, &all, &PageRequest::default()).await), Kind::Denied);
    let (mut actions, mut page) = (Vec::new(), PageRequest { after: None, limit: Some(1) });
    loop {
        let listed = fixture.identity.list_audit(&auditor, &all, &page).await.expect("listed");
        actions.extend(listed.entries.into_iter().map(|record| record.action));
        let Some(next) = listed.next else { break };
        page.after = Some(next);
    }
    assert_eq!(actions, ["key.rotate", "token.issue_refresh", "user.create", "user.create"]);
    let of_alice = fixture.identity.list_audit(&auditor, &to_alice, &PageRequest::default()).await.expect("listed");
    assert_eq!(of_alice.entries.len(), 2);
    let nonsense = PageRequest { after: Some("x".to_owned()), limit: None };
    assert_eq!(kind(fixture.identity.list_audit(&auditor, &all, &nonsense).await), Kind::Invalid);
}

/// What verifying the log from its beginning gives.
async fn verified(fixture: &Fixture) -> (i64, Option<Fault>, Option<i64>) {
    let verified = fixture.identity.verify_audit(&system(), 0).await.expect("verified");
    (verified.last, verified.fault, verified.proof.proven_to)
}

#[tokio::test]
async fn the_log_is_signed_and_found_changed_when_it_was() {
    let fixture = Fixture::new().await;
    for name in ["alice", "bob", "carol"] {
        fixture.user(name, None).await;
    }
    let checkpoint = fixture.identity.create_checkpoint(&system()).await.expect("signed").expect("rows");
    let again = fixture.identity.create_checkpoint(&system()).await.expect("signed");
    // Signing may have made the key, which is a row that the next one covers.
    assert!(again.is_some_and(|again| again.sequence <= checkpoint.sequence + 1));
    let (last, fault, proven_to) = verified(&fixture).await;
    assert_eq!((fault, proven_to), (None, Some(last)));
    assert!(last >= 3);
    let db = &fixture.database.db;
    db.transaction(async |tx| tx.execute("UPDATE audit SET resource = 'mallory' WHERE sequence = 2", &[]).await)
        .await
        .expect("changed");
    assert_eq!(verified(&fixture).await.1, Some(Fault::Changed { sequence: 2 }));
    db.transaction(async |tx| tx.execute("DELETE FROM audit WHERE sequence = 2", &[]).await).await.expect("deleted");
    assert_eq!(verified(&fixture).await.1, Some(Fault::NotNext { wanted: 2, found: 3 }));
    db.transaction(async |tx| tx.execute("DELETE FROM audit WHERE sequence > 1", &[]).await).await.expect("deleted");
    assert_eq!(verified(&fixture).await.1, Some(Fault::Truncated { wanted: last, found: 1 }));
    fixture.user("dave", None).await;
    let dave = fixture.as_user("dave").await;
    assert_eq!(kind(fixture.identity.verify_audit(&dave, 0).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.create_checkpoint(&dave).await), Kind::Denied);
}

#[tokio::test]
async fn the_log_is_sealed_and_signed_while_the_server_runs() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    let identity = fixture.identity.clone();
    let task = tokio::spawn(async move { identity.run_audit().await });
    wharf_testkit::eventually("the log is signed", async || {
        let (last, fault, proven_to) = verified(&fixture).await;
        assert_eq!(fault, None);
        last >= 1 && proven_to.is_some()
    })
    .await;
    task.abort();
}
