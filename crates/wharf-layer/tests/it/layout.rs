//! Reading layouts in folders, also hostile ones.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tempfile::TempDir;
use wharf_layer::{Layout, LayoutSink};
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Reference, Sink, Source};

use crate::image::{CONFIG, Image, Memory, tagged};

/// A layout in a folder, and what is in it.
struct Bench {
    _folder: TempDir,
    path: PathBuf,
    memory: Memory,
    image: Image,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("layout");
        let mut memory = Memory::default();
        let image = memory.image(&"0123456789".repeat(100_000));
        let sink = LayoutSink::folder(&path).expect("a folder");
        memory.put(&sink, &image, &["v1"]).await;
        sink.finish().await.expect("is finished");
        Self { _folder: folder, path, memory, image }
    }

    async fn open(&self) -> Result<Layout, ContentError> {
        Ok(Layout::open_folder(&self.path).await?)
    }

    fn file(&self, descriptor: &Descriptor) -> PathBuf {
        self.path.join("blobs/sha256").join(descriptor.digest.hex())
    }
}

async fn collected(source: &dyn Source, blob: &Descriptor, offset: u64) -> Result<Vec<u8>, ContentError> {
    let pieces: Vec<Bytes> = source.blob(blob, offset).await?.try_collect().await?;
    Ok(pieces.concat())
}

fn kind<T: std::fmt::Debug>(outcome: Result<T, ContentError>) -> ContentErrorKind {
    outcome.expect_err("refused").kind
}

#[tokio::test]
async fn content_is_read_from_any_byte_on() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    assert_eq!(layout.describe(), format!("oci:{}", bench.path.display()));
    let manifest = layout.resolve(None).await.expect("the one image");
    assert_eq!(manifest, bench.image.manifest);
    assert_eq!(layout.manifest(&manifest).await.expect("is read"), bench.memory.bytes(&manifest));
    let layer = &bench.image.blobs[1];
    let whole = bench.memory.bytes(layer);
    for offset in [0, 1, 262_144, 262_145, layer.size - 1, layer.size] {
        let expected = &whole[usize::try_from(offset).expect("small")..];
        assert!(collected(&layout, layer, offset).await.expect("is read") == expected, "{offset}");
    }
    let tags: Vec<_> = layout.tags().map(|tag| tag.expect("a tag").to_string()).collect().await;
    assert_eq!(tags, ["v1"]);
}

#[tokio::test]
async fn a_reader_that_goes_away_stops_the_reading() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    let mut stream = layout.blob(&bench.image.blobs[1], 0).await.expect("opens");
    assert!(stream.next().await.is_some());
    drop(stream);
}

