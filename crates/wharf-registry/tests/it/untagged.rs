//! Untagged manifests: kept for ever by default; where a time is set, kept as long as anything needs them.

use wharf_registry::{Precondition, Settings};

use crate::fixture::{Fixture, GRACE, IMAGE, image, image_with, index, name, owner, settings, sha256};

async fn with_a_time() -> Fixture {
    Fixture::with(Settings { untagged_after: Some(GRACE * 4), ..settings() }).await
}

#[tokio::test]
async fn without_a_time_untagged_manifests_stay() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.push_image(&ctx, "p/app", "v1", b"two").await;
    fixture.clock.advance(GRACE * 1000);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 0);
    assert!(fixture.get(&ctx, "p/app", &sha256(image(b"one").as_bytes()).to_string()).await.is_ok());
}

#[tokio::test]
async fn a_manifest_whose_tag_moved_on_goes_to_the_bin_after_its_time() {
    let fixture = with_a_time().await;
    let ctx = owner(&["p/app"]);
    let old = fixture.push_image(&ctx, "p/app", "v1", b"one").await.to_string();
    fixture.push_image(&ctx, "p/app", "v1", b"two").await;
    fixture.clock.advance(GRACE * 3);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 0);
    assert!(fixture.get(&ctx, "p/app", &old).await.is_ok());
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 1);
    assert!(fixture.get(&ctx, "p/app", &old).await.is_err());
    assert!(fixture.registry.restore_manifest(&ctx, &name("p/app"), &sha256(image(b"one").as_bytes())).await.is_ok());
}

#[tokio::test]
async fn what_a_deleted_tag_pointed_to_stays_until_the_bin_lets_go_of_the_tag() {
    let fixture = Fixture::with(Settings { untagged_after: Some(GRACE / 4), bin_keep: GRACE * 8, ..settings() }).await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await.to_string();
    fixture.registry.delete_tag(&ctx, &app, &"v1".parse().expect("tag"), &Precondition::None).await.expect("deleted");
    fixture.clock.advance(GRACE * 7);
    fixture.registry.collect().await.expect("collected");
    assert!(fixture.get(&ctx, "p/app", &digest).await.is_ok());
    fixture.clock.advance(GRACE * 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 1);
}

#[tokio::test]
async fn children_subjects_and_referrers_stay_as_long_as_what_they_belong_to() {
    let fixture = with_a_time().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_blob(&ctx, "p/app", b"{}").await;
    fixture.push_blob(&ctx, "p/app", b"one").await;
    let child = image(b"one");
    let child_digest = sha256(child.as_bytes()).to_string();
    fixture.put(&ctx, "p/app", &child_digest, child.clone()).await.expect("child");
    let list = fixture.put(&ctx, "p/app", "list", index(&[&child])).await.expect("index").digest;
    let about = image_with(
        b"one",
        &format!(
            r#","artifactType":"a/b","subject":{{"mediaType":"{IMAGE}","digest":"{child_digest}","size":{}}}"#,
            child.len()
        ),
    );
    let referrer = sha256(about.as_bytes()).to_string();
    fixture.put(&ctx, "p/app", &referrer, about).await.expect("referrer");
    fixture.clock.advance(GRACE * 10);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 0);
    // The tag goes, and the index after it; it takes along what was part of it.
    fixture.registry.delete_tag(&ctx, &app, &"list".parse().expect("tag"), &Precondition::None).await.expect("deleted");
    fixture.clock.advance(GRACE * 10);
    assert_eq!(fixture.registry.collect().await.expect("collected").untagged, 3);
    for reference in [child_digest, referrer, list.to_string()] {
        assert!(fixture.get(&ctx, "p/app", &reference).await.is_err(), "{reference}");
    }
}
