//! Writing layouts and archives.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use wharf_layer::{Layout, LayoutSink};
use wharf_oci::ports::Arrival;
use wharf_oci::{ContentErrorKind, Descriptor, Sink, Source};

use crate::image::{Image, Memory, tagged};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("target");
    (folder, path)
}

/// All names below a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("is read") {
        let path = entry.expect("is read").path();
        if path.is_dir() {
            names.extend(self::names(&path));
        }
        names.push(path.to_str().expect("UTF-8").to_owned());
    }
    names.sort();
    names
}

async fn written(sink: LayoutSink, memory: &Memory, images: &[(&Image, &[&str])]) {
    for (image, tags) in images {
        memory.put(&sink, image, tags).await;
    }
    sink.finish().await.expect("is finished");
}

async fn resolved(layout: &Layout, tag: &str) -> Option<Descriptor> {
    layout.resolve(Some(&tagged(tag))).await.ok()
}

#[tokio::test]
async fn a_layout_is_made_and_extended_and_tags_move() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let (first, second, third) = (memory.image("1"), memory.image("2"), memory.image("3"));
    written(LayoutSink::folder(&path).expect("a folder"), &memory, &[(&first, &["a", "b"]), (&third, &[])]).await;
    let before = Layout::open_folder(&path).await.expect("a layout");
    written(LayoutSink::folder(&path).expect("a layout"), &memory, &[(&second, &["b"])]).await;
    let after = Layout::open_folder(&path).await.expect("a layout");
    assert_eq!(resolved(&before, "b").await.as_ref(), Some(&first.manifest));
    assert_eq!(resolved(&after, "a").await.as_ref(), Some(&first.manifest));
    assert_eq!(resolved(&after, "b").await.as_ref(), Some(&second.manifest));
    let index = std::fs::read_to_string(path.join("index.json")).expect("is read");
    assert!(index.contains(&third.manifest.digest.hex()), "what has no tag is still listed");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path.join("index.json")).expect("is").permissions());
    assert_eq!(mode & 0o444, 0o444, "others may read it");
    assert!(!names(&path).iter().any(|name| name.contains(".wharf-")), "nothing half-written stays");
}

#[tokio::test]
async fn a_list_of_platforms_is_listed_without_its_children() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let (one, two) = (memory.image("1"), memory.image("2"));
    let index = memory.index(&[&one, &two]);
    let sink = LayoutSink::folder(&path).expect("a folder");
    memory.put(&sink, &one, &[]).await;
    memory.put(&sink, &two, &[]).await;
    memory.put_manifest(&sink, &index, &["v1"]).await.expect("is put");
    sink.finish().await.expect("is finished");
    let layout = Layout::open_folder(&path).await.expect("a layout");
    assert_eq!(layout.resolve(None).await.expect("the one image"), index);
}

#[tokio::test]
async fn what_is_there_is_not_taken_again() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let image = memory.image("1");
    let sink = LayoutSink::folder(&path).expect("a folder");
    assert!(!sink.has_blob(&image.blobs[0]).await.expect("asked"));
    assert_eq!(memory.put_blob(&sink, &image.blobs[0]).await.expect("is put"), Arrival::Copied);
    assert_eq!(memory.put_blob(&sink, &image.blobs[0]).await.expect("is there"), Arrival::Existed);
    assert!(sink.has_blob(&image.blobs[0]).await.expect("asked"));
    drop(sink);
    let again = LayoutSink::folder(&path).expect("what was left unfinished goes on");
    assert_eq!(memory.put_blob(&again, &image.blobs[0]).await.expect("is there"), Arrival::Existed);
}

#[tokio::test]
async fn a_stream_that_breaks_goes_on_where_it_broke() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let image = memory.image(&"content ".repeat(10_000));
    let sink = LayoutSink::folder(&path).expect("a folder");
    memory.breaks.store(3, Ordering::SeqCst);
    assert_eq!(memory.put_blob(&sink, &image.blobs[1]).await.expect("is put"), Arrival::Copied);
    memory.breaks.store(u32::MAX, Ordering::SeqCst);
    let empty = memory.add("text/plain", "");
    let error = memory.put_blob(&sink, &empty).await.expect_err("gives no byte");
    assert_eq!(error.kind, ContentErrorKind::Unavailable);
}

