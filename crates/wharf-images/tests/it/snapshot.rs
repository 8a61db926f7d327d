//! Layers unpacked, changed and made again. Overlay file systems need root.

use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use wharf_context::SystemClock;
use wharf_images::import::Imported;
use wharf_images::{Clamp, Images, Snapshot, root};
use wharf_layer::{Compression, Mtime};

const CREATED: i64 = 1_700_000_000;

/// Whether this process may mount; else it says so.
pub(crate) fn may_mount() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "skipped: overlay file systems need root").expect("standard error is open");
    }
    is_root
}

pub(crate) async fn opened(folder: &Path) -> Images {
    Images::open(folder, Arc::new(SystemClock)).await.expect("opened")
}

fn imported() -> Imported {
    let created = ("2023-11-14T22:13:20Z".to_owned(), CREATED);
    Imported { os: "linux".to_owned(), architecture: "amd64".to_owned(), created }
}

fn clamp() -> Option<Clamp> {
    Some(Clamp(Mtime { seconds: CREATED, nanoseconds: 0 }))
}

fn base(folder: &Path) {
    std::fs::create_dir_all(folder.join("etc/d")).expect("made");
    std::fs::create_dir_all(folder.join("usr/bin")).expect("made");
    std::fs::write(folder.join("etc/a"), "a").expect("written");
    std::fs::write(folder.join("etc/d/x"), "x").expect("written");
    std::fs::write(folder.join("usr/bin/tool"), "#!").expect("written");
    std::fs::set_permissions(folder.join("usr/bin/tool"), PermissionsExt::from_mode(0o4755)).expect("set");
    std::fs::hard_link(folder.join("etc/a"), folder.join("etc/b")).expect("linked");
    symlink("usr/bin", folder.join("bin")).expect("linked");
}

async fn unpacked(images: &Images, folder: &Path) -> Snapshot {
    base(folder);
    let descriptor = images.import(folder, &imported()).await.expect("imported");
    let image = images.image(&descriptor).await.expect("an image");
    images.unpacked(&image).await.expect("unpacked")
}

#[tokio::test]
async fn root_a_folder_becomes_an_image_and_a_file_system_again() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let images = opened(&folder.path().join("store")).await;
    let snapshot = unpacked(&images, &folder.path().join("base")).await;
    let unpacked = images.folders(&snapshot).remove(0);
    let tool = std::fs::symlink_metadata(unpacked.join("usr/bin/tool")).expect("there");
    assert_eq!((tool.mode() & 0o7777, tool.mtime()), (0o4755, CREATED));
    let inode = |name| std::fs::metadata(unpacked.join(name)).expect("there").ino();
    assert_eq!(inode("etc/a"), inode("etc/b"));
    assert_eq!(std::fs::read_link(unpacked.join("bin")).expect("a link"), Path::new("usr/bin"));
}

#[tokio::test]
async fn root_changes_become_a_layer_that_unpacks_to_the_same() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let images = opened(&folder.path().join("store")).await;
    let below = unpacked(&images, &folder.path().join("base")).await;
    let changed = async |images: &Images| {
        let draft = images.draft(&below).expect("begun");
        let tree = draft.root().expect("mounted");
        let etc = tree.folder(b"etc").expect("there");
        root::remove(etc.as_fd(), b"a").expect("removed");
        root::remove(etc.as_fd(), b"d").expect("removed");
        let made = tree.make_folder(b"bin/../bin/deep/er", &mut |_, _| Ok(())).expect("made");
        drop(root::create(made.as_fd(), b"new").expect("made"));
        drop((tree, etc, made));
        images.commit(draft, clamp()).await.expect("committed")
    };
    let snapshot = changed(&images).await;
    let again = changed(&images).await;
    assert_eq!(snapshot, again, "equal changes are one layer");
    let layer = snapshot.layers.last().expect("a layer").clone();
    let blobs = [Compression::Plain, Compression::Gzip, Compression::Zstd];
    for compression in blobs {
        let blob = images.layer_blob(&layer, compression).await.expect("packed");
        assert_eq!(images.layer_blob(&layer, compression).await.expect("known"), blob);
    }
    // Another node unpacks the blobs: the same file system under the same name.
    let other = opened(&folder.path().join("other")).await;
    let config = wharf_oci::ImageConfig {
        rootfs: wharf_oci::config::RootFs {
            diff_ids: snapshot.layers.iter().map(|layer| layer.diff_id).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut layers = Vec::new();
    for layer in &snapshot.layers {
        layers.push(images.layer_blob(layer, Compression::Gzip).await.expect("packed"));
    }
    let descriptor = images.put_image(&config, &layers, &Default::default()).await.expect("kept");
    let sink = other.sink("docker.io/library/x").expect("a sink");
    let mut copied = vec![images.image(&descriptor).await.expect("an image").config.descriptor];
    copied.extend(layers);
    for blob in &copied {
        wharf_oci::Sink::put_blob(&sink, blob, images.source(), &|_| {}).await.expect("copied");
    }
    let bytes = images.document(&descriptor.digest).await.expect("read");
    let tags = ["v1".parse().expect("a tag")];
    wharf_oci::Sink::put_manifest(&sink, &descriptor, bytes, &tags).await.expect("copied");
    let found = other.find("docker.io/library/x:v1").await.expect("asked").expect("named");
    let image = other.image(&found).await.expect("an image");
    let theirs = other.unpacked(&image).await.expect("unpacked");
    assert_eq!(theirs, snapshot);
    let tree = other.read(&theirs).expect("mounted");
    assert!(tree.find(b"etc/a").expect("asked").is_none() && tree.find(b"etc/d").expect("asked").is_none());
    assert!(
        tree.find(b"etc/b").expect("asked").is_some() && tree.find(b"usr/bin/deep/er/new").expect("asked").is_some()
    );
}

#[tokio::test]
async fn root_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sessions = folder.path().join("sessions");
    let first = opened(folder.path()).await;
    let draft = first.draft(&Snapshot::default()).expect("begun");
    // A folder whose lock nobody holds is what a killed process leaves.
    std::fs::create_dir_all(sessions.join("dead/0/upper")).expect("made");
    std::fs::write(sessions.join("dead.lock"), "").expect("written");
    let second = opened(folder.path()).await;
    assert!(!sessions.join("dead").exists() && !sessions.join("dead.lock").exists());
    assert!(draft.upper().upper.is_dir());
    drop((draft, first, second));
    assert_eq!(std::fs::read_dir(&sessions).expect("read").count(), 0);
}

#[tokio::test]
async fn root_nothing_outside_is_touched_through_links() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let images = opened(&folder.path().join("store")).await;
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).expect("made");
    let draft = images.draft(&Snapshot::default()).expect("begun");
    let tree = draft.root().expect("opened");
    symlink(&outside, draft.upper().upper.join("absolute")).expect("linked");
    symlink("../../../../../../../..", draft.upper().upper.join("up")).expect("linked");
    for path in [&b"absolute/x"[..], b"up/y", b"../../z"] {
        tree.make_folder(path, &mut |_, _| Ok(())).expect("made inside");
    }
    assert_eq!(std::fs::read_dir(&outside).expect("read").count(), 0);
    let inside = draft.upper().upper.clone();
    assert!(inside.join("y").is_dir() && inside.join("z").is_dir());
}
