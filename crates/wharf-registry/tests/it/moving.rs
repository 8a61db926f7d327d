//! Moving bytes: all of them, verified, resumable, and none deleted meanwhile.

use std::sync::Arc;
use std::time::Duration;

use wharf_blob::{Memory, StorageKey, Store, UploadState, body};
use wharf_context::Maintain;
use wharf_oci::{Algorithm, Digest};
use wharf_registry::{ByteCopy, CopySettings};

use crate::fixture::{Fixture, GRACE, name, owner};

const SETTINGS: CopySettings = CopySettings { parallel: 4, bytes_per_second: 0, rehashes: false };
const REHASHING: CopySettings = CopySettings { rehashes: true, ..SETTINGS };

fn permit() -> Maintain {
    Maintain::granted()
}

fn copy(fixture: &Fixture, target: &Arc<Memory>, settings: CopySettings) -> ByteCopy {
    let stores = (Arc::clone(&fixture.store) as Arc<dyn Store>, Arc::clone(target) as Arc<dyn Store>);
    ByteCopy::new(permit(), fixture.db().clone(), stores, settings)
}

/// Pushes blobs with these contents; says where their bytes lie.
async fn push(fixture: &Fixture, contents: &[&[u8]]) -> Vec<(Digest, StorageKey)> {
    let mut pushed = Vec::new();
    for content in contents {
        let digest = fixture.push_blob(&owner(&["p/app"]), "p/app", content).await;
        pushed.push((digest, fixture.storage_key(&digest).await));
    }
    pushed
}

/// Puts other bytes under a key.
async fn put(store: &dyn Store, key: StorageKey, content: &'static [u8]) {
    let upload = key.upload();
    store.delete(&[key]).await.expect("works");
    store.begin(upload).await.expect("works");
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(content)).await;
    appended.end.expect("works");
    store.finish(&upload, &appended.state).await.expect("works");
}

async fn has(store: &dyn Store, key: &StorageKey) -> Option<u64> {
    store.size(key).await.expect("works")
}

#[tokio::test]
async fn every_blob_is_copied_once_under_its_key() {
    let fixture = Fixture::open().await;
    let target = Arc::new(Memory::new());
    let first = push(&fixture, &[b"one", b"two", b""]).await;
    let mut moving = copy(&fixture, &target, SETTINGS);
    moving.pass().await.expect("works");
    let second = push(&fixture, &[b"three"]).await;
    moving.pass().await.expect("works");
    for (digest, key) in first.iter().chain(&second) {
        let expected = has(&*fixture.store, key).await;
        assert!(expected.is_some() && has(&*target, key).await == expected, "{digest}");
    }
    let figures = moving.figures();
    assert_eq!((figures.seen_blobs(), figures.copied_blobs(), figures.copied_bytes()), (4, 4, 11));
    let mut again = copy(&fixture, &target, REHASHING);
    again.pass().await.expect("works");
    assert_eq!((again.figures().seen_blobs(), again.figures().copied_blobs()), (4, 0), "all of it was there");
}

#[tokio::test]
async fn a_pass_ends_although_pushes_go_on_and_the_next_one_has_the_rest() {
    let fixture = Fixture::open().await;
    let target = Arc::new(Memory::new());
    push(&fixture, &[&[1; 1000], &[2; 1000], &[3; 1000]]).await;
    let slow = CopySettings { parallel: 1, bytes_per_second: 10_000, ..SETTINGS };
    let mut moving = copy(&fixture, &target, slow);
    let (passed, later) = tokio::join!(moving.pass(), push(&fixture, &[b"later"]));
    let passed = passed.expect("works");
    assert!(passed >= 3, "what was there is copied: {passed}");
    moving.pass().await.expect("works");
    assert_eq!(has(&*target, &later[0].1).await, Some(5));
    assert_eq!(moving.pass().await.expect("works"), 0);
}

#[tokio::test]
async fn what_an_earlier_copy_left_half_done_or_wrong_is_copied_anew() {
    let fixture = Fixture::open().await;
    let target = Arc::new(Memory::new());
    let pushed = push(&fixture, &[b"open", b"short", b"other"]).await;
    let [open, short, other] = [pushed[0].1, pushed[1].1, pushed[2].1];
    target.begin(open.upload()).await.expect("works");
    put(&*target, short, b"sh").await;
    put(&*target, other, b"OTHER").await;
    let mut by_size = copy(&fixture, &target, SETTINGS);
    by_size.pass().await.expect("works");
    assert_eq!(by_size.figures().copied_blobs(), 2, "the size alone is right");
    let mut by_digest = copy(&fixture, &target, REHASHING);
    by_digest.pass().await.expect("works");
    assert_eq!(by_digest.figures().copied_blobs(), 1);
    for (_, key) in &pushed {
        assert_eq!(has(&*target, key).await, has(&*fixture.store, key).await);
    }
}

