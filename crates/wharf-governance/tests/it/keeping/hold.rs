//! Holds: what they refuse, to whom, and until when.

use std::time::Duration;

use wharf_context::Clock as _;
use wharf_governance::{Error, HoldKind, HoldsQuery, NewHold};
use wharf_registry::bin::Overwriting;
use wharf_registry::{Precondition, Settings};

use super::fixture::{DAY, Fixture, index, name, owner, user, warrant};

const APP: &str = "pay/app";

fn on(repository: &str, reference: Option<&str>) -> NewHold {
    NewHold {
        kind: HoldKind::Legal,
        repository: name(repository),
        reference: reference.map(|text| text.parse().expect("a reference")),
        reason: "case 4711".to_owned(),
        until: None,
    }
}

async fn hold(fixture: &Fixture, repository: &str, reference: Option<&str>) -> i64 {
    let new = on(repository, reference);
    fixture.governance.set_hold(&user(2), &warrant(), &new).await.expect("the hold is set").id
}

async fn lift(fixture: &Fixture, id: i64) {
    fixture.governance.lift_hold(&user(2), &warrant(), (id, "settled")).await.expect("the hold is lifted");
}

async fn delete_tag(fixture: &Fixture, tag: &str) -> Result<(), wharf_registry::Error> {
    let tag = tag.parse().expect("a tag");
    fixture.registry.delete_tag(&owner(APP), &name(APP), &tag, &Precondition::None).await
}

#[tokio::test]
async fn a_held_tag_is_neither_deleted_nor_moved_until_the_hold_is_lifted() {
    let fixture = Fixture::open().await;
    let first = fixture.push(APP, Some("v1"), "one").await.expect("pushed");
    fixture.push(APP, Some("v2"), "two").await.expect("pushed");
    let id = hold(&fixture, APP, Some("v1")).await;
    let refused = delete_tag(&fixture, "v1").await.expect_err("held").to_string();
    assert!(
        refused.contains("`pay/app:v1`") && refused.contains("case 4711") && refused.contains("user-2"),
        "{refused}"
    );
    assert!(fixture.push(APP, Some("v1"), "three").await.is_err(), "moving is overwriting");
    let gone = fixture.registry.delete_manifest(&owner(APP), &name(APP), &first, &Precondition::None).await;
    assert!(gone.is_err(), "what the tag points to is held, too");
    fixture.push(APP, Some("v1"), "one").await.expect("the same again is no change");
    fixture.push(APP, Some("v3"), "three").await.expect("others go on");
    delete_tag(&fixture, "v2").await.expect("others go on");
    lift(&fixture, id).await;
    delete_tag(&fixture, "v1").await.expect("lifted");
    let again = fixture.governance.lift_hold(&user(2), &warrant(), (id, "twice")).await;
    assert!(matches!(again, Err(Error::HoldEnded { .. })), "{again:?}");
}

#[tokio::test]
async fn a_held_digest_keeps_what_it_is_made_of_and_what_lists_it() {
    let fixture = Fixture::open().await;
    let child = fixture.push(APP, None, "one").await.expect("pushed");
    fixture.push(APP, None, "two").await.expect("pushed");
    let list = fixture.put(APP, Some("v1"), &index(&["one", "two"])).await.expect("pushed");
    let layer = super::fixture::sha256(b"one");
    hold(&fixture, APP, Some(&child.to_string())).await;
    let ctx = owner(APP);
    assert!(fixture.registry.delete_manifest(&ctx, &name(APP), &list, &Precondition::None).await.is_err());
    assert!(fixture.registry.delete_manifest(&ctx, &name(APP), &child, &Precondition::None).await.is_err());
    assert!(fixture.registry.delete_blob(&ctx, &name(APP), &layer).await.is_err());
    assert!(delete_tag(&fixture, "v1").await.is_err(), "the index would have no name any more");
    let other = super::fixture::sha256(b"two");
    assert!(fixture.registry.delete_blob(&ctx, &name(APP), &other).await.is_ok(), "its neighbour's blob is not held");
}

#[tokio::test]
async fn a_held_repository_takes_what_is_new_and_lets_nothing_go() {
    let fixture = Fixture::open().await;
    fixture.push(APP, Some("v1"), "one").await.expect("pushed");
    fixture.push("pay/other", Some("v1"), "one").await.expect("pushed");
    hold(&fixture, APP, None).await;
    assert!(delete_tag(&fixture, "v1").await.is_err());
    fixture.push(APP, Some("v2"), "two").await.expect("new tags come");
    let tag = "v1".parse().expect("a tag");
    let other = "pay/other";
    fixture
        .registry
        .delete_tag(&owner(other), &name(other), &tag, &Precondition::None)
        .await
        .expect("another repository");
}

