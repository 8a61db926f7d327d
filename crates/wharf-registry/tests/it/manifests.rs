//! Manifests: exactly as sent, on blobs that are there, all or nothing.

use wharf_context::Permission;
use wharf_oci::{Algorithm, Digest};
use wharf_registry::manifest::Accept;
use wharf_registry::{Error, NewManifest, Precondition, Settings};

use crate::fixture::{
    Fixture, IMAGE, INDEX, caller, descriptor, image, image_with, index, manifest, name, owner, settings, sha256,
};

#[tokio::test]
async fn a_manifest_comes_back_as_it_was_sent() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    for reference in ["v1", &digest.to_string()] {
        let stored = fixture.get(&ctx, "p/app", reference).await.expect("stored");
        assert_eq!((stored.digest, stored.media_type.as_str()), (digest, IMAGE));
        assert_eq!(stored.bytes, image(b"layer"));
    }
}

#[tokio::test]
async fn the_clients_own_algorithm_is_answered() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let digest = Digest::of(Algorithm::Sha512, image(b"layer").as_bytes());
    let new =
        NewManifest { tags: vec!["wide".parse().expect("tag")], ..manifest(&digest.to_string(), image(b"layer")) };
    assert_eq!(fixture.registry.put_manifest(&ctx, &name("p/app"), &new).await.expect("pushed").digest, digest);
    assert_eq!(fixture.get(&ctx, "p/app", "wide").await.expect("tagged").digest, digest);
    assert_eq!(fixture.get(&ctx, "p/app", "v1").await.expect("tagged").digest.algorithm(), Algorithm::Sha256);
}

#[tokio::test]
async fn a_manifest_stands_on_blobs_of_its_own_repository() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app", "p/other"]);
    fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let refused = fixture.put(&ctx, "p/other", "v1", image(b"layer")).await;
    assert!(matches!(refused, Err(Error::ManifestBlobUnknown(_))));
    assert!(matches!(fixture.get(&ctx, "p/other", "v1").await, Err(Error::ManifestUnknown { .. })));
}

#[tokio::test]
async fn descriptors_tell_the_truth_about_sizes() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let child = image(b"layer");
    fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let lying = image(b"layer").replace(r#""size":5"#, r#""size":6"#);
    assert!(matches!(fixture.put(&ctx, "p/app", "v2", lying).await, Err(Error::SizeMismatch { .. })));
    let size = format!(r#""size":{}"#, child.len());
    let lying = index(&[&child]).replace(&size, r#""size":1"#);
    assert!(matches!(fixture.put(&ctx, "p/app", "v2", lying).await, Err(Error::SizeMismatch { .. })));
    assert_eq!(fixture.tags(&ctx, "p/app").await, ["v1"]);
}

#[tokio::test]
async fn an_index_may_name_manifests_that_are_not_there() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let sparse = index(&[&image(b"nowhere")]);
    let pushed = fixture.put(&ctx, "p/app", "v1", sparse.clone()).await.expect("sparse index");
    assert_eq!(pushed.digest, sha256(sparse.as_bytes()));
    let stored = fixture.get(&ctx, "p/app", "v1").await.expect("stored");
    assert_eq!(stored.media_type, INDEX);
}

#[tokio::test]
async fn an_image_may_lack_some_layers_unless_that_is_refused() {
    let two_layers = |fixture: &'static str| {
        let more = descriptor("application/vnd.oci.image.layer.v1.tar", b"elsewhere");
        image(b"layer").replace(r#"]"#, &format!(",{more}]")).replace("nothing", fixture)
    };
    for (sparse_images, accepted) in [(true, true), (false, false)] {
        let fixture = Fixture::with(Settings { sparse_images, ..settings() }).await;
        let ctx = owner(&["p/app"]);
        fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
        let pushed = fixture.put(&ctx, "p/app", "v2", two_layers("")).await;
        assert_eq!(pushed.is_ok(), accepted, "{pushed:?}");
    }
}

#[tokio::test]
async fn a_digest_that_is_not_the_contents_is_refused() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let stated = sha256(b"other").to_string();
    let refused = fixture.put(&ctx, "p/app", &stated, image(b"layer")).await;
    assert!(matches!(refused, Err(Error::DigestMismatch { .. })));
}

