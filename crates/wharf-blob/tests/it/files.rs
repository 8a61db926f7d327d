//! The store on files: what only files can show.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use tempfile::TempDir;
use wharf_blob::{Appended, Body, Error, Failure, Files, StorageKey, Store, UploadKey, UploadState, body};
use wharf_oci::{Algorithm, Digest};

fn open() -> (TempDir, Files) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Files::open(folder.path()).expect("opens");
    (folder, store)
}

fn content(size_bytes: usize) -> Bytes {
    (0..=250).cycle().take(size_bytes).collect()
}

async fn append(store: &Files, bytes: Bytes) -> (UploadKey, UploadState) {
    let upload = store.create().await.expect("begins");
    let Appended { state, end } = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(bytes)).await;
    end.expect("appends");
    (upload, state)
}

async fn push(store: &Files, bytes: Bytes) -> Result<StorageKey, Error> {
    let (upload, state) = append(store, bytes).await;
    store.finish(&upload, &state).await
}

async fn read(store: &Files, key: StorageKey) -> Result<Vec<u8>, Error> {
    Ok(store.open(&key, None).await?.try_collect::<Vec<_>>().await?.concat())
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("is a folder").map(|entry| entry.expect("is read").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn the_file(folder: &TempDir) -> PathBuf {
    let files = files(folder.path());
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o7777
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_the_bytes() {
    let (folder, store) = open();
    let key = push(&store, content(10)).await.expect("pushes");
    let file = the_file(&folder);
    assert_eq!(file.file_name().expect("has a name").to_str(), Some(key.to_string().as_str()));
    assert_eq!(mode(&file), 0o600);
    for ancestor in file.ancestors().skip(1).take_while(|ancestor| *ancestor != folder.path()) {
        assert_eq!(mode(ancestor), 0o700, "{}", ancestor.display());
    }
}

#[tokio::test]
async fn an_upload_continues_after_a_restart_from_what_was_acknowledged() {
    let (folder, store) = open();
    let (upload, state) = append(&store, content(1000)).await;
    let saved = state.to_bytes();
    // More came in, and the process died before anybody was told.
    drop(store.append(&upload, state, body::whole(content(500_000))).await);
    drop(store);
    let store = Files::open(folder.path()).expect("opens again");
    let state = UploadState::from_bytes(&saved).expect("was saved");
    let appended = store.append(&upload, state, body::whole("end")).await;
    appended.end.expect("continues");
    let key = store.finish(&upload, &appended.state).await.expect("finishes");
    assert_eq!(read(&store, key).await.expect("reads"), [&content(1000)[..], b"end"].concat());
}

#[tokio::test]
async fn a_losers_state_is_refused_after_a_restart_too() {
    let (folder, store) = open();
    let (upload, begun) = append(&store, content(10)).await;
    let loser = store.append(&upload, begun.clone(), body::whole("loser")).await.state;
    let winner = store.append(&upload, begun, body::whole("winner")).await.state;
    let store = Files::open(folder.path()).expect("opens again");
    for _ in 0..2 {
        let appended = store.append(&upload, loser.clone(), body::whole("more")).await;
        assert_eq!(appended.end.expect_err("is refused").failure(), Failure::Conflict);
        let finished = store.finish(&upload, &loser).await;
        assert_eq!(finished.expect_err("is refused").failure(), Failure::Conflict);
    }
    let key = store.finish(&upload, &winner).await.expect("finishes");
    assert_eq!(read(&store, key).await.expect("reads"), [&content(10)[..], b"winner"].concat());
}

#[tokio::test]
async fn nodes_on_a_shared_folder_continue_each_others_uploads() {
    let (folder, first) = open();
    let second = Files::open(folder.path()).expect("opens");
    let (upload, mut state) = append(&first, content(10)).await;
    let mut expected = content(10).to_vec();
    for step in 0..6_u8 {
        let node = if step % 2 == 0 { &second } else { &first };
        let appended = node.append(&upload, state, body::whole(vec![step; 7])).await;
        appended.end.expect("continues");
        state = appended.state;
        expected.extend([step; 7]);
    }
    let state = second.rehash(&upload, state, Algorithm::Sha512).await.expect("reads again");
    assert_eq!(state.digest(), Digest::of(Algorithm::Sha512, &expected));
    let key = second.finish(&upload, &state).await.expect("finishes");
    assert_eq!(read(&first, key).await.expect("reads"), expected);
}

#[tokio::test]
async fn nodes_on_a_shared_folder_do_not_write_to_one_upload_at_once() {
    let (folder, first) = open();
    let second = Files::open(folder.path()).expect("opens");
    let (upload, state) = append(&first, content(10)).await;
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let stalled: Body = Box::pin(
        stream::once(async move {
            began.send(()).expect("is awaited");
            Ok(content(10))
        })
        .chain(stream::pending()),
    );
    let writing = first.append(&upload, state.clone(), stalled);
    let refused = async {
        has_begun.await.expect("begins");
        second.append(&upload, state, body::whole("more")).await.end
    };
    let refused = match future::select(writing, Box::pin(refused)).await {
        future::Either::Left(_) => panic!("a body without an end has ended"),
        future::Either::Right((refused, _)) => refused,
    };
    assert_eq!(refused.expect_err("is refused").failure(), Failure::Unavailable);
}

#[tokio::test]
async fn an_upload_that_lost_bytes_starts_anew() {
    let (folder, store) = open();
    let (upload, state) = append(&store, content(1000)).await;
    fs::File::options().write(true).open(the_file(&folder)).and_then(|file| file.set_len(999)).expect("truncates");
    let appended = store.append(&upload, state, body::whole("more")).await;
    assert!(matches!(appended.end, Err(Error::UploadLost { expected_bytes: 1000, found_bytes: 999, .. })));
    assert_eq!(appended.state.offset, 1000);
}

#[tokio::test]
async fn rot_is_noticed() {
    let (folder, store) = open();
    let key = push(&store, content(2_000_000)).await.expect("pushes");
    let file = the_file(&folder);
    let reader = store.open(&key, None).await.expect("opens");
    fs::File::options().write(true).open(&file).and_then(|file| file.set_len(700_000)).expect("truncates");
    assert_eq!(store.size(&key).await.expect("is told"), Some(700_000));
    let end = reader.try_collect::<Vec<_>>().await.expect_err("is shorter than it was");
    assert!(matches!(end, Error::BlobTruncated { offset: 700_000, .. }), "{end}");
    assert!(matches!(store.open(&key, Some(0..700_001)).await, Err(Error::Range { size_bytes: 700_000, .. })));
    fs::remove_file(&file).expect("removes");
    assert_eq!(store.size(&key).await.expect("is told"), None);
    assert_eq!(store.open(&key, None).await.expect_err("is missing").failure(), Failure::NotFound);
}

#[tokio::test]
async fn a_symbolic_link_in_place_of_the_bytes_is_not_followed() {
    let (folder, store) = open();
    let key = push(&store, content(10)).await.expect("pushes");
    let file = the_file(&folder);
    let secret = folder.path().join("secret");
    fs::rename(&file, &secret).expect("renames");
    std::os::unix::fs::symlink(&secret, &file).expect("links");
    assert_eq!(store.open(&key, None).await.expect_err("is refused").failure(), Failure::Internal);
}

#[tokio::test]
async fn what_the_store_did_not_make_is_no_upload() {
    let (folder, store) = open();
    let (upload, _) = append(&store, content(10)).await;
    for name in ["lost+found", ".nfs0001", "01890000-0000-7000-8000-000000000000.bak"] {
        fs::write(folder.path().join("uploads").join(name), "").expect("writes");
    }
    let uploads = store.uploads().await.expect("lists");
    assert_eq!(uploads.iter().map(|upload| upload.key).collect::<Vec<_>>(), [upload]);
}

#[tokio::test]
async fn the_age_of_an_upload_counts_from_its_last_bytes() {
    let (folder, store) = open();
    let (upload, state) = append(&store, content(10)).await;
    let hour_ago = fs::FileTimes::new().set_modified(
        fs::metadata(the_file(&folder)).and_then(|file| file.modified()).expect("has a time")
            - Duration::from_secs(3600),
    );
    fs::File::options().write(true).open(the_file(&folder)).and_then(|file| file.set_times(hour_ago)).expect("sets");
    assert!(store.uploads().await.expect("lists")[0].age >= Duration::from_secs(3600));
    store.append(&upload, state, body::whole("more")).await.end.expect("continues");
    assert!(store.uploads().await.expect("lists")[0].age < Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_push_and_pull_at_once() {
    let (_folder, store) = open();
    let store = Arc::new(store);
    let pushes = (0..200_usize).map(|index| {
        let store = Arc::clone(&store);
        tokio::task::spawn(async move {
            let bytes = content(index * 7919);
            let key = push(&store, bytes.clone()).await.expect("pushes");
            assert!(read(&store, key).await.expect("reads") == bytes);
            key
        })
    });
    let keys: Vec<_> = future::try_join_all(pushes).await.expect("nobody fails");
    store.delete(&keys).await.expect("deletes");
    for key in &keys {
        assert_eq!(store.size(key).await.expect("is told"), None);
    }
}

/// With four threads for blocking calls, hundreds of clients that neither send nor take anything hold none of them.
#[test]
fn stalled_clients_hold_no_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (_folder, store) = open();
        let store = Arc::new(store);
        let key = push(&store, content(3_000_000)).await.expect("pushes");
        let mut readers = Vec::new();
        for _ in 0..300 {
            let mut reader = store.open(&key, None).await.expect("opens");
            reader.next().await.expect("has bytes").expect("reads");
            readers.push(reader);
        }
        let mut writers = Vec::new();
        for _ in 0..300 {
            let store = Arc::clone(&store);
            let (began, has_begun) = tokio::sync::oneshot::channel();
            let first = stream::once(async move {
                began.send(()).expect("is awaited");
                Ok(content(600_000))
            });
            let stalled: Body = Box::pin(first.chain(stream::pending()));
            writers.push(tokio::task::spawn(async move {
                let upload = store.create().await.expect("begins");
                store.append(&upload, UploadState::new(Algorithm::Sha256), stalled).await
            }));
            has_begun.await.expect("begins");
        }
        let pushed = tokio::time::timeout(Duration::from_secs(30), push(&store, content(3_000_000)));
        let key = pushed.await.expect("waits for nobody").expect("pushes");
        let pulled = tokio::time::timeout(Duration::from_secs(30), read(&store, key));
        assert!(pulled.await.expect("waits for nobody").expect("reads") == content(3_000_000));
        writers.iter().for_each(tokio::task::JoinHandle::abort);
    });
}

#[tokio::test]
async fn the_store_makes_its_folder_and_says_which_it_cannot_make() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deep = folder.path().join("a/b/c");
    Files::open(deep.as_path()).expect("is made");
    assert_eq!(mode(&deep), 0o700);
    fs::write(folder.path().join("file"), "").expect("writes");
    let error = Files::open(folder.path().join("file/blobs")).expect_err("lies below a file");
    assert!(error.to_string().contains("file/blobs"), "{error}");
    fs::set_permissions(&deep, Permissions::from_mode(0o700)).expect("is ours");
}
