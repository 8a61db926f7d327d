//! Reading archives of images: OCI layouts and docker's, also hostile ones.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::write::GzEncoder;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;
use wharf_layer::{Layout, LayoutSink};
use wharf_oci::{Algorithm, Content, ContentError, ContentErrorKind, Digest, Manifest, Sink, Source};

use crate::image::{Memory, tagged};
use crate::tarball::{Tarball, hex};

/// A place for an archive.
struct Bench {
    _folder: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("archive.tar");
        Self { _folder: folder, path }
    }

    async fn docker(&self, archive: &[u8]) -> Result<Layout, ContentError> {
        std::fs::write(&self.path, archive).expect("is written");
        Ok(Layout::open_docker_archive(&self.path).await?)
    }

    async fn oci(&self, archive: &[u8]) -> Result<Layout, ContentError> {
        std::fs::write(&self.path, archive).expect("is written");
        Ok(Layout::open_archive(&self.path).await?)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("into memory")
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(Digest::of(Algorithm::Sha256, bytes).hash()))
}

/// Docker's old format: two images that share a layer by a link, with folders of their own.
fn old_archive(second_layer: &[u8]) -> Tarball {
    let (base, top) = (b"base layer".as_slice(), b"top layer".as_slice());
    let config = |layers: &[&[u8]]| {
        let diff_ids: Vec<_> = layers.iter().map(|layer| digest(layer)).collect();
        serde_json::json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diff_ids } })
            .to_string()
    };
    let list = serde_json::json!([
        { "Config": "one.json", "RepoTags": ["docker.io/library/app:one"], "Layers": ["a/layer.tar"] },
        { "Config": "two.json", "RepoTags": ["localhost:5000/app:two", "app:latest"], "Layers": ["b/layer.tar", "c/layer.tar"] },
    ]);
    Tarball::default()
        .folder("a/")
        .file("a/VERSION", b"1.0")
        .file("a/layer.tar", base)
        .link(b'2', "b/layer.tar", "../a/layer.tar")
        .file("c/layer.tar", second_layer)
        .file("one.json", config(&[base]).as_bytes())
        .file("two.json", config(&[base, top]).as_bytes())
        .file("manifest.json", list.to_string().as_bytes())
        .file("repositories", b"{}")
}

#[tokio::test]
async fn an_oci_archive_is_read_in_place() {
    let bench = Bench::new();
    let mut memory = Memory::default();
    let image = memory.image("content");
    let sink = LayoutSink::archive(&bench.path).expect("an archive");
    memory.put(&sink, &image, &["v1"]).await;
    sink.finish().await.expect("is finished");
    let layout = Layout::open_archive(&bench.path).await.expect("an archive");
    assert_eq!(layout.resolve(Some(&tagged("v1"))).await.expect("is there"), image.manifest);
    for blob in &image.blobs {
        let pieces: Vec<_> = layout.blob(blob, 3).await.expect("opens").try_collect().await.expect("is read");
        assert_eq!(pieces.concat(), memory.bytes(blob).slice(3..));
    }
    assert_eq!(layout.manifest(&image.manifest).await.expect("is read"), memory.bytes(&image.manifest));
}

#[tokio::test]
async fn an_old_docker_archive_gets_manifests() {
    let bench = Bench::new();
    let layout = bench.docker(&old_archive(b"top layer").end()).await.expect("an archive");
    let manifest = layout.resolve(Some(&tagged("two"))).await.expect("is there");
    assert_eq!(layout.resolve(Some(&tagged("latest"))).await.expect("is there"), manifest);
    let bytes = layout.manifest(&manifest).await.expect("is made");
    assert!(manifest.digest.matches(&bytes) && manifest.size == bytes.len() as u64);
    let parsed = Manifest::parse(Some(&manifest.media_type), &bytes).expect("a manifest");
    let Content::Image { config, layers } = parsed.content else { panic!("an index") };
    for (blob, content) in [(&layers[0], &b"base layer"[..]), (&layers[1], b"top layer")] {
        let pieces: Vec<_> = layout.blob(blob, 0).await.expect("opens").try_collect().await.expect("is read");
        assert_eq!(pieces.concat(), content);
        assert!(blob.digest.matches(content));
    }
    assert!(config.digest.matches(&layout.manifest(&config).await.expect("is read")));
    let error = layout.resolve(None).await.expect_err("which one?");
    assert_eq!(error.to_string(), "there are several images (`latest`, `one`, `two`); name one");
}

#[tokio::test]
async fn a_compressed_layer_of_a_docker_archive_is_called_what_it_is() {
    let bench = Bench::new();
    let packed = gzip(b"top layer");
    let layout = bench.docker(&old_archive(&packed).end()).await.expect("an archive");
    let manifest = layout.resolve(Some(&tagged("two"))).await.expect("is there");
    let bytes = layout.manifest(&manifest).await.expect("is made");
    let parsed = Manifest::parse(Some(&manifest.media_type), &bytes).expect("a manifest");
    let layer = parsed.blobs().last().expect("a layer");
    assert!(layer.digest.matches(&packed) && layer.media_type.ends_with("+gzip"));
}

#[tokio::test]
async fn a_broken_docker_archive_is_refused() {
    let bench = Bench::new();
    let list = |text: &str| {
        Tarball::default()
            .file("c.json", br#"{"rootfs":{"diff_ids":["x"]}}"#)
            .file("l", b"")
            .file("manifest.json", text.as_bytes())
    };
    for (what, archive) in [
        ("no list", Tarball::default().file("a", b"")),
        ("no JSON", list("[")),
        ("two members", list(r#"[{"Config":"a","Config":"c.json","Layers":[]}]"#)),
        ("no config", list(r#"[{"Config":"missing","Layers":[]}]"#)),
        ("a config outside", list(r#"[{"Config":"../c.json","Layers":[]}]"#)),
        ("a layer too few", list(r#"[{"Config":"c.json","Layers":[]}]"#)),
        ("no digest", list(r#"[{"Config":"c.json","Layers":["l"]}]"#)),
        ("a layer outside", list(r#"[{"Config":"c.json","Layers":["/l"]}]"#)),
        ("a list of two", old_archive(b"").file("manifest.json", b"[]")),
        ("a circle", Tarball::default().link(b'2', "manifest.json", "b").link(b'2', "b", "manifest.json")),
    ] {
        let error = bench.docker(&archive.end()).await.expect_err(what);
        assert_eq!(error.kind, ContentErrorKind::Invalid, "{what}: {error}");
    }
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_in_place_says_so() {
    let bench = Bench::new();
    let archive = old_archive(b"top layer").end();
    let error = bench.docker(&gzip(&archive)).await.expect_err("compressed");
    assert!(error.to_string().ends_with("is compressed with gzip; uncompress it first"), "{error}");
    assert_eq!(error.kind, ContentErrorKind::Invalid);
    assert!(bench.docker(&archive[..archive.len() - 1536]).await.is_err(), "cut off");
    assert!(bench.docker(b"").await.is_err());
    assert_eq!(bench.oci(&archive).await.expect_err("not an OCI layout").kind, ContentErrorKind::Invalid);
    let missing = Layout::open_archive(&bench.path.with_file_name("missing.tar")).await.map_err(ContentError::from);
    assert_eq!(missing.expect_err("is not there").kind, ContentErrorKind::NotFound);
}