#[tokio::test]
async fn other_bytes_than_the_digest_says_leave_nothing() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let image = memory.image("1");
    let other = memory.add("text/plain", "other");
    let sink = LayoutSink::folder(&path).expect("a folder");
    for size in [image.blobs[0].size, image.blobs[0].size - 1, image.blobs[0].size + 1, 5] {
        let lie = Descriptor::new("text/plain", other.digest, size);
        if size == 5 {
            assert_eq!(memory.put_blob(&sink, &lie).await.expect("is right"), Arrival::Copied);
        } else {
            let error = memory.put_blob(&sink, &lie).await.expect_err("is wrong");
            assert_eq!(error.kind, ContentErrorKind::Invalid);
            assert!(names(&path).is_empty());
        }
    }
}

#[tokio::test]
async fn a_folder_that_is_no_layout_is_left_alone() {
    let (folder, _) = place();
    std::fs::write(folder.path().join("notes.txt"), "mine").expect("is written");
    assert!(LayoutSink::folder(folder.path()).is_err());
    assert!(LayoutSink::archive(folder.path()).is_err(), "a folder is no archive");
    assert!(LayoutSink::archive(&folder.path().join("missing/x.tar")).is_err());
    assert_eq!(names(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_link_in_a_layout_leads_no_writer_out() {
    let (folder, path) = place();
    let outside = folder.path().join("outside");
    std::fs::create_dir_all(&outside).expect("is made");
    std::fs::create_dir_all(&path).expect("is made");
    std::os::unix::fs::symlink(&outside, path.join("blobs")).expect("is linked");
    let mut memory = Memory::default();
    let image = memory.image("1");
    let sink = LayoutSink::folder(&path).expect("a folder");
    assert!(memory.put_blob(&sink, &image.blobs[0]).await.is_err());
    assert!(names(&outside).is_empty());
}

#[tokio::test]
async fn an_archive_has_the_same_bytes_each_time_and_replaces_another_at_the_end() {
    let (folder, path) = place();
    let mut memory = Memory::default();
    let (first, second) = (memory.image("1"), memory.image("2"));
    std::fs::write(&path, "before").expect("is written");
    let sink = LayoutSink::archive(&path).expect("an archive");
    memory.put(&sink, &first, &["a"]).await;
    memory.put(&sink, &second, &["b"]).await;
    assert_eq!(std::fs::read(&path).expect("is read"), b"before");
    sink.finish().await.expect("is finished");
    drop(sink);
    let archive = std::fs::read(&path).expect("is read");
    written(LayoutSink::archive(&path).expect("an archive"), &memory, &[(&second, &["b"]), (&first, &["a"])]).await;
    assert_eq!(std::fs::read(&path).expect("is read"), archive, "whatever came first");
    assert_eq!(names(folder.path()).len(), 1, "what it was made of is gone");
}

#[tokio::test]
async fn an_archive_that_is_not_finished_leaves_nothing() {
    let (folder, path) = place();
    let mut memory = Memory::default();
    let image = memory.image("1");
    let sink = LayoutSink::docker_archive(&path, None).expect("an archive");
    memory.put(&sink, &image, &["a"]).await;
    drop(sink);
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_docker_archive_takes_images_and_no_lists() {
    let (_folder, path) = place();
    let mut memory = Memory::default();
    let image = memory.image("1");
    let index = memory.index(&[&image]);
    let sink = LayoutSink::docker_archive(&path, Some("localhost/app".to_owned())).expect("an archive");
    memory.put(&sink, &image, &["v1", "latest"]).await;
    let error = memory.put_manifest(&sink, &index, &["v1"]).await.expect_err("a list");
    assert_eq!(error.kind, ContentErrorKind::Invalid);
    sink.finish().await.expect("is finished");
    let layout = Layout::open_docker_archive(&path).await.expect("an archive");
    assert_eq!(resolved(&layout, "latest").await, Some(image.manifest));
}