#[tokio::test]
async fn what_lies_in_the_bin_stays_there_while_it_is_held() {
    let settings = Settings { bin_keep: DAY, grace: Duration::from_secs(60), ..Settings::default() };
    let fixture = Fixture::with(settings).await;
    let digest = fixture.push(APP, Some("v1"), "one").await.expect("pushed");
    let ctx = owner(APP);
    fixture.registry.delete_manifest(&ctx, &name(APP), &digest, &Precondition::None).await.expect("deleted");
    let id = hold(&fixture, APP, Some(&digest.to_string())).await;
    assert!(fixture.registry.empty_bin(&ctx, &name(APP)).await.is_err());
    for _ in 0..3 {
        fixture.clock.advance(DAY * 2);
        fixture.registry.collect().await.expect("collected");
    }
    fixture.registry.restore_manifest(&ctx, &name(APP), &digest).await.expect("it is still there");
    fixture.registry.delete_manifest(&ctx, &name(APP), &digest, &Precondition::None).await.expect_err("held");
    lift(&fixture, id).await;
    fixture.registry.delete_manifest(&ctx, &name(APP), &digest, &Precondition::None).await.expect("lifted");
    fixture.clock.advance(DAY * 2);
    fixture.registry.collect().await.expect("collected");
    fixture.registry.restore_manifest(&ctx, &name(APP), &digest).await.expect_err("its time is over");
}

#[tokio::test]
async fn untagged_manifests_stay_while_they_are_held() {
    let settings = Settings { untagged_after: Some(DAY), bin_keep: DAY, ..Settings::default() };
    let fixture = Fixture::with(settings).await;
    let digest = fixture.push(APP, None, "one").await.expect("pushed");
    let id = hold(&fixture, APP, Some(&digest.to_string())).await;
    let stands = async || {
        let reference = digest.to_string().parse().expect("a reference");
        let accept = wharf_registry::manifest::Accept::Anything;
        fixture.registry.get_manifest(&owner(APP), &name(APP), &reference, &accept).await.is_ok()
    };
    for _ in 0..3 {
        fixture.clock.advance(DAY * 2);
        fixture.registry.collect().await.expect("collected");
        assert!(stands().await);
    }
    lift(&fixture, id).await;
    fixture.clock.advance(DAY * 2);
    fixture.registry.collect().await.expect("collected");
    assert!(!stands().await);
}

#[tokio::test]
async fn a_hold_ends_by_itself_when_its_time_is_over() {
    let fixture = Fixture::open().await;
    fixture.push(APP, Some("v1"), "one").await.expect("pushed");
    let until = Some(fixture.clock.now().plus(DAY));
    let new = NewHold { until, ..on(APP, Some("v1")) };
    let id = fixture.governance.set_hold(&user(2), &warrant(), &new).await.expect("set").id;
    assert!(delete_tag(&fixture, "v1").await.is_err());
    let listed = async |with_ended| {
        let query = HoldsQuery { with_ended, ..HoldsQuery::default() };
        let (holds, next) = fixture.governance.list_holds(&warrant(), &query).await.expect("listed");
        assert_eq!(next, None);
        holds.into_iter().map(|hold| hold.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(false).await, [id]);
    fixture.clock.advance(DAY);
    assert_eq!((listed(false).await, listed(true).await), (vec![], vec![id]));
    delete_tag(&fixture, "v1").await.expect("its time is over");
    let tag = "v1".parse().expect("a tag");
    let place = (&name(APP), &tag);
    fixture.registry.restore_tag(&owner(APP), place, None, Overwriting::Refused).await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_hold_says_on_what_and_why() {
    let fixture = Fixture::open().await;
    let missing = fixture.governance.set_hold(&user(2), &warrant(), &on(APP, Some("v1"))).await;
    assert!(matches!(missing, Err(Error::TagUnknown { .. })), "{missing:?}");
    for bad in [
        NewHold { reason: " ".to_owned(), ..on(APP, None) },
        NewHold { reason: "x".repeat(1_001), ..on(APP, None) },
        NewHold { until: Some(fixture.clock.now()), ..on(APP, None) },
    ] {
        let refused = fixture.governance.set_hold(&user(2), &warrant(), &bad).await;
        assert!(matches!(refused, Err(Error::HoldInvalid { .. })), "{refused:?}");
    }
    let unknown = fixture.governance.lift_hold(&user(2), &warrant(), (9, "over")).await;
    assert!(matches!(unknown, Err(Error::HoldUnknown { id: 9 })), "{unknown:?}");
}