#[tokio::test]
async fn images_are_found_by_tag_and_by_digest() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    let digest = Reference::Digest(bench.image.manifest.digest);
    assert_eq!(layout.resolve(Some(&digest)).await.expect("listed"), bench.image.manifest);
    let unknown = layout.resolve(Some(&tagged("v2"))).await.expect_err("unknown");
    assert_eq!(
        (unknown.kind, unknown.to_string()),
        (ContentErrorKind::NotFound, "there is no image `v2` (`v1`)".to_owned())
    );
    std::fs::write(bench.path.join("index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).expect("is written");
    let layout = bench.open().await.expect("a layout");
    assert_eq!(layout.resolve(Some(&digest)).await.expect("not listed, but there"), bench.image.manifest);
    let config = Reference::Digest(bench.image.blobs[0].digest);
    assert_eq!(kind(layout.resolve(Some(&config)).await), ContentErrorKind::Invalid, "a config is no manifest");
    assert_eq!(kind(layout.resolve(None).await), ContentErrorKind::NotFound);
}

#[tokio::test]
async fn what_refers_to_an_image_is_found() {
    let mut bench = Bench::new().await;
    let subject = bench.image.manifest.clone();
    let empty = bench.memory.add("application/vnd.oci.empty.v1+json", "{}");
    let signature = serde_json::json!({
        "schemaVersion": 2, "mediaType": subject.media_type, "artifactType": "application/vnd.example.signature",
        "config": empty, "layers": [empty], "subject": subject, "annotations": { "k": "v" },
    });
    let manifest = bench.memory.add(&subject.media_type, signature.to_string());
    let sink = LayoutSink::folder(&bench.path).expect("a layout");
    bench.memory.put(&sink, &Image { manifest: manifest.clone(), blobs: vec![empty] }, &[]).await;
    sink.finish().await.expect("is finished");
    let layout = bench.open().await.expect("a layout");
    let referrers = layout.referrers(&subject.digest).await.expect("are read");
    assert_eq!(referrers.len(), 1);
    assert_eq!(referrers[0].digest, manifest.digest);
    assert_eq!(referrers[0].artifact_type.as_deref(), Some("application/vnd.example.signature"));
    assert_eq!(referrers[0].annotations["k"], "v");
    assert_eq!(layout.referrers(&manifest.digest).await.expect("none"), []);
    assert_eq!(layout.resolve(None).await.expect("the one with a name"), subject);
}

#[tokio::test]
async fn links_in_a_layout_lead_nowhere() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    let config = &bench.image.blobs[0];
    let outside = bench.path.with_file_name("secret");
    std::fs::rename(bench.file(config), &outside).expect("is moved");
    assert_eq!(kind(collected(&layout, config, 0).await), ContentErrorKind::NotFound);
    std::os::unix::fs::symlink(&outside, bench.file(config)).expect("is linked");
    assert!(collected(&layout, config, 0).await.is_err(), "a blob is a link");
    let moved = bench.path.with_file_name("blobs");
    std::fs::rename(bench.path.join("blobs"), &moved).expect("is moved");
    std::os::unix::fs::symlink(&moved, bench.path.join("blobs")).expect("is linked");
    assert!(collected(&layout, &bench.image.blobs[1], 0).await.is_err(), "the folder is a link");
    std::fs::rename(bench.path.join("index.json"), bench.path.with_file_name("index")).expect("is moved");
    std::os::unix::fs::symlink("../index", bench.path.join("index.json")).expect("is linked");
    assert!(bench.open().await.is_err(), "the index is a link");
}

#[tokio::test]
async fn what_is_no_file_is_not_waited_for() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    let config = &bench.image.blobs[0];
    std::fs::remove_file(bench.file(config)).expect("is removed");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.file(config), mode).expect("a pipe");
    assert_eq!(kind(collected(&layout, config, 0).await), ContentErrorKind::Invalid);
}

#[tokio::test]
async fn sizes_are_bounded_and_compared() {
    let bench = Bench::new().await;
    let layout = bench.open().await.expect("a layout");
    let layer = &bench.image.blobs[1];
    let shorter = Descriptor::new(CONFIG, layer.digest, layer.size - 1);
    assert_eq!(kind(collected(&layout, &shorter, 0).await), ContentErrorKind::Invalid);
    let file = std::fs::File::options().write(true).open(bench.file(layer)).expect("opens");
    file.set_len(MAX_MANIFEST_BYTES as u64 + 1).expect("grows");
    assert_eq!(kind(layout.manifest(layer).await), ContentErrorKind::Invalid, "a manifest is not read at any size");
    let index = std::fs::File::options().write(true).open(bench.path.join("index.json")).expect("opens");
    index.set_len(MAX_MANIFEST_BYTES as u64 + 1).expect("grows");
    assert_eq!(kind(bench.open().await), ContentErrorKind::Invalid);
}

#[tokio::test]
async fn what_is_no_layout_says_so() {
    let bench = Bench::new().await;
    let index = bench.path.join("index.json");
    for text in [
        "",
        "[]",
        "{}",
        r#"{"schemaVersion":2,"manifests":[{}]}"#,
        r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#,
    ] {
        std::fs::write(&index, text).expect("is written");
        assert_eq!(kind(bench.open().await), ContentErrorKind::Invalid, "{text}");
    }
    std::fs::remove_file(&index).expect("is removed");
    assert_eq!(kind(bench.open().await), ContentErrorKind::Invalid);
    let missing = Layout::open_folder(Path::new("/nonexistent/layout")).await;
    assert_eq!(kind(missing.map_err(ContentError::from)), ContentErrorKind::NotFound);
}
