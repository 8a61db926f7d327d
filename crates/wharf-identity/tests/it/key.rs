//! Signing keys: made, rotated, shared by nodes.

use std::time::Duration;

use wharf_context::{Kind, RequestId};
use wharf_identity::{Credentials, Retirement, SystemRole};

use crate::fixture::{Fixture, basic, kind, system};

async fn alice() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    fixture
}

#[tokio::test]
async fn a_node_accepts_the_tokens_of_another_and_of_a_key_made_later() {
    let fixture = alice().await;
    let other = fixture.another_node().await;
    let accepts = async |token: &Credentials| other.context(token, RequestId::generate(), None, &[]).await.is_ok();
    assert!(accepts(&fixture.bearer(basic("alice"), "").await).await);
    fixture.identity.rotate_keys(&system(), Retirement::WhenTokensEnd).await.expect("rotated");
    fixture.advance(Duration::from_secs(3));
    let token = fixture.bearer(basic("alice"), "").await;
    assert!(accepts(&token).await, "an unknown key is looked for");
}

#[tokio::test]
async fn unknown_keys_are_looked_for_at_most_once_a_second() {
    let fixture = alice().await;
    let stranger = alice().await;
    let theirs = stranger.bearer(basic("alice"), "").await;
    fixture.bearer(basic("alice"), "").await;
    fixture.advance(Duration::from_secs(2));
    assert!(fixture.context(&theirs, &[]).await.is_err());
    let before = fixture.database.db.figures();
    for _ in 0..50 {
        assert!(fixture.context(&theirs, &[]).await.is_err());
    }
    assert_eq!(before.lists, fixture.database.db.figures().lists);
    fixture.advance(Duration::from_secs(1));
    assert!(fixture.context(&theirs, &[]).await.is_err());
    assert_eq!(before.lists + 1, fixture.database.db.figures().lists);
}

#[tokio::test]
async fn a_rotated_key_verifies_until_its_tokens_have_ended() {
    let fixture = alice().await;
    let old = fixture.bearer(basic("alice"), "").await;
    let first = fixture.identity.public_keys().await.expect("keys").keys;
    fixture.advance(Duration::from_secs(10));
    let id = fixture.identity.rotate_keys(&system(), Retirement::WhenTokensEnd).await.expect("rotated");
    fixture.advance(Duration::from_secs(280));
    fixture.context(&old, &[]).await.expect("its time has not ended");
    let keys = fixture.identity.public_keys().await.expect("keys").keys;
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&first[0]) && keys.iter().any(|key| key.kid == id));
    fixture.advance(Duration::from_secs(100));
    let keys = fixture.identity.public_keys().await.expect("keys").keys;
    assert_eq!(keys.iter().map(|key| &key.kid).collect::<Vec<_>>(), [&id]);
}

#[tokio::test]
async fn a_leaked_key_is_forgotten_at_once() {
    let fixture = alice().await;
    let other = fixture.another_node().await;
    let old = fixture.bearer(basic("alice"), "").await;
    other.context(&old, RequestId::generate(), None, &[]).await.expect("accepted");
    fixture.identity.rotate_keys(&system(), Retirement::AtOnce).await.expect("rotated");
    assert!(fixture.context(&old, &[]).await.is_err());
    fixture.advance(Duration::from_secs(30));
    assert!(other.context(&old, RequestId::generate(), None, &[]).await.is_err(), "other nodes within half a minute");
    fixture.bearer(basic("alice"), "").await;
}

#[tokio::test]
async fn a_key_is_replaced_when_it_has_signed_for_long_enough() {
    let fixture = alice().await;
    let first = fixture.identity.public_keys().await.expect("keys").keys[0].kid.clone();
    fixture.advance(Duration::from_secs(31 * 24 * 3600));
    fixture.bearer(basic("alice"), "").await;
    fixture.advance(Duration::from_secs(11));
    let token = fixture.bearer(basic("alice"), "").await;
    fixture.context(&token, &[]).await.expect("accepted");
    let keys = fixture.identity.list_keys(&system()).await.expect("listed");
    assert_eq!(keys.len(), 2);
    assert!(keys[0].id != first && keys[0].retired_at.is_none());
    assert!(keys[1].id == first && keys[1].retired_at.is_some());
}

#[tokio::test]
async fn nodes_that_start_together_agree_on_one_key() {
    let fixture = alice().await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(fixture.another_node().await);
    }
    let keys = futures_util::future::join_all(nodes.iter().map(|node| node.public_keys())).await;
    for set in &keys {
        assert_eq!(set.as_ref().expect("keys"), keys[0].as_ref().expect("keys"));
    }
}

#[tokio::test]
async fn keys_are_for_administrators() {
    let fixture = alice().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("auditor", Some(SystemRole::Auditor)).await;
    let (alice, auditor) = (fixture.as_user("alice").await, fixture.as_user("auditor").await);
    assert_eq!(kind(fixture.identity.list_keys(&alice).await), Kind::Denied);
    assert_eq!(kind(fixture.identity.rotate_keys(&auditor, Retirement::AtOnce).await), Kind::Denied);
    fixture.identity.list_keys(&auditor).await.expect("an auditor reads");
    fixture.identity.rotate_keys(&fixture.as_user("root").await, Retirement::WhenTokensEnd).await.expect("rotated");
}