#[tokio::test]
async fn damaged_blobs_are_named_and_not_copied() {
    let fixture = Fixture::open().await;
    let target = Arc::new(Memory::new());
    let pushed = push(&fixture, &[b"missing", b"short", b"rotten", b"well"]).await;
    fixture.store.delete(&[pushed[0].1]).await.expect("works");
    put(&*fixture.store, pushed[1].1, b"sh").await;
    put(&*fixture.store, pushed[2].1, b"ROTTEN").await;
    let mut moving = copy(&fixture, &target, SETTINGS);
    moving.pass().await.expect("works");
    let mut damaged: Vec<_> = moving.damaged().iter().map(|damaged| damaged.digest).collect();
    damaged.sort();
    let mut expected: Vec<_> = pushed[..3].iter().map(|(digest, _)| *digest).collect();
    expected.sort();
    assert_eq!(damaged, expected);
    for (_, key) in &pushed[..3] {
        assert_eq!(has(&*target, key).await, None);
    }
    assert_eq!(has(&*target, &pushed[3].1).await, Some(4));
}

#[tokio::test]
async fn what_the_catalog_no_longer_knows_is_pruned_and_nothing_else() {
    let fixture = Fixture::open().await;
    let target = Arc::new(Memory::new());
    let pushed = push(&fixture, &[b"kept"]).await;
    let stranger = Memory::new().create().await.expect("works").storage_key();
    let mut moving = copy(&fixture, &target, SETTINGS);
    moving.pass().await.expect("works");
    assert!(moving.is_target_free().await.expect("works"));
    put(&*target, stranger, b"gone").await;
    assert!(!moving.is_target_free().await.expect("works"));
    assert_eq!(moving.prune().await.expect("works"), 1);
    assert_eq!((has(&*target, &stranger).await, has(&*target, &pushed[0].1).await), (None, Some(4)));
}

/// Returns when nobody holds the bytes.
async fn free(fixture: &Fixture) {
    wharf_testkit::eventually("the hold is given back", async || {
        fixture.db().lease("registry.bytes", Duration::from_secs(1)).await.expect("works").is_some()
    })
    .await;
    fixture.clock.advance(Duration::from_secs(2));
}

#[tokio::test]
async fn no_bytes_go_while_they_are_held_and_they_go_afterwards() {
    let fixture = Fixture::open().await;
    let pushed = push(&fixture, &[b"orphan", b"again"]).await;
    let hold = fixture.registry.hold_bytes(permit()).await.expect("works").expect("works");
    assert!(fixture.registry.hold_bytes(permit()).await.expect("works").is_none(), "one at a time");
    push(&fixture, &[b"again"]).await;
    assert_eq!(has(&*fixture.store, &pushed[1].1).await, Some(5), "replaced, and kept");
    let ctx = owner(&["p/app"]);
    fixture.registry.delete_blob(&ctx, &name("p/app"), &pushed[0].0).await.expect("works");
    for _ in 0..400 {
        fixture.clock.advance(GRACE / 144);
        hold.confirm().await.expect("works");
    }
    fixture.registry.collect().await.expect("works");
    assert_eq!(has(&*fixture.store, &pushed[0].1).await, Some(6), "collected, and kept");
    drop(hold);
    free(&fixture).await;
    fixture.clock.advance(GRACE * 2);
    fixture.registry.collect().await.expect("works");
    for (_, key) in &pushed {
        assert_eq!(has(&*fixture.store, key).await, None);
    }
}

#[tokio::test]
async fn a_hold_whose_time_was_up_is_lost_for_good() {
    let fixture = Fixture::open().await;
    let hold = fixture.registry.hold_bytes(permit()).await.expect("works").expect("works");
    fixture.clock.advance(GRACE);
    assert!(hold.confirm().await.is_err());
    let other = fixture.registry.hold_bytes(permit()).await.expect("works").expect("works");
    assert!(hold.confirm().await.is_err());
    drop(hold);
    other.confirm().await.expect("works");
}
