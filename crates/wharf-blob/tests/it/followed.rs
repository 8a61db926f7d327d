//! A store that tells a follower what it stores and deletes.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use wharf_blob::followed::{Follower, NotFollowed};
use wharf_blob::{BoxFuture, Error, Failure, Followed, Memory, StorageKey, Store, UploadKey, UploadState, body};
use wharf_oci::Algorithm;

/// Notes what it is told; stored bytes are confirmed when somebody says so.
#[derive(Debug, Default)]
struct Notes {
    stored: Mutex<Vec<(StorageKey, u64)>>,
    deleted: Mutex<Vec<StorageKey>>,
    waits: bool,
    word: Notify,
    is_away: bool,
}

impl Follower for Notes {
    fn stored(&self, key: StorageKey, size_bytes: u64) -> BoxFuture<'_, Result<(), NotFollowed>> {
        self.stored.lock().expect("no test panics with the lock").push((key, size_bytes));
        Box::pin(async move {
            if self.waits {
                self.word.notified().await;
            }
            if self.is_away { Err(NotFollowed("it is away".to_owned())) } else { Ok(()) }
        })
    }

    fn deleted(&self, keys: &[StorageKey]) {
        self.deleted.lock().expect("no test panics with the lock").extend(keys);
    }
}

fn open(notes: Notes) -> (Arc<Notes>, Arc<Followed>) {
    let notes = Arc::new(notes);
    let store = Followed::new(Arc::new(Memory::new()), Arc::clone(&notes) as _);
    (notes, Arc::new(store))
}

async fn upload(store: &dyn Store) -> (UploadKey, UploadState) {
    let upload = store.create().await.expect("begins");
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole("four")).await;
    appended.end.expect("appends");
    (upload, appended.state)
}

#[tokio::test]
async fn what_is_stored_counts_when_the_follower_has_it() {
    let (notes, store) = open(Notes { waits: true, ..Notes::default() });
    let (upload, state) = upload(&*store).await;
    let ending = Arc::clone(&store);
    let finish = tokio::spawn(async move { ending.finish(&upload, &state).await });
    while notes.stored.lock().expect("no test panics with the lock").is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!finish.is_finished());
    assert_eq!(store.size(&upload.storage_key()).await.expect("it is there"), Some(4));
    notes.word.notify_one();
    let key = finish.await.expect("ends").expect("is confirmed");
    assert_eq!(*notes.stored.lock().expect("no test panics with the lock"), [(key, 4)]);
    store.delete(&[key]).await.expect("deletes");
    assert_eq!(*notes.deleted.lock().expect("no test panics with the lock"), [key]);
}

#[tokio::test]
async fn a_finish_that_is_not_confirmed_may_be_repeated() {
    let (notes, store) = open(Notes { is_away: true, ..Notes::default() });
    let (upload, state) = upload(&*store).await;
    for told in 1..=2 {
        let error = store.finish(&upload, &state).await.expect_err("it is away");
        assert!(matches!(error, Error::NotFollowed { .. }) && error.failure() == Failure::Unavailable, "{error}");
        assert_eq!(notes.stored.lock().expect("no test panics with the lock").len(), told);
    }
}
