//! The same images by other hands: skopeo and podman read what we write and write what we read.
//!
//! A tool that is not installed, or does not work here, is left out with a line that says so.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use futures_util::TryStreamExt as _;
use wharf_layer::{Layout, LayoutSink};
use wharf_oci::{Manifest, Sink, Source};

use crate::image::{Image, Memory, tagged};

/// Whether a program is missing or does not work here. Says so where the person who runs the tests sees it, or fails
/// where CI asks for all of them.
#[expect(clippy::disallowed_methods, reason = "a test's own setting")]
pub(crate) fn is_missing(program: &str, arguments: &[&str]) -> bool {
    let works = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !works {
        let is_required = std::env::var_os("WHARF_E2E_REQUIRE_CLIENTS").is_some();
        assert!(!is_required, "{program} does not work here, and WHARF_E2E_REQUIRE_CLIENTS asks for it");
        // The harness shows captured output of failed tests only.
        writeln!(std::io::stderr(), "skipped: {program} does not work here").expect("standard error is open");
    }
    !works
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().expect("runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn skopeo(from: &str, to: &str) {
    run("skopeo", &["--insecure-policy", "copy", "--quiet", "--preserve-digests", from, to]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Everything that an image is made of, byte by byte.
async fn assert_has(layout: &Layout, memory: &Memory, image: &Image, tag: &str) {
    let manifest = layout.resolve(Some(&tagged(tag))).await.expect("is there");
    assert_eq!(manifest.digest, image.manifest.digest);
    assert_eq!(layout.manifest(&manifest).await.expect("is read"), memory.bytes(&image.manifest));
    for blob in &image.blobs {
        let pieces: Vec<_> = layout.blob(blob, 0).await.expect("opens").try_collect().await.expect("is read");
        assert_eq!(pieces.concat(), memory.bytes(blob));
    }
}

async fn write(sink: LayoutSink, memory: &Memory, image: &Image) {
    memory.put(&sink, image, &["v1"]).await;
    sink.finish().await.expect("is finished");
}

#[tokio::test]
async fn skopeo_reads_what_we_write_and_we_read_what_it_writes() {
    if is_missing("skopeo", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let mut memory = Memory::default();
    let image = memory.image("content");
    write(LayoutSink::folder(&ours).expect("a folder"), &memory, &image).await;
    skopeo(&format!("oci:{}:v1", text(&ours)), &format!("oci:{}:v1", text(&theirs)));
    assert_has(&Layout::open_folder(&theirs).await.expect("a layout"), &memory, &image, "v1").await;
    let (ours, theirs) = (folder.path().join("ours.tar"), folder.path().join("theirs.tar"));
    write(LayoutSink::archive(&ours).expect("an archive"), &memory, &image).await;
    skopeo(&format!("oci-archive:{}:v1", text(&ours)), &format!("oci-archive:{}:v1", text(&theirs)));
    assert_has(&Layout::open_archive(&theirs).await.expect("an archive"), &memory, &image, "v1").await;
}

#[tokio::test]
async fn a_layout_that_skopeo_began_is_extended_so_that_it_reads_both() {
    if is_missing("skopeo", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, both) = (folder.path().join("ours"), folder.path().join("both"));
    let mut memory = Memory::default();
    let (first, second) = (memory.image("1"), memory.image("2"));
    write(LayoutSink::folder(&ours).expect("a folder"), &memory, &first).await;
    skopeo(&format!("oci:{}:v1", text(&ours)), &format!("oci:{}:first", text(&both)));
    let sink = LayoutSink::folder(&both).expect("a layout");
    memory.put(&sink, &second, &["second"]).await;
    sink.finish().await.expect("is finished");
    for (image, tag) in [(&first, "first"), (&second, "second")] {
        let raw = run("skopeo", &["inspect", "--raw", &format!("oci:{}:{tag}", text(&both))]);
        assert_eq!(raw.stdout, memory.bytes(&image.manifest));
    }
}

#[tokio::test]
async fn docker_archives_are_read_by_skopeo_and_written_by_it() {
    if is_missing("skopeo", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = (folder.path().join("ours.tar"), folder.path().join("theirs.tar"));
    let mut memory = Memory::default();
    let image = memory.image("content");
    let sink = LayoutSink::docker_archive(&ours, Some("localhost/app".to_owned())).expect("an archive");
    write(sink, &memory, &image).await;
    let from = format!("docker-archive:{}:localhost/app:v1", text(&ours));
    run(
        "skopeo",
        &["--insecure-policy", "copy", "--quiet", &from, &format!("docker-archive:{}:localhost/app:v1", text(&theirs))],
    );
    let layout = Layout::open_docker_archive(&theirs).await.expect("an archive");
    let manifest = layout.resolve(Some(&tagged("v1"))).await.expect("is there");
    let bytes = layout.manifest(&manifest).await.expect("is made");
    let manifest = Manifest::parse(Some(&manifest.media_type), &bytes).expect("a manifest");
    let blobs: Vec<_> = manifest.blobs().collect();
    assert_eq!(blobs[1], &image.blobs[1], "the layer is the same");
    let pieces: Vec<_> = layout.blob(blobs[1], 0).await.expect("opens").try_collect().await.expect("is read");
    assert_eq!(pieces.concat(), memory.bytes(blobs[1]));
}

#[tokio::test]
async fn podman_loads_a_docker_archive_and_saves_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, run_root) = (folder.path().join("root"), folder.path().join("run"));
    let podman = ["--root", text(&root), "--runroot", text(&run_root), "--storage-driver", "vfs"];
    if is_missing("podman", &[&podman[..], &["images"]].concat()) {
        return;
    }
    let (ours, theirs) = (folder.path().join("ours.tar"), folder.path().join("theirs.tar"));
    let mut memory = Memory::default();
    let image = memory.image("content");
    let sink = LayoutSink::docker_archive(&ours, Some("localhost/app".to_owned())).expect("an archive");
    write(sink, &memory, &image).await;
    let loaded = run("podman", &[&podman[..], &["load", "--quiet", "--input", text(&ours)]].concat());
    assert!(String::from_utf8_lossy(&loaded.stdout).contains("localhost/app:v1"), "{loaded:?}");
    for (format, is_docker) in [("docker-archive", true), ("oci-archive", false)] {
        let save = ["save", "--quiet", "--format", format, "--output", text(&theirs), "localhost/app:v1"];
        run("podman", &[&podman[..], &save].concat());
        let layout = match is_docker {
            true => Layout::open_docker_archive(&theirs).await,
            false => Layout::open_archive(&theirs).await,
        };
        let layout = layout.expect("an archive");
        let manifest = layout.resolve(Some(&tagged("v1"))).await.expect("is there");
        assert!(manifest.digest.matches(&layout.manifest(&manifest).await.expect("is there")));
        std::fs::remove_file(&theirs).expect("is removed");
    }
}
