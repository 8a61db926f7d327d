//! Checking everything: what is found, what is repaired, and that nothing is deleted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use wharf_blob::{StorageKey, Store, UploadState, body};
use wharf_context::{Inspect, Maintain};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::ports::{BoxFuture, ByteStream, ContentError, ContentErrorKind, Source, TagStream};
use wharf_oci::{Algorithm, Digest, Reference, RepositoryName};
use wharf_registry::fsck::{Problem, Resolution};
use wharf_registry::{Error, Finding, FsckOptions, FsckRun, FsckState, Registry, Replicas};

use crate::fixture::{Fixture, GRACE, chunk, image, name, owner, sha256};

const DEEP: FsckOptions = FsckOptions { reads_bytes: true, bytes_per_second: 0 };
const LAYER: &[u8] = b"a layer of some bytes";

async fn check(registry: &Registry, options: FsckOptions) -> (FsckRun, Vec<Finding>) {
    let ctx = owner(&["p/app"]);
    let started = registry.start_fsck(Maintain::granted(), &ctx, options).await.expect("starts");
    registry.continue_fsck().await.expect("goes on to its end");
    let run = registry.get_fsck(Inspect::granted()).await.expect("known");
    assert_eq!((run.id, run.state), (started.id, FsckState::Done));
    let page = registry.list_fsck_findings(Inspect::granted(), run.id, 0, None).await.expect("listed");
    (run, page.entries)
}

fn told(findings: &[Finding]) -> Vec<(Problem, &str, Resolution)> {
    findings.iter().map(|finding| (finding.problem, finding.subject.as_str(), finding.resolution)).collect()
}

/// Puts other bytes, or none, in the place of a blob's.
async fn damage(fixture: &Fixture, digest: &Digest, bytes: Option<&[u8]>) -> StorageKey {
    let key = fixture.storage_key(digest).await;
    fixture.store.delete(&[key]).await.expect("deletes");
    if let Some(bytes) = bytes {
        fixture.store.begin(key.upload()).await.expect("begins");
        let state = UploadState::new(Algorithm::Sha256);
        let appended = fixture.store.append(&key.upload(), state, body::whole(bytes.to_vec())).await;
        fixture.store.finish(&key.upload(), &appended.state).await.expect("finishes");
    }
    key
}

#[tokio::test]
async fn a_whole_registry_has_no_findings() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    for number in 0..30_u32 {
        fixture.push_image(&ctx, "p/app", &format!("v{number}"), &number.to_be_bytes()).await;
    }
    let upload = fixture.registry.open_upload(&ctx, &name("p/app"), Algorithm::Sha256).await.expect("opens");
    fixture.registry.append_upload(&ctx, &name("p/app"), upload.id, chunk(b"half")).await.expect("appends");
    let (run, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!(told(&findings), []);
    let counts = run.counts;
    assert_eq!((counts.manifests, counts.tags, counts.blobs, counts.uploads), (30, 30, 31, 1));
    assert_eq!((run.expected_blobs, run.expected_bytes, counts.read_bytes), (31, 122, 122));
    assert_eq!(counts.stored, 31);
}

#[tokio::test]
async fn damaged_blobs_are_found_and_served_to_nobody() {
    for (bytes, problem, resolution) in [
        (None, Problem::BlobMissing, Resolution::Open),
        (Some(&b"short"[..]), Problem::BlobSize, Resolution::Quarantined),
        (Some(b"A layer of some bytes"), Problem::BlobDigest, Resolution::Quarantined),
    ] {
        let fixture = Fixture::open().await;
        let ctx = owner(&["p/app"]);
        fixture.push_image(&ctx, "p/app", "v1", LAYER).await;
        let layer = sha256(LAYER);
        let key = damage(&fixture, &layer, bytes).await;
        let (run, findings) = check(&fixture.registry, DEEP).await;
        assert_eq!(told(&findings), [(problem, layer.to_string().as_str(), resolution)]);
        assert_eq!((run.open, run.repaired), (u64::from(resolution == Resolution::Open), 0));
        assert_eq!(findings[0].repository.as_deref(), Some("p/app"));
        assert!(matches!(fixture.read(&ctx, "p/app", &layer).await, Err(Error::BlobUnknown(_))));
        let left = fixture.store.size(&key).await.expect("looked up");
        assert_eq!(left, bytes.map(|bytes| bytes.len() as u64), "what lies there is left alone");
        // It is told as long as it is so, and heals by a push.
        let (_, findings) = check(&fixture.registry, DEEP).await;
        assert_eq!(findings.len(), 1);
        fixture.push_blob(&ctx, "p/app", LAYER).await;
        let (_, findings) = check(&fixture.registry, DEEP).await;
        assert_eq!(told(&findings), []);
        assert_eq!(fixture.read(&ctx, "p/app", &layer).await.expect("served again"), LAYER);
    }
}

