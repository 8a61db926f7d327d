//! Uploads: in pieces, broken, resumed, by several writers.

use wharf_blob::Store as _;
use wharf_context::Permission;
use wharf_oci::{Algorithm, Digest};
use wharf_registry::upload::Chunk;
use wharf_registry::{ChunkRange, Error};

use crate::fixture::{Fixture, broken, caller, chunk, end, name, owner, ranged, sha256};

#[tokio::test]
async fn chunks_in_order_become_the_blob() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let upload = registry.append_upload(&ctx, &app, upload.id, ranged(b"hello ", 0)).await.expect("appended");
    assert_eq!(upload.offset_bytes, 6);
    let early = registry.append_upload(&ctx, &app, upload.id, ranged(b"x", 9)).await;
    assert!(matches!(early, Err(Error::ChunkOutOfOrder { offset_bytes: 6, .. })));
    let digest = sha256(b"hello world");
    registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(ranged(b"world", 6)))).await.expect("committed");
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("readable"), b"hello world");
    assert!(matches!(registry.get_upload(&ctx, &app, upload.id).await, Err(Error::UploadUnknown(_))));
}

#[tokio::test]
async fn what_arrived_before_the_connection_broke_counts() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    assert!(registry.append_upload(&ctx, &app, upload.id, broken(b"hello ")).await.is_err());
    let state = registry.get_upload(&ctx, &app, upload.id).await.expect("known");
    assert_eq!(state.offset_bytes, 6);
    let digest = sha256(b"hello world");
    registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(chunk(b"world")))).await.expect("committed");
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("readable"), b"hello world");
}

#[tokio::test]
async fn the_last_bytes_and_the_end_are_one_commit() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let before = fixture.transactions();
    let last = Some(chunk(b"content"));
    registry.commit_upload(&ctx, &app, end(upload.id, sha256(b"content"), last)).await.expect("committed");
    assert_eq!(fixture.transactions() - before, 1);
}

#[tokio::test]
async fn last_bytes_that_broke_off_or_are_too_few_count() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let digest = sha256(b"hello world");
    let too_few = Chunk { range: Some(ChunkRange { start: 0, end: 10 }), ..chunk(b"hello") };
    let refused = registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(too_few))).await;
    assert!(matches!(refused, Err(Error::ChunkSize { .. })));
    assert!(registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(broken(b" ")))).await.is_err());
    let state = registry.get_upload(&ctx, &app, upload.id).await.expect("known");
    assert_eq!(state.offset_bytes, 6);
    registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(chunk(b"world")))).await.expect("committed");
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("readable"), b"hello world");
}

#[tokio::test]
async fn the_final_request_may_name_another_algorithm() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let upload = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let digest = Digest::of(Algorithm::Sha512, b"content");
    let committed = fixture.registry.commit_upload(&ctx, &app, end(upload.id, digest, Some(chunk(b"content")))).await;
    committed.expect("committed");
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("readable"), b"content");
}

#[tokio::test]
async fn content_with_another_digest_leaves_nothing() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let wrong = sha256(b"other");
    let refused = registry.push_blob(&ctx, &app, &wrong, chunk(b"content")).await;
    assert!(matches!(refused, Err(Error::DigestMismatch { stated, .. }) if stated == wrong));
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let refused = registry.commit_upload(&ctx, &app, end(upload.id, wrong, Some(chunk(b"content")))).await;
    assert!(matches!(refused, Err(Error::DigestMismatch { .. })));
    assert!(matches!(registry.get_upload(&ctx, &app, upload.id).await, Err(Error::UploadUnknown(_))));
    assert!(fixture.store.uploads().await.expect("listed").is_empty());
    assert!(matches!(registry.find_blob(&ctx, &app, &wrong).await, Err(Error::BlobUnknown(_))));
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app", "p/other"]);
    let upload = fixture.registry.open_upload(&ctx, &name("p/app"), Algorithm::Sha256).await.expect("opened");
    let elsewhere = fixture.registry.append_upload(&ctx, &name("p/other"), upload.id, chunk(b"x")).await;
    assert!(matches!(elsewhere, Err(Error::UploadUnknown(_))));
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let upload = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    fixture.registry.delete_upload(&ctx, &app, upload.id).await.expect("cancelled");
    assert!(matches!(fixture.registry.delete_upload(&ctx, &app, upload.id).await, Err(Error::UploadUnknown(_))));
    assert!(fixture.store.uploads().await.expect("listed").is_empty());
}

#[tokio::test]
async fn two_that_end_one_upload_make_one_blob() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let registry = &fixture.registry;
    let upload = registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    registry.append_upload(&ctx, &app, upload.id, chunk(b"content")).await.expect("appended");
    let digest = sha256(b"content");
    let (one, other) = tokio::join!(
        registry.commit_upload(&ctx, &app, end(upload.id, digest, None)),
        registry.commit_upload(&ctx, &app, end(upload.id, digest, None))
    );
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("readable"), b"content");
}

#[tokio::test]
async fn pushing_takes_the_right_to_push() {
    let fixture = Fixture::open().await;
    let reader = caller(&["p/app"], &[Permission::Pull]);
    let refused = fixture.registry.open_upload(&reader, &name("p/app"), Algorithm::Sha256).await;
    assert!(matches!(refused, Err(Error::Authorize(_))));
}
