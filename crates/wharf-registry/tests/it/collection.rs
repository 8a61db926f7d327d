//! Collection: gives back what nobody refers to, never what a push counts on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wharf_blob::Store as _;
use wharf_context::{Inspect, Maintain};
use wharf_oci::Algorithm;
use wharf_registry::collection::forecast::Reason;
use wharf_registry::{Collected, Error, Precondition, Settings};

use crate::fixture::{Fixture, GRACE, chunk, image, name, owner, settings, sha256};
use crate::stage::Staged;

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
async fn a_thousand_blobs_are_one_call_of_the_store() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    for number in 0..1_100 {
        fixture.push_blob(&ctx, "p/app", format!("blob {number}").as_bytes()).await;
    }
    fixture.clock.advance(GRACE * 2);
    let store = Arc::new(Staged::new(&fixture.store, &Arc::default()));
    let registry = fixture.registry_on(Arc::clone(&store) as _);
    assert_eq!(registry.collect().await.expect("collected").blobs, 1_100);
    assert_eq!(store.deletes.load(Ordering::SeqCst), 2);
    assert_eq!(fixture.store.list(None, 2_000).await.expect("listed").len(), 0);
}

#[tokio::test]
async fn bytes_stay_as_long_as_a_url_of_them_may_be_good() {
    let fixture = Fixture::with(Settings { presigned_for: GRACE, ..settings() }).await;
    let ctx = owner(&["p/app"]);
    fixture.push_blob(&ctx, "p/app", b"unused").await;
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 0);
    assert_eq!(fixture.stored().await.len(), 1);
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 1);
    assert_eq!(fixture.stored().await.len(), 0);
}

#[tokio::test]
async fn what_a_dead_worker_had_taken_is_collected_by_another() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_blob(&ctx, "p/app", b"unused").await;
    fixture.clock.advance(GRACE * 2);
    let other = fixture.registry_on(Arc::clone(&fixture.store) as _);
    // A worker that is dropped at any of its steps is as good as dead.
    for steps in 0..40_u32 {
        let mut polls = 0;
        let mut pass = Box::pin(fixture.registry.collect());
        std::future::poll_fn(|context| {
            polls += 1;
            if polls > steps { std::task::Poll::Ready(()) } else { pass.as_mut().poll(context).map(drop) }
        })
        .await;
    }
    fixture.clock.advance(GRACE);
    other.collect().await.expect("collected");
    assert_eq!(fixture.stored().await.len(), 0);
}

#[tokio::test]
async fn what_will_go_and_what_holds_it_is_told() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_image(&ctx, "p/app", "v1", b"kept").await;
    let unused = fixture.push_blob(&ctx, "p/app", b"unused").await;
    let gone = fixture.push_image(&ctx, "p/app", "v2", b"gone").await;
    fixture.registry.delete_manifest(&ctx, &app, &gone, &Precondition::None).await.expect("deleted");
    // The config was pushed twice: what the second push replaced is gone by now.
    fixture.registry.collect().await.expect("collected");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.registry.list_forecast(Inspect::granted(), after.as_deref(), Some(1)).await.expect("told");
        found.extend(page.entries.into_iter().filter_map(|entry| Some((entry.reason, entry.digest?))));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, [(Reason::Binned, gone), (Reason::Unused, unused)]);
    let held = fixture.registry.find_holders(Inspect::granted(), &sha256(b"kept")).await.expect("known");
    assert!(held.stored[0].is_present && held.links[0].is_named);
    assert_eq!(held.manifests[0].tags[0].as_str(), "v1");
    let held = fixture.registry.find_holders(Inspect::granted(), &gone).await.expect("known");
    assert!(held.manifests[0].binned_until.is_some());
    let unknown = fixture.registry.find_holders(Inspect::granted(), &sha256(b"nothing")).await;
    assert!(matches!(unknown, Err(Error::DigestUnknown(_))));
}

#[tokio::test]
async fn a_pass_that_was_asked_for_is_seen_in_the_status() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let asked_at = fixture.registry.start_collection(Maintain::granted(), &ctx).await.expect("asked");
    fixture.registry.collect().await.expect("collected");
    let status = fixture.registry.collection_status(Inspect::granted()).await.expect("told");
    let worker = status.workers.first().expect("one");
    assert!(worker.started_at >= asked_at.minus(std::time::Duration::from_secs(5)) && worker.ended_at.is_some());
    assert!(!status.is_running);
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