#[tokio::test]
async fn bytes_that_come_back_are_served_again() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", LAYER).await;
    let layer = sha256(LAYER);
    let key = damage(&fixture, &layer, None).await;
    check(&fixture.registry, DEEP).await;
    fixture.store.begin(key.upload()).await.expect("begins");
    let appended =
        fixture.store.append(&key.upload(), UploadState::new(Algorithm::Sha256), body::whole(LAYER.to_vec())).await;
    fixture.store.finish(&key.upload(), &appended.state).await.expect("finishes");
    let shallow = FsckOptions { reads_bytes: false, ..DEEP };
    let (_, findings) = check(&fixture.registry, shallow).await;
    assert_eq!(findings[0].resolution, Resolution::Quarantined, "a size alone proves nothing");
    let (_, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!(findings[0].resolution, Resolution::Repaired);
    assert_eq!(fixture.read(&ctx, "p/app", &layer).await.expect("served again"), LAYER);
}

#[tokio::test]
async fn a_damaged_blob_is_repaired_from_a_registry_that_has_it() {
    for (offered, is_repaired) in [(LAYER, true), (b"a liar's other bytes", false)] {
        let fixture = Fixture::open().await;
        let ctx = owner(&["p/app"]);
        fixture.push_image(&ctx, "p/app", "v1", LAYER).await;
        let layer = sha256(LAYER);
        damage(&fixture, &layer, Some(b"short")).await;
        let elsewhere = Arc::new(Elsewhere { bytes: offered, asked: Mutex::default() });
        let registry = fixture.registry.clone().with_replicas(Arc::clone(&elsewhere) as Arc<dyn Replicas>);
        let (run, findings) = check(&registry, DEEP).await;
        assert_eq!((run.repaired, run.quarantined), (u64::from(is_repaired), u64::from(!is_repaired)));
        assert_eq!(fixture.read(&ctx, "p/app", &layer).await.ok(), is_repaired.then(|| LAYER.to_vec()));
        assert_eq!(*elsewhere.asked.lock().expect("unpoisoned"), [name("p/app")]);
        assert_eq!(findings.len(), 1);
        assert_eq!(fixture.store.uploads().await.expect("listed"), [], "nothing half-made stays behind");
    }
}

#[tokio::test]
async fn bytes_without_an_owner_are_told_and_kept() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    fixture.push_image(&ctx, "p/app", "v1", LAYER).await;
    let upload = fixture.store.create().await.expect("begins");
    let appended = fixture.store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole("lost")).await;
    let key = fixture.store.finish(&upload, &appended.state).await.expect("finishes");
    let (_, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!(told(&findings), [], "a push may be about to own them");
    let hasty = fixture.reopened(Duration::ZERO);
    let (_, findings) = check(&hasty, DEEP).await;
    assert_eq!(told(&findings), [(Problem::BytesUnknown, key.to_string().as_str(), Resolution::Open)]);
    assert_eq!(fixture.store.size(&key).await.expect("looked up"), Some(4));
}

#[tokio::test]
async fn an_upload_whose_bytes_are_gone_is_told() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let upload = fixture.registry.open_upload(&ctx, &name("p/app"), Algorithm::Sha256).await.expect("opens");
    fixture.registry.append_upload(&ctx, &name("p/app"), upload.id, chunk(b"half")).await.expect("appends");
    for open in fixture.store.uploads().await.expect("listed") {
        fixture.store.abort(&open.key).await.expect("aborts");
    }
    let (_, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!(told(&findings), [(Problem::UploadLost, upload.id.to_string().as_str(), Resolution::Open)]);
}

#[tokio::test]
async fn broken_facts_of_the_catalog_are_told() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let manifest = fixture.push_image(&ctx, "p/app", "v1", LAYER).await;
    fixture.execute("UPDATE tags SET digest = ?1", &Digest::of(Algorithm::Sha256, b"nothing").to_bytes()).await;
    fixture.execute("UPDATE manifests SET body = ?1", image(b"other").as_bytes()).await;
    fixture.execute("DELETE FROM repository_blobs WHERE digest = ?1", &sha256(b"{}").to_bytes()).await;
    let (run, findings) = check(&fixture.registry, DEEP).await;
    let config = sha256(b"{}").to_string();
    assert_eq!(
        told(&findings),
        [
            (Problem::ManifestDigest, manifest.to_string().as_str(), Resolution::Open),
            (Problem::BlobUnknown, config.as_str(), Resolution::Open),
            (Problem::TagDangling, "v1", Resolution::Open),
        ]
    );
    assert_eq!(run.open, 3);
}

