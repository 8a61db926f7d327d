//! Persons: linked by administrators, so that two accounts of one person count once.

use wharf_context::{CallerId, Kind, PersonId};
use wharf_identity::{Identity, Openness, PageRequest, SystemRole};

use crate::fixture::{Fixture, kind, parse, system};

impl Fixture {
    async fn person_of(&self, caller: CallerId) -> Option<PersonId> {
        let db = &self.database.db;
        db.transaction(async |tx| Identity::person_of(tx, caller).await).await.expect("asked")
    }
}

#[tokio::test]
async fn two_accounts_of_one_person_are_one() {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    for name in ["ann", "ann-ldap", "bob"] {
        fixture.user(name, None).await;
    }
    fixture.robot("app", "ci", &[]).await;
    let identity = &fixture.identity;
    for person in ["ann", "bob"] {
        identity.create_person(&system(), &parse(person)).await.expect("made");
    }
    for (person, login) in [("ann", "ann"), ("ann", "ann-ldap"), ("ann", "app+ci"), ("bob", "bob")] {
        identity.link_account(&system(), &parse(person), login).await.expect("linked");
    }
    let of = async |name: &str| fixture.person_of(fixture.as_user(name).await.caller.id).await;
    assert_eq!(of("ann").await, of("ann-ldap").await);
    assert_ne!(of("ann").await, of("bob").await);
    assert_eq!(fixture.person_of(CallerId::Robot(1)).await, of("ann").await, "the robot that she answers for");
    assert_eq!(fixture.person_of(CallerId::System).await, None);
    let page = identity.list_persons(&system(), &PageRequest::default()).await.expect("listed");
    let logins: Vec<Vec<&str>> =
        page.entries.iter().map(|person| person.accounts.iter().map(|it| it.login.as_str()).collect()).collect();
    assert_eq!(logins, [vec!["ann", "ann-ldap", "app+ci"], vec!["bob"]]);
    // An account is one person's at most; whoever links it last has looked last.
    identity.link_account(&system(), &parse("bob"), "ann-ldap").await.expect("linked");
    assert_eq!(of("ann-ldap").await, of("bob").await);
    assert_eq!(kind(identity.unlink_account(&system(), &parse("ann"), "ann-ldap").await), Kind::NotFound);
    identity.unlink_account(&system(), &parse("bob"), "ann-ldap").await.expect("unlinked");
    assert_eq!(of("ann-ldap").await, None);
    identity.delete_user(&system(), &parse("bob")).await.expect("deleted");
    identity.delete_person(&system(), &parse("ann")).await.expect("deleted");
    assert_eq!(of("ann").await, None);
    assert_eq!(identity.list_persons(&system(), &PageRequest::default()).await.expect("listed").entries.len(), 1);
}

#[tokio::test]
async fn only_administrators_say_who_somebody_is() {
    let fixture = Fixture::new().await;
    fixture.user("ann", None).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    fixture.identity.create_person(&system(), &parse("ann")).await.expect("made");
    for name in ["ann", "auditor"] {
        let ctx = fixture.as_user(name).await;
        assert_eq!(kind(fixture.identity.create_person(&ctx, &parse("eve")).await), Kind::Denied);
        assert_eq!(kind(fixture.identity.link_account(&ctx, &parse("ann"), "ann").await), Kind::Denied);
    }
    let auditor = fixture.as_user("auditor").await;
    fixture.identity.list_persons(&auditor, &PageRequest::default()).await.expect("auditors read everything");
    for (person, login) in [("nobody", "ann"), ("ann", "nobody"), ("ann", "app+none"), ("ann", "a/b")] {
        let refused = fixture.identity.link_account(&system(), &parse(person), login).await;
        assert_eq!(kind(refused), Kind::NotFound, "{person} {login}");
    }
}