#[tokio::test]
async fn a_developer_adds_tags_and_does_not_move_them() {
    let fixture = Fixture::open().await;
    let maintainer = owner(&["p/app"]);
    let developer = caller(&["p/app"], &[Permission::Pull, Permission::Push]);
    let first = fixture.push_image(&developer, "p/app", "v1", b"one").await;
    fixture.push_blob(&developer, "p/app", b"two").await;
    let moved = fixture.put(&developer, "p/app", "v1", image(b"two")).await;
    assert!(matches!(moved, Err(Error::TagExists { .. })));
    assert_eq!(fixture.get(&developer, "p/app", "v1").await.expect("unmoved").digest, first);
    // Nothing of the refused push is there, the same push again is no move, and a maintainer may.
    let second = sha256(image(b"two").as_bytes()).to_string();
    assert!(fixture.get(&developer, "p/app", &second).await.is_err());
    fixture.put(&developer, "p/app", "v1", image(b"one")).await.expect("the same again");
    fixture.put(&maintainer, "p/app", "v1", image(b"two")).await.expect("moved");
    assert_eq!(fixture.get(&developer, "p/app", "v1").await.expect("moved").digest.to_string(), second);
}

#[tokio::test]
async fn compare_and_set_lets_one_of_many_win() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let first = fixture.push_image(&ctx, "p/app", "v1", b"base").await;
    let layers: Vec<Vec<u8>> = (0..8u8).map(|i| vec![i; 8]).collect();
    for layer in &layers {
        fixture.push_blob(&ctx, "p/app", layer).await;
    }
    let (registry, app) = (&fixture.registry, name("p/app"));
    let pushes = layers.iter().map(|layer| {
        let precondition = Precondition::Matches(vec![first]);
        let new = NewManifest { precondition, ..manifest("v1", image(layer)) };
        let (ctx, app) = (&ctx, &app);
        async move { registry.put_manifest(ctx, app, &new).await }
    });
    let outcomes = futures_util::future::join_all(pushes).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Error::PreconditionFailed { .. }))));
    let new = NewManifest { precondition: Precondition::Absent, ..manifest("v1", image(b"base")) };
    assert!(matches!(registry.put_manifest(&ctx, &app, &new).await, Err(Error::PreconditionFailed { .. })));
}

#[tokio::test]
async fn a_client_that_knows_no_indexes_gets_the_image_of_its_platform() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let child = fixture.push_image(&ctx, "p/app", "child", b"layer").await;
    let platform = r#""platform":{"os":"linux","architecture":"amd64"},"mediaType""#;
    let list = index(&[&image(b"layer")]).replacen(r#"{"mediaType""#, &format!("{{{platform}"), 1);
    fixture.put(&ctx, "p/app", "list", list).await.expect("index");
    let tag = "list".parse().expect("tag");
    let only_images = Accept::Only(vec![IMAGE.to_owned()]);
    let got = fixture.registry.get_manifest(&ctx, &app, &tag, &only_images).await.expect("the image");
    assert_eq!(got.digest, child);
    let only_text = Accept::Only(vec!["text/plain".to_owned()]);
    let refused = fixture.registry.get_manifest(&ctx, &app, &tag, &only_text).await;
    assert!(matches!(refused, Err(Error::NotAcceptable { .. })));
}

#[tokio::test]
async fn a_deleted_manifest_takes_its_tags_along_and_no_others() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.put(&ctx, "p/app", "v1-alias", image(b"one")).await.expect("alias");
    fixture.push_image(&ctx, "p/app", "v2", b"two").await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    assert_eq!(fixture.tags(&ctx, "p/app").await, ["v2"]);
    assert!(fixture.get(&ctx, "p/app", &digest.to_string()).await.is_err());
    let again = fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await;
    assert!(matches!(again, Err(Error::ManifestUnknown { .. })));
    fixture.put(&ctx, "p/app", "v1", image(b"one")).await.expect("pushed again");
    assert_eq!(fixture.tags(&ctx, "p/app").await, ["v1", "v2"]);
}

#[tokio::test]
async fn annotations_do_not_change_what_a_manifest_is() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    let noted = image_with(b"one", r#","annotations":{"a":"b"}"#);
    let pushed = fixture.put(&ctx, "p/app", "v2", noted.clone()).await.expect("pushed");
    assert_eq!(fixture.get(&ctx, "p/app", &pushed.digest.to_string()).await.expect("stored").bytes, noted);
}
