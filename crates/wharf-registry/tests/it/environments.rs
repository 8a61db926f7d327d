//! Promoted environments: placed in and withdrawn from by governance, attached to by who may, and changed by nobody else.

use wharf_context::{Context, Permission};
use wharf_oci::Digest;
use wharf_registry::bin::Overwriting;
use wharf_registry::{Error, Precondition, ReferrersQuery, Settings};

use crate::fixture::{
    Fixture, GRACE, IMAGE, caller, chunk, descriptor, image, image_with, index, name, owner, settings, sha256,
};

const APP: &str = "p/app";
const TEST: &str = "t/p/app";
const SENTENCE: &str = "`t/p/app` is the environment `t`: images get there by promotion only, see `wharf promote`";
const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Who pushes in development, and may attach in environments.
fn signer() -> Context {
    caller(&[APP, TEST, "s1/p/app"], &[Permission::Pull, Permission::Push, Permission::Attach])
}

/// A signature of `subject`, with or without naming it. Its layer is what was signed.
fn signature(subject: Option<&str>, payload: &[u8]) -> String {
    let subject = subject.map(|text| format!(r#","subject":{}"#, descriptor(IMAGE, text.as_bytes())));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{},"layers":[{}]{}}}"#,
        descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        descriptor(SIGNATURE, payload),
        subject.unwrap_or_default(),
    )
}

fn tag_of(digest: &Digest, suffix: &str) -> String {
    format!("sha256-{}{suffix}", digest.hex())
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.expect_err("refused");
    assert_eq!(error.to_string(), SENTENCE);
    assert_eq!(error.kind(), wharf_context::Kind::Denied);
}

#[tokio::test]
async fn nobody_pushes_retags_or_deletes_in_a_promoted_environment() {
    // The first has more rights than identity gives anybody.
    for ctx in [owner(&[APP, TEST]), signer()] {
        let fixture = Fixture::open().await;
        let digest = fixture.push_image(&owner(&[APP]), APP, "v1", b"layer").await;
        refused(fixture.registry.push_blob(&ctx, &name(TEST), &sha256(b"layer"), chunk(b"layer")).await);
        refused(fixture.registry.open_upload(&ctx, &name(TEST), wharf_oci::Algorithm::Sha256).await);
        refused(fixture.put(&ctx, TEST, "v1", image(b"layer")).await);
        fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
        fixture.push_blob(&ctx, TEST, b"other").await;
        refused(fixture.put(&ctx, TEST, "v1", image(b"other")).await);
        refused(fixture.put(&ctx, TEST, "v2", image(b"layer")).await);
        refused(fixture.put(&ctx, TEST, &digest.to_string(), image(b"layer")).await);
        refused(fixture.put(&ctx, TEST, &tag_of(&digest, ".sig"), image(b"other")).await);
        assert_eq!(fixture.tags(&ctx, TEST).await, ["v1"]);
    }
}

#[tokio::test]
async fn not_even_the_right_to_delete_deletes_in_a_promoted_environment() {
    let fixture = Fixture::open().await;
    let ctx = owner(&[APP, TEST]);
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1", "v2"])).await.expect("placed");
    fixture.withdraw(&ctx, TEST, "v2").await.expect("withdrawn");
    let (registry, test, v1) = (&fixture.registry, name(TEST), "v1".parse().expect("valid"));
    refused(registry.delete_tag(&ctx, &test, &v1, &Precondition::None).await);
    refused(registry.delete_manifest(&ctx, &test, &digest, &Precondition::None).await);
    refused(registry.delete_blob(&ctx, &test, &sha256(b"layer")).await);
    refused(registry.restore_tag(&ctx, (&test, &"v2".parse().expect("valid")), None, Overwriting::Allowed).await);
    refused(registry.restore_manifest(&ctx, &test, &digest).await);
    refused(registry.empty_bin(&ctx, &test).await);
    // Who may only look is told the same.
    let guest = caller(&[TEST], &[Permission::Pull]);
    refused(registry.delete_tag(&guest, &test, &v1, &Precondition::None).await);
    refused(fixture.put(&guest, TEST, "v3", image(b"layer")).await);
    assert_eq!(fixture.get(&ctx, TEST, "v1").await.expect("still there").digest, digest);
}

#[tokio::test]
async fn what_stands_in_an_environment_can_be_signed_there() {
    let fixture = Fixture::open().await;
    let ctx = signer();
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
    for payload in [b"one".as_slice(), b"two"] {
        fixture.push_blob(&ctx, TEST, payload).await;
    }
    let referrer = signature(Some(&image(b"layer")), b"one");
    let accepted = fixture.put(&ctx, TEST, &sha256(referrer.as_bytes()).to_string(), referrer).await.expect("taken");
    assert_eq!(accepted.subject, Some(digest));
    // cosign adds to a signature by moving its tag.
    for payload in [b"one".as_slice(), b"two"] {
        fixture.put(&ctx, TEST, &tag_of(&digest, ".sig"), signature(None, payload)).await.expect("taken");
    }
    let referrers = fixture.registry.list_referrers(&ctx, &name(TEST), &ReferrersQuery::of(digest)).await;
    assert_eq!(referrers.expect("listed").descriptors.len(), 1);
    assert_eq!(fixture.tags(&ctx, TEST).await, [tag_of(&digest, ".sig"), "v1".to_owned()]);
    let list = index(&[]);
    fixture.put(&ctx, TEST, &tag_of(&digest, ""), list).await.expect("the list of referrers of older clients");
}

#[tokio::test]
async fn nothing_is_attached_to_what_was_not_promoted() {
    let fixture = Fixture::open().await;
    let ctx = signer();
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    let other = fixture.push_image(&ctx, APP, "v2", b"other").await;
    // An attachment does not begin an environment.
    refused(fixture.put(&ctx, TEST, &tag_of(&digest, ".sig"), signature(None, b"one")).await);
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
    fixture.push_blob(&ctx, TEST, b"one").await;
    let referrer = signature(Some(&image(b"other")), b"one");
    let to_digest = sha256(referrer.as_bytes()).to_string();
    for (reference, text) in [(to_digest, referrer), (tag_of(&other, ".att"), signature(None, b"one"))] {
        let outcome = fixture.put(&ctx, TEST, &reference, text).await;
        assert!(matches!(outcome, Err(Error::NotPromoted { digest, .. }) if digest == other), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_manifest_is_placed_with_all_that_belongs_to_it_and_no_bytes() {
    let fixture = Fixture::open().await;
    let ctx = owner(&[APP, TEST, "s1/p/app"]);
    let children = [image(b"amd64"), image(b"arm64")];
    for (child, layer) in children.iter().zip([b"amd64", b"arm64"]) {
        fixture.push_blob(&ctx, APP, b"{}").await;
        fixture.push_blob(&ctx, APP, layer).await;
        fixture.put(&ctx, APP, &sha256(child.as_bytes()).to_string(), child.clone()).await.expect("a child");
    }
    let list = index(&[&children[0], &children[1]]);
    let digest = fixture.put(&ctx, APP, "v1", list.clone()).await.expect("an index").digest;
    fixture.push_blob(&ctx, APP, b"sbom").await;
    let sbom = signature(Some(&children[0]), b"sbom");
    let sbom_digest = fixture.put(&ctx, APP, "sbom", sbom.clone()).await.expect("an SBOM of a child").digest;
    fixture.push_blob(&ctx, APP, b"signed").await;
    let signature = signature(None, b"signed");
    fixture.put(&ctx, APP, &tag_of(&sbom_digest, ".sig"), signature).await.expect("its signature");
    fixture.push_image(&ctx, APP, "unrelated", b"unrelated").await;
    let stored = fixture.stored().await.len();

    let placed = fixture.place(&ctx, (APP, &digest), (TEST, &["v1", "latest"])).await.expect("placed");
    assert_eq!((placed.manifests, placed.moved.len(), placed.missing_blobs), (5, 2, 0));
    assert_eq!(fixture.tags(&ctx, TEST).await, ["latest", &tag_of(&sbom_digest, ".sig"), "v1"]);
    assert_eq!(fixture.get(&ctx, TEST, "v1").await.expect("there").bytes, list);
    assert_eq!(fixture.read(&ctx, TEST, &sha256(b"arm64")).await.expect("linked"), b"arm64");
    let child = sha256(children[0].as_bytes());
    let referrers = fixture.registry.list_referrers(&ctx, &name(TEST), &ReferrersQuery::of(child)).await;
    assert_eq!(referrers.expect("listed").descriptors.len(), 1);
    assert!(fixture.read(&ctx, TEST, &sha256(b"unrelated")).await.is_err());
    assert_eq!(fixture.stored().await.len(), stored, "no bytes are copied");
    assert_eq!(fixture.quota().await.usage, fixture.full_count().await);

    // Once more is nothing more; the next environment takes it from this one.
    let events = fixture.transactions();
    let again = fixture.place(&ctx, (APP, &digest), (TEST, &["v1", "latest"])).await.expect("placed");
    assert_eq!((again.manifests, again.moved.len()), (0, 0));
    assert_eq!(fixture.transactions(), events + 1);
    assert_eq!(fixture.placings().await, 1, "what changes nothing is not told");
    let next = fixture.place(&ctx, (TEST, &digest), ("s1/p/app", &["v1"])).await.expect("placed");
    assert_eq!(next.manifests, 5);
    assert_eq!(fixture.quota().await.usage, fixture.full_count().await);
}

#[tokio::test]
async fn what_was_placed_stays_whatever_becomes_of_where_it_came_from() {
    let settings = Settings { untagged_after: Some(GRACE), ..settings() };
    let fixture = Fixture::with(settings).await;
    let ctx = owner(&[APP, TEST]);
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    // Without a tag, too: there, collection takes no manifest for being unneeded.
    fixture.place(&ctx, (APP, &digest), (TEST, &[])).await.expect("placed");
    fixture.registry.delete_manifest(&ctx, &name(APP), &digest, &Precondition::None).await.expect("deleted");
    fixture.registry.empty_bin(&ctx, &name(APP)).await.expect("emptied");
    for _ in 0..4 {
        fixture.clock.advance(GRACE * 2);
        fixture.registry.collect().await.expect("collected");
    }
    assert_eq!(fixture.get(&ctx, TEST, &digest.to_string()).await.expect("there").digest, digest);
    assert_eq!(fixture.read(&ctx, TEST, &sha256(b"layer")).await.expect("there"), b"layer");
    assert!(fixture.read(&ctx, APP, &sha256(b"layer")).await.is_err());
    assert_eq!(fixture.quota().await.usage, fixture.full_count().await);
}

#[tokio::test]
async fn a_tag_moves_by_placing_and_back_by_placing_what_stood_there() {
    let fixture = Fixture::open().await;
    let ctx = owner(&[APP, TEST]);
    let old = fixture.push_image(&ctx, APP, "v1", b"old").await;
    let new = fixture.push_image(&ctx, APP, "v2", b"new").await;
    fixture.place(&ctx, (APP, &old), (TEST, &["stable"])).await.expect("placed");
    let moved = fixture.place(&ctx, (APP, &new), (TEST, &["stable"])).await.expect("placed").moved;
    assert_eq!(moved, [("stable".parse().expect("valid"), Some(old))]);
    fixture.place(&ctx, (TEST, &old), (TEST, &["stable"])).await.expect("it stands there still");
    assert_eq!(fixture.get(&ctx, TEST, "stable").await.expect("there").digest, old);
    // Also when it was withdrawn meanwhile.
    let withdrawn = fixture.withdraw(&ctx, TEST, &new.to_string()).await.expect("withdrawn");
    assert_eq!(withdrawn.manifests, 1);
    let back = fixture.place(&ctx, (TEST, &new), (TEST, &["stable"])).await.expect("out of the bin");
    assert_eq!(back.manifests, 1);
    assert_eq!(fixture.get(&ctx, TEST, "stable").await.expect("there").digest, new);
    assert_eq!(fixture.quota().await.usage, fixture.full_count().await);
}

#[tokio::test]
async fn what_is_withdrawn_goes_with_what_is_attached_to_it_and_only_when_nothing_needs_it() {
    let fixture = Fixture::open().await;
    let ctx = signer();
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1", "v2"])).await.expect("placed");
    fixture.push_blob(&ctx, TEST, b"one").await;
    fixture.put(&ctx, TEST, &tag_of(&digest, ".sig"), signature(None, b"one")).await.expect("signed");
    assert_eq!(fixture.withdraw(&ctx, TEST, "v1").await.expect("withdrawn").manifests, 0, "v2 needs it");
    assert!(fixture.get(&ctx, TEST, &digest.to_string()).await.is_ok());
    assert_eq!(fixture.withdraw(&ctx, TEST, "v2").await.expect("withdrawn").manifests, 2, "it and its signature");
    assert!(fixture.get(&ctx, TEST, &digest.to_string()).await.is_err());
    assert_eq!(fixture.tags(&ctx, TEST).await, Vec::<String>::new());
    assert!(matches!(fixture.withdraw(&ctx, TEST, "v2").await, Err(Error::ManifestUnknown { .. })));
    // In development all is as it was.
    assert_eq!(fixture.get(&ctx, APP, "v1").await.expect("there").digest, digest);
    assert_eq!(fixture.quota().await.usage, fixture.full_count().await);
}

#[tokio::test]
async fn a_later_signature_of_the_environment_is_not_moved_back() {
    let fixture = Fixture::open().await;
    let ctx = signer();
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    let tag = tag_of(&digest, ".sig");
    for (repository, payload) in [(APP, b"one".as_slice()), (TEST, b"two"), (APP, b"three")] {
        fixture.clock.advance(GRACE / 100);
        if repository == APP {
            fixture.push_blob(&owner(&[APP]), APP, payload).await;
            fixture.put(&owner(&[APP]), APP, &tag, signature(None, payload)).await.expect("signed");
        } else {
            fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
            fixture.clock.advance(GRACE / 100);
            fixture.push_blob(&ctx, TEST, payload).await;
            fixture.put(&ctx, TEST, &tag, signature(None, payload)).await.expect("signed");
            fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed again");
            let kept = fixture.get(&ctx, TEST, &tag).await.expect("there").digest;
            assert_eq!(kept, sha256(signature(None, b"two").as_bytes()), "the environment's is later");
        }
    }
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed again");
    let latest = fixture.get(&ctx, TEST, &tag).await.expect("there").digest;
    assert_eq!(latest, sha256(signature(None, b"three").as_bytes()), "development's is later");
}

#[tokio::test]
async fn only_what_is_there_is_placed_and_only_within_its_project() {
    let fixture = Fixture::open().await;
    let ctx = owner(&[APP, TEST]);
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    for (from, digest) in [("p/other", &digest), (APP, &sha256(b"unknown"))] {
        let outcome = fixture.place(&ctx, (from, digest), (TEST, &["v1"])).await;
        assert!(matches!(outcome, Err(Error::ManifestUnknown { .. })), "{outcome:?}");
    }
    // The same repository's name, by a decision of another project.
    let stranger = fixture.place_in(2, &ctx, (APP, &digest), (TEST, &["v1"])).await;
    assert!(matches!(stranger, Err(Error::ManifestUnknown { .. })), "{stranger:?}");
    fixture.registry.delete_blob(&ctx, &name(APP), &sha256(b"layer")).await.expect("deleted");
    let placed = fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
    assert_eq!(placed.missing_blobs, 1, "whoever decides is told");
}

#[tokio::test]
async fn a_second_spelling_of_a_name_makes_no_second_repository() {
    let fixture = Fixture::open().await;
    let outcome = fixture.registry.push_blob(&owner(&["d/p/app"]), &name("d/p/app"), &sha256(b"x"), chunk(b"x")).await;
    assert!(matches!(outcome, Err(Error::RepositoryUnknown(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_image_with_a_subject_is_no_attachment() {
    let fixture = Fixture::open().await;
    let ctx = signer();
    let digest = fixture.push_image(&ctx, APP, "v1", b"layer").await;
    fixture.place(&ctx, (APP, &digest), (TEST, &["v1"])).await.expect("placed");
    fixture.push_blob(&ctx, TEST, b"evil").await;
    let subject = format!(r#","subject":{}"#, descriptor(IMAGE, image(b"layer").as_bytes()));
    let smuggled = image_with(b"evil", &subject);
    refused(fixture.put(&ctx, TEST, &sha256(smuggled.as_bytes()).to_string(), smuggled).await);
}