#[tokio::test]
async fn a_blob_that_is_collected_under_the_check_is_no_finding() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    let blob = fixture.push_blob(&ctx, "p/app", LAYER).await;
    damage(&fixture, &blob, None).await;
    fixture.registry.delete_blob(&ctx, &name("p/app"), &blob).await.expect("deleted");
    let (_, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!(told(&findings), [], "nobody links it any more");
    fixture.clock.advance(GRACE * 2);
    fixture.registry.collect().await.expect("collects");
    let (run, findings) = check(&fixture.registry, DEEP).await;
    assert_eq!((run.counts.blobs, told(&findings)), (0, vec![]));
}

#[tokio::test]
async fn one_check_at_a_time_and_a_cancelled_one_ends() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    assert!(matches!(fixture.registry.get_fsck(Inspect::granted()).await, Err(Error::FsckUnknown)));
    let start = || fixture.registry.start_fsck(Maintain::granted(), &ctx, DEEP);
    let first = start().await.expect("starts");
    assert!(matches!(start().await, Err(Error::FsckRunning)));
    fixture.registry.cancel_fsck(Maintain::granted(), &ctx).await.expect("ends");
    assert!(matches!(fixture.registry.cancel_fsck(Maintain::granted(), &ctx).await, Err(Error::FsckUnknown)));
    fixture.registry.continue_fsck().await.expect("finds nothing to do");
    let run = fixture.registry.get_fsck(Inspect::granted()).await.expect("known");
    assert_eq!((run.id, run.state, run.counts.manifests), (first.id, FsckState::Cancelled, 0));
    assert!(start().await.expect("starts").id > first.id);
}

#[tokio::test]
async fn an_interrupted_check_goes_on_where_it_was() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app"]);
    for number in 0..50_u32 {
        fixture.push_image(&ctx, "p/app", &format!("v{number}"), &number.to_be_bytes()).await;
    }
    fixture.registry.start_fsck(Maintain::granted(), &ctx, DEEP).await.expect("starts");
    // A catalog that fails in the middle ends the walk, as a killed server would; the steps before it count.
    let layer = sha256(&7_u32.to_be_bytes()).to_bytes();
    fixture.execute("UPDATE blobs SET storage_key = 'no key' WHERE digest = ?1", &layer).await;
    fixture.registry.continue_fsck().await.expect_err("interrupted");
    let run = fixture.registry.get_fsck(Inspect::granted()).await.expect("known");
    assert_eq!((run.state, run.counts.manifests, run.counts.blobs), (FsckState::Running, 50, 0));
    fixture.execute("DELETE FROM blobs WHERE digest = ?1", &layer).await;
    fixture.registry.continue_fsck().await.expect("goes on");
    let run = fixture.registry.get_fsck(Inspect::granted()).await.expect("known");
    assert_eq!((run.state, run.counts.manifests, run.counts.blobs), (FsckState::Done, 50, 50), "nothing counts twice");
}

/// Another registry, which has one blob.
#[derive(Debug)]
struct Elsewhere {
    bytes: &'static [u8],
    asked: Mutex<Vec<RepositoryName>>,
}

impl Replicas for Elsewhere {
    fn sources(&self, repository: &RepositoryName) -> Vec<Box<dyn Source>> {
        self.asked.lock().expect("unpoisoned").push(repository.clone());
        vec![Box::new(Offer(self.bytes))]
    }
}

#[derive(Debug)]
struct Offer(&'static [u8]);

impl Source for Offer {
    fn describe(&self) -> String {
        "elsewhere".to_owned()
    }

    fn resolve<'a>(&'a self, _: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async { Err(ContentError::new(ContentErrorKind::NotFound, "no manifests here".to_owned())) })
    }

    fn manifest<'a>(&'a self, _: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        Box::pin(async { Err(ContentError::new(ContentErrorKind::NotFound, "no manifests here".to_owned())) })
    }

    fn blob<'a>(&'a self, _: &'a Descriptor, _: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        let bytes = Bytes::from_static(self.0);
        Box::pin(async { Ok(Box::pin(stream::iter([Ok(bytes)])) as ByteStream) })
    }

    fn referrers<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn tags(&self) -> TagStream<'_> {
        Box::pin(stream::empty())
    }
}
