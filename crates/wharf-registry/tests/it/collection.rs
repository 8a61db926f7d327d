//! Collection: gives back what nobody refers to, never what a push counts on.

use wharf_blob::Store as _;
use wharf_oci::Algorithm;
use wharf_registry::{Collected, Error, Precondition};

use crate::fixture::{Fixture, GRACE, chunk, image, name, owner, sha256};

#[tokio::test]
async fn a_blob_that_no_manifest_names_goes_after_its_grace() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", b"kept").await;
    let digest = fixture.push_blob(&ctx, "p/app", b"unused").await;
    assert_eq!(fixture.registry.collect().await.expect("collected"), Collected::default());
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 1);
    let figures = fixture.registry.figures();
    assert_eq!((figures.blobs_pushed, figures.blobs_collected, figures.manifests_pushed), (3, 1, 1));
    assert!(matches!(fixture.read(&ctx, "p/app", &digest).await, Err(Error::BlobUnknown(_))));
    assert_eq!(fixture.read(&ctx, "p/app", &sha256(b"kept")).await.expect("kept"), b"kept");
    assert_eq!(fixture.stored().await.len(), 2, "config and layer of the image");
}

#[tokio::test]
async fn a_push_gives_the_blobs_that_it_counts_on_new_grace() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_blob(&ctx, "p/app", b"{}").await;
    let digest = fixture.push_blob(&ctx, "p/app", b"layer").await;
    fixture.clock.advance(GRACE - GRACE / 4);
    // The client asks whether it has to push; the answer "no" is a promise.
    fixture.registry.stat_blob(&ctx, &app, &digest).await.expect("there");
    fixture.registry.stat_blob(&ctx, &app, &sha256(b"{}")).await.expect("there");
    fixture.clock.advance(GRACE / 2);
    fixture.registry.collect().await.expect("collected");
    fixture.put(&ctx, "p/app", "v1", image(b"layer")).await.expect("its blobs are there");
}

#[tokio::test]
async fn a_deleted_image_gives_its_space_back_when_its_time_in_the_bin_is_over() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    fixture.clock.advance(GRACE * 2);
    fixture.registry.collect().await.expect("collected");
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    fixture.registry.collect().await.expect("collected");
    assert_eq!(fixture.stored().await.len(), 2, "in the bin");
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").manifests, 1);
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 2);
    assert_eq!(fixture.stored().await.len(), 0);
}

#[tokio::test]
async fn uploads_that_nobody_continues_end() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let left = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    let used = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("opened");
    fixture.clock.advance(GRACE * 3 / 4);
    fixture.registry.append_upload(&ctx, &app, used.id, chunk(b"x")).await.expect("used");
    fixture.clock.advance(GRACE / 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").uploads, 1);
    assert!(matches!(fixture.registry.get_upload(&ctx, &app, left.id).await, Err(Error::UploadUnknown(_))));
    assert_eq!(fixture.registry.get_upload(&ctx, &app, used.id).await.expect("kept").offset_bytes, 1);
    assert_eq!(fixture.store.uploads().await.expect("listed").len(), 1);
}

#[tokio::test]
async fn collection_runs_in_the_background() {
    let fixture = Fixture::open().await;
    let registry = fixture.registry.clone();
    let running = tokio::spawn(async move { registry.run_collection().await });
    let ctx = owner(&["p/app"]);
    fixture.push_blob(&ctx, "p/app", b"unused").await;
    fixture.clock.advance(GRACE * 2);
    let gone = async || fixture.stored().await.is_empty();
    wharf_testkit::eventually("the unused blob is collected", gone).await;
    running.abort();
}
