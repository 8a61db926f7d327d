//! What takes a disk of its own: a full one, and one whose power is cut. These need root and say so when they skip.

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use futures_util::{TryStreamExt, future};
use tempfile::TempDir;
use wharf_blob::files::{Durability, Settings};
use wharf_blob::{Error, Failure, Files, StorageKey, Store, UploadKey, UploadState, body};
use wharf_oci::Algorithm;

const MIB: usize = 1024 * 1024;

/// A file system of its own, unmounted in the end.
struct Mount {
    folder: TempDir,
}

impl Mount {
    /// `None`, said aloud, where that is not allowed.
    fn new(words: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = Command::new("mount").args(words).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => skip(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => skip(&error.to_string()),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn free_bytes(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.folder.path()).expect("is mounted");
        stat.f_bavail * stat.f_frsize
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(self.folder.path()).status();
        assert!(ended.is_ok_and(|status| status.success()), "cannot unmount {}", self.folder.path().display());
    }
}

fn skip<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: cannot mount, which takes root: {}", why.trim());
    None
}

fn content(size_bytes: usize) -> Bytes {
    (0..=250).cycle().take(size_bytes).collect()
}

async fn push(store: &Files, bytes: Bytes) -> Result<StorageKey, Error> {
    let upload = store.create().await?;
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(bytes)).await;
    appended.end?;
    store.finish(&upload, &appended.state).await
}

async fn read(store: &Files, key: StorageKey) -> Result<Vec<u8>, Error> {
    Ok(store.open(&key, None).await?.try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn root_a_full_disk_is_told_and_its_space_comes_back() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=16m", "tmpfs"]) else { return };
    fill(&mount).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_a_full_disk_that_allocates_late_is_told_and_its_space_comes_back() {
    let Some(image) = image() else { return };
    let Some(mount) = Mount::new(&["-o", "loop", &image.path().join("image").display().to_string()]) else { return };
    fill(&mount).await;
}

async fn fill(mount: &Mount) {
    let store = Files::open(mount.path()).expect("opens");
    let kept = push(&store, content(3 * MIB)).await.expect("there is room");
    let upload = store.create().await.expect("begins");
    let begun = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(content(MIB))).await;
    begun.end.expect("there is room");
    let free_bytes = mount.free_bytes();
    for _ in 0..3 {
        let full = store.append(&upload, begun.state.clone(), body::whole(content(100 * MIB))).await;
        assert_eq!(full.end.map_err(|error| error.failure()), Err(Failure::Exhausted));
        assert_eq!(full.state.offset, MIB as u64, "counts what it began with");
        assert!(mount.free_bytes() + MIB as u64 / 4 > free_bytes, "{} of {free_bytes}", mount.free_bytes());
    }
    assert_eq!(read(&store, kept).await.expect("reads"), content(3 * MIB));
    let other = push(&store, content(2 * MIB)).await.expect("there is room again");
    assert_eq!(read(&store, other).await.expect("reads"), content(2 * MIB));
    let key = store.finish(&upload, &begun.state).await.expect("what was acknowledged is there");
    assert_eq!(read(&store, key).await.expect("reads"), content(MIB));
    store.delete(&[kept, other, key]).await.expect("deletes");
    assert!(mount.free_bytes() > free_bytes);
}

/// A folder with an empty ext4 file system in the file `image`.
fn image() -> Option<TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("image");
    std::fs::File::create(&file).and_then(|file| file.set_len(40 * MIB as u64)).expect("is made");
    match Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&file).status() {
        Ok(status) if status.success() => Some(folder),
        Ok(status) => skip(&format!("mkfs.ext4: {status}")),
        Err(error) => skip(&format!("mkfs.ext4: {error}")),
    }
}

/// What was acknowledged before the power was cut.
struct Acknowledged {
    blobs: Vec<(StorageKey, usize)>,
    upload: (UploadKey, UploadState),
}

async fn acknowledged(store: &Files) -> Acknowledged {
    let upload = store.create().await.expect("begins");
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(content(MIB))).await;
    appended.end.expect("appends");
    let push = |index: usize| async move {
        let size_bytes = index * 10_007;
        (push(store, content(size_bytes)).await.expect("pushes"), size_bytes)
    };
    let mut blobs = future::join_all((1..20).map(push)).await;
    // Alone, and last: a sync for something else that came later would bring its name onto the disk too.
    blobs.push(push(20).await);
    Acknowledged { blobs, upload: (upload, appended.state) }
}

/// How many of the acknowledged things are whole.
async fn surviving(store: &Files, acknowledged: Acknowledged) -> usize {
    let mut whole = 0;
    for (key, size_bytes) in acknowledged.blobs {
        whole += usize::from(read(store, key).await.is_ok_and(|bytes| bytes == content(size_bytes)));
    }
    let (upload, state) = acknowledged.upload;
    if let Ok(key) = store.finish(&upload, &state).await {
        whole += usize::from(read(store, key).await.is_ok_and(|bytes| bytes == content(MIB)));
    }
    whole
}

/// Cuts the power the moment everything is acknowledged, and counts what is there afterwards, out of 21.
async fn after_power_loss(durability: Durability) -> Option<usize> {
    let image = image()?;
    let (before, after) = (image.path().join("image"), image.path().join("after"));
    // With a long commit interval, so that nothing gets onto the disk but what was asked for.
    let mount = Mount::new(&["-o", "loop,commit=300", &before.display().to_string()])?;
    let store = Files::open(Settings { path: mount.path(), durability }).expect("opens");
    let acknowledged = acknowledged(&store).await;
    copy(&before, &after);
    drop(store);
    drop(mount);
    let mount = Mount::new(&["-o", "loop", &after.display().to_string()])?;
    let store = Files::open(mount.path()).expect("opens");
    let whole = surviving(&store, acknowledged).await;
    drop(store);
    Some(whole)
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--sparse=always").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "cannot copy the image");
}

#[tokio::test(flavor = "multi_thread")]
async fn root_what_is_acknowledged_survives_a_power_loss() {
    let Some(whole) = after_power_loss(Durability::Full).await else { return };
    assert_eq!(whole, 21);
}

/// Else the test above would test nothing.
#[tokio::test(flavor = "multi_thread")]
async fn root_without_syncing_a_power_loss_takes_what_was_acknowledged() {
    let Some(whole) = after_power_loss(Durability::None).await else { return };
    assert!(whole < 21, "nothing was lost");
}
