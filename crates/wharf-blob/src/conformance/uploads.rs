//! Uploads: their life from create to finish or abort.

use std::sync::Arc;

use wharf_oci::{Algorithm, Digest};

use super::{append, begin, body, content, failure, read_all, stored};
use crate::{Failure, Store, UploadKey, UploadState};

pub(super) async fn bytes_come_back_as_they_went_in(store: Arc<dyn Store>) {
    for size_bytes in [0, 1, 4096, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3_000_000] {
        let bytes = content(size_bytes);
        let key = stored(&*store, &bytes).await;
        assert_eq!(store.size(&key).await.expect("known"), Some(size_bytes as u64));
        assert_eq!(store.open(&key, None).await.expect("opens").size_bytes(), size_bytes as u64);
        assert!(read_all(&*store, key).await == bytes, "{size_bytes} bytes came back changed");
    }
}

pub(super) async fn a_saved_state_continues(store: Arc<dyn Store>) {
    let bytes = content(1_000_000);
    for algorithm in Algorithm::ALL {
        let (upload, _) = begin(&*store).await;
        let mut state = UploadState::new(algorithm);
        for chunk in [0..1, 1..100_000, 100_000..100_000, 100_000..1_000_000] {
            state = UploadState::from_bytes(&state.to_bytes()).expect("own form");
            state = append(&*store, upload, &state, &bytes.slice(chunk)).await;
        }
        assert_eq!((state.offset, state.digest()), (1_000_000, Digest::of(algorithm, &bytes)));
        let key = store.finish(&upload, &state).await.expect("finishes");
        assert!(read_all(&*store, key).await == bytes);
    }
}

pub(super) async fn an_older_state_drops_what_came_later(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let first = append(&*store, upload, &state, &content(1000)).await;
    // Its answer never arrived: the caller continues from the state before.
    append(&*store, upload, &first, &content(700_000)).await;
    let last = append(&*store, upload, &first, &content(10)).await;
    let key = store.finish(&upload, &last).await.expect("finishes");
    assert_eq!(read_all(&*store, key).await, [content(1000), content(10)].concat());
    // And a finish from an older state drops it too.
    let (upload, state) = begin(&*store).await;
    let first = append(&*store, upload, &state, &content(1000)).await;
    append(&*store, upload, &first, &content(700_000)).await;
    let key = store.finish(&upload, &first).await.expect("finishes");
    assert_eq!(read_all(&*store, key).await, content(1000));
}

pub(super) async fn finish_may_be_repeated(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &content(1000)).await;
    let key = store.finish(&upload, &state).await.expect("finishes");
    assert_eq!(key, upload.storage_key());
    assert_eq!(store.finish(&upload, &state).await.expect("finishes again"), key);
    assert_eq!(failure(store.append(&upload, state.clone(), body::whole("more")).await.end), Failure::NotFound);
    store.abort(&upload).await.expect("has nothing to do");
    assert_eq!(read_all(&*store, key).await, content(1000));
    store.delete(&[key]).await.expect("deletes");
    assert_eq!(failure(store.finish(&upload, &state).await), Failure::NotFound);
}

pub(super) async fn abort_may_be_repeated(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &content(1000)).await;
    for _ in 0..2 {
        store.abort(&upload).await.expect("aborts");
    }
    let appended = store.append(&upload, state.clone(), body::whole("more")).await;
    assert_eq!((appended.state.offset, failure(appended.end)), (1000, Failure::NotFound));
    assert_eq!(failure(store.finish(&upload, &state).await), Failure::NotFound);
    assert_eq!(store.size(&upload.storage_key()).await.expect("known"), None);
}

pub(super) async fn open_uploads_are_listed(store: Arc<dyn Store>) {
    let (open, empty) = begin(&*store).await;
    let (aborted, finished) = (begin(&*store).await.0, begin(&*store).await.0);
    let state = append(&*store, open, &empty, &content(1)).await;
    append(&*store, aborted, &empty, &content(1)).await;
    store.abort(&aborted).await.expect("aborts");
    let whole = append(&*store, finished, &empty, &content(1)).await;
    store.finish(&finished, &whole).await.expect("finishes");
    let listed = store.uploads().await.expect("lists");
    let upload = listed.iter().find(|upload| upload.key == open).expect("the open one is listed");
    assert!(upload.age.as_secs() < 60, "{:?}", upload.age);
    assert!(!listed.iter().any(|upload| [aborted, finished].contains(&upload.key)));
    append(&*store, open, &state, &content(1)).await;
    store.abort(&open).await.expect("aborts");
}

pub(super) async fn another_algorithm_is_hashed_anew(store: Arc<dyn Store>) {
    let bytes = content(600_000);
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &bytes).await;
    let state = store.rehash(&upload, state, Algorithm::Sha512).await.expect("reads again");
    assert_eq!((state.offset, state.digest()), (600_000, Digest::of(Algorithm::Sha512, &bytes)));
    let state = append(&*store, upload, &state, &content(1)).await;
    assert_eq!(state.digest(), Digest::of(Algorithm::Sha512, &[bytes, content(1)].concat()));
    store.finish(&upload, &state).await.expect("finishes");
    assert_eq!(failure(store.rehash(&upload, state, Algorithm::Sha256).await), Failure::NotFound);
}

pub(super) async fn a_state_beyond_the_bytes_is_lost(store: Arc<dyn Store>) {
    let (first, state) = begin(&*store).await;
    let ahead = append(&*store, first, &state, &content(1000)).await;
    // Another upload's state: more bytes than there are.
    let (upload, _) = begin(&*store).await;
    let appended = store.append(&upload, ahead.clone(), body::whole("more")).await;
    assert_eq!((appended.state.offset, failure(appended.end)), (1000, Failure::NotFound));
    assert_eq!(failure(store.rehash(&upload, ahead.clone(), Algorithm::Sha512).await), Failure::NotFound);
    assert_eq!(failure(store.finish(&upload, &ahead).await), Failure::NotFound);
    store.abort(&upload).await.expect("aborts");
    store.abort(&first).await.expect("aborts");
}

pub(super) async fn a_known_key_can_be_stored_under(store: Arc<dyn Store>) {
    let bytes = content(300);
    let key = UploadKey::generate().storage_key();
    store.begin(key.upload()).await.expect("begins");
    let state = append(&*store, key.upload(), &UploadState::new(Algorithm::Sha256), &bytes).await;
    assert_eq!(store.finish(&key.upload(), &state).await.expect("finishes"), key);
    assert_eq!(read_all(&*store, key).await, bytes);
}
