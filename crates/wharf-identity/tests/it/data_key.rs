//! Data keys: what they seal in the catalog, and who may rotate them.

use std::sync::Arc;

use wharf_context::Kind;
use wharf_db::{Keyring, MasterKey, MasterKeys, params};
use wharf_identity::{Identity, Purpose, Retirement, SystemRole};

use crate::fixture::{Fixture, basic, kind, settings, system};

/// How every PKCS#8 document of an Ed25519 key begins, but for its length.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

async fn private_keys(fixture: &Fixture) -> Vec<Vec<u8>> {
    let rows = fixture.database.db.list("SELECT private_key FROM signing_keys ORDER BY id", &[]).await.expect("reads");
    rows.iter().map(|row| row.bytes(0).expect("bytes").to_vec()).collect()
}

fn is_plain(bytes: &[u8]) -> bool {
    bytes.windows(ED25519.len()).any(|window| window == ED25519)
}

#[tokio::test]
async fn no_private_key_lies_plain_in_the_catalog() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    let token = fixture.bearer(basic("alice"), "").await;
    fixture.identity.rotate_keys(&system(), Retirement::WhenTokensEnd).await.expect("rotates");
    let keys = private_keys(&fixture).await;
    assert_eq!(keys.len(), 2);
    assert!(!keys.iter().any(|key| is_plain(key)));
    fixture.context(&token, &[]).await.expect("and they verify");
}

#[tokio::test]
async fn keys_from_before_the_keyring_are_sealed_at_start_and_go_on() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    let clock = Arc::clone(&fixture.database.clock) as _;
    let before = Identity::new(settings(), fixture.database.db.clone(), clock).expect("the settings fit");
    let id = before.rotate_keys(&system(), Retirement::AtOnce).await.expect("rotates");
    assert!(is_plain(&private_keys(&fixture).await[0]), "as it was before");
    for _ in 0..2 {
        let node = fixture.another_node().await;
        assert_eq!(node.public_keys().await.expect("keys").keys[0].kid, id);
        assert!(!is_plain(&private_keys(&fixture).await[0]));
    }
}

#[tokio::test]
async fn a_private_key_in_another_ones_row_does_not_open() {
    let fixture = Fixture::new().await;
    fixture.identity.rotate_keys(&system(), Retirement::WhenTokensEnd).await.expect("rotates");
    fixture.identity.rotate_keys(&system(), Retirement::WhenTokensEnd).await.expect("rotates");
    let first = private_keys(&fixture).await[0].clone();
    let swap = "UPDATE signing_keys SET private_key = ?1";
    let swapped = fixture.database.db.transaction(async |tx| tx.execute(swap, &params![&first]).await).await;
    assert_eq!(swapped.expect("runs"), 2);
    let keys = fixture.another_node().await.public_keys().await;
    assert_eq!(keys.expect_err("one row holds the other's").kind(), Kind::Internal);
}

#[tokio::test]
async fn administrators_rotate_data_keys_and_auditors_see_them() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.user("watcher", Some(SystemRole::Auditor)).await;
    fixture.user("alice", None).await;
    let (root, watcher, alice) =
        (fixture.as_user("root").await, fixture.as_user("watcher").await, fixture.as_user("alice").await);
    let identity = &fixture.identity;
    let first = identity.rotate_data_key(&root, Purpose::Blobs).await.expect("rotates");
    let second = identity.rotate_data_key(&root, Purpose::Blobs).await.expect("rotates");
    let listed = identity.list_data_keys(&watcher).await.expect("sees them");
    let blobs = listed.iter().filter(|key| key.purpose == Purpose::Blobs);
    assert_eq!(blobs.map(|key| key.id.to_string()).collect::<Vec<_>>(), [second, first]);
    for ctx in [&watcher, &alice] {
        assert_eq!(kind(identity.rotate_data_key(ctx, Purpose::Blobs).await), Kind::Denied);
        assert_eq!(kind(identity.rewrap_data_keys(ctx).await), Kind::Denied);
    }
    assert_eq!(kind(identity.list_data_keys(&alice).await), Kind::Denied);
}

#[tokio::test]
async fn a_new_master_key_takes_over_and_the_audit_log_says_so() {
    let fixture = Fixture::new().await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    let id = fixture.identity.rotate_keys(&system(), Retirement::AtOnce).await.expect("rotates");
    let [newest, previous] = [8, 7].map(|byte| MasterKey::parse(&[byte; 32]).expect("a key"));
    let new_id = newest.id().to_owned();
    let masters = MasterKeys { newest, previous: vec![previous] };
    let both = Keyring::open(fixture.database.db.clone(), masters).await.expect("opens");
    let clock = Arc::clone(&fixture.database.clock) as _;
    let node = Identity::new(settings(), fixture.database.db.clone(), clock).expect("the settings fit");
    let node = node.with_keyring(both).await.expect("opens");
    let root = fixture.as_user("root").await;
    assert_eq!(node.rewrap_data_keys(&root).await.expect("rewraps"), 1);
    assert_eq!(node.master_key().expect("has one"), new_id);
    assert!(node.list_data_keys(&root).await.expect("lists").iter().all(|key| key.master == new_id));
    assert_eq!(node.public_keys().await.expect("keys").keys[0].kid, id, "nothing that was sealed has changed");
    let rows = fixture.database.db.list("SELECT action, resource FROM audit ORDER BY id DESC LIMIT 1", &[]).await;
    let rows = rows.expect("reads");
    assert_eq!((rows[0].text(0).expect("text"), rows[0].text(1).expect("text")), ("master_key.rotate", &new_id[..]));
}

#[tokio::test]
async fn without_a_keyring_nothing_sealed_is_read_and_nothing_rotated() {
    let fixture = Fixture::new().await;
    fixture.identity.rotate_keys(&system(), Retirement::AtOnce).await.expect("rotates");
    let clock = Arc::clone(&fixture.database.clock) as _;
    let bare = Identity::new(settings(), fixture.database.db.clone(), clock).expect("the settings fit");
    assert_eq!(kind(bare.public_keys().await), Kind::Internal);
    assert_eq!(kind(bare.rotate_data_key(&system(), Purpose::Blobs).await), Kind::Internal);
}
