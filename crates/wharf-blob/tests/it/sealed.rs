//! Sealed bytes: what the inner store holds, what happens to those who change it, and which keys are asked for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use proptest::prelude::*;
use uuid::Uuid;
use wharf_blob::sealed::keys::{DataKey, Keys, KeysError};
use wharf_blob::{
    BoxFuture, Error, Failure, Files, Memory, Reader, Sealed, StorageKey, Store, UploadKey, UploadState, body,
};
use wharf_oci::{Algorithm, Digest};
use zeroize::Zeroizing;

const SEGMENT: usize = 64 * 1024;
const STORED_SEGMENT: usize = SEGMENT + 24;
const HEAD: usize = 56;

/// Keys in memory, of which the last one is for new blobs.
#[derive(Debug, Default)]
struct Bunch(Mutex<(HashMap<Uuid, DataKey>, Option<Uuid>)>);

impl Bunch {
    fn add(&self) {
        let mut bunch = self.0.lock().expect("whole");
        let id = Uuid::new_v4();
        let secret = Zeroizing::new([u8::try_from(bunch.0.len()).expect("few"); 32]);
        bunch.0.insert(id, DataKey::new(id, secret));
        bunch.1 = Some(id);
    }

    fn forget_all(&self) {
        self.0.lock().expect("whole").0.clear();
    }

    fn get(&self, id: Uuid) -> Result<DataKey, KeysError> {
        self.0.lock().expect("whole").0.get(&id).cloned().ok_or(KeysError::Unknown { id })
    }
}

impl Keys for Bunch {
    fn newest(&self) -> BoxFuture<'_, Result<DataKey, KeysError>> {
        let newest = self.0.lock().expect("whole").1.expect("a key was added");
        Box::pin(async move { self.get(newest) })
    }

    fn find(&self, id: Uuid) -> BoxFuture<'_, Result<DataKey, KeysError>> {
        Box::pin(async move { self.get(id) })
    }
}

struct Case {
    inner: Arc<dyn Store>,
    keys: Arc<Bunch>,
    sealed: Sealed,
}

fn case() -> Case {
    over(Arc::new(Memory::new()))
}

fn over(inner: Arc<dyn Store>) -> Case {
    let keys = Arc::new(Bunch::default());
    keys.add();
    let sealed = Sealed::new(Arc::clone(&inner), Arc::clone(&keys) as _, true);
    Case { inner, keys, sealed }
}

/// Bytes of which no sixteen in a row come twice.
fn content(size_bytes: usize, seed: u64) -> Bytes {
    let words = (0..).map(|word: u64| (word ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.flatten().take(size_bytes).collect()
}

async fn append(store: &dyn Store, upload: UploadKey, state: &UploadState, bytes: Bytes) -> UploadState {
    let appended = store.append(&upload, state.clone(), body::whole(bytes)).await;
    appended.end.expect("appends");
    // As it would come back from the catalog.
    UploadState::from_bytes(&appended.state.to_bytes()).expect("own form")
}

async fn store_under(store: &dyn Store, upload: UploadKey, bytes: Bytes) -> StorageKey {
    store.begin(upload).await.expect("begins");
    let state = append(store, upload, &UploadState::new(Algorithm::Sha256), bytes).await;
    store.finish(&upload, &state).await.expect("finishes")
}

async fn store(store: &dyn Store, bytes: Bytes) -> StorageKey {
    let upload = store.create().await.expect("begins");
    let state = append(store, upload, &UploadState::new(Algorithm::Sha256), bytes).await;
    store.finish(&upload, &state).await.expect("finishes")
}

/// All that came before the end or the first error.
async fn read(store: &dyn Store, key: StorageKey, range: Option<Range<u64>>) -> (Vec<u8>, Result<(), Error>) {
    let mut reader: Reader = match store.open(&key, range).await {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut bytes = Vec::new();
    while let Some(piece) = reader.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => {
                assert!(reader.next().await.is_none(), "nothing follows an error");
                return (bytes, Err(error));
            }
        }
    }
    (bytes, Ok(()))
}

async fn read_well(store: &dyn Store, key: StorageKey, range: Option<Range<u64>>) -> Vec<u8> {
    let (bytes, end) = read(store, key, range).await;
    end.expect("reads");
    bytes
}

/// Puts other bytes in the place of those that the inner store holds.
async fn replace(inner: &dyn Store, key: StorageKey, bytes: Vec<u8>) {
    inner.delete(&[key]).await.expect("deletes");
    assert_eq!(store_under(inner, key.upload(), bytes.into()).await, key);
}

/// Whether a reader of changed bytes gets nothing but what was sealed, and an error before the end.
async fn assert_noticed(case: &Case, key: StorageKey, original: &[u8], what: &str) {
    let (bytes, end) = read(&case.sealed, key, None).await;
    assert!(matches!(end, Err(Error::Sealed { .. } | Error::Keys { .. })), "{what}: {end:?}");
    assert!(original.starts_with(&bytes), "{what}: gave other bytes");
    assert!(bytes.len() < original.len() || original.is_empty(), "{what}: gave all");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inner_store_holds_nothing_of_the_plaintext() {
    let case = case();
    let bytes = content(3 * SEGMENT + 5, 1);
    let key = store(&case.sealed, bytes.clone()).await;
    let stored = read_well(&*case.inner, key, None).await;
    assert_eq!(stored.len(), HEAD + 3 * STORED_SEGMENT + 24 + 5);
    for window in bytes.chunks(16).step_by(97) {
        assert!(!stored.windows(window.len()).any(|found| found == window));
    }
    assert_eq!(case.inner.size(&key).await.expect("known"), Some(stored.len() as u64));
    assert_eq!(case.sealed.size(&key).await.expect("known"), Some(bytes.len() as u64));
    let listed = case.sealed.list(None, 10).await.expect("lists");
    assert_eq!(listed.iter().map(|stored| stored.size_bytes).collect::<Vec<_>>(), [bytes.len() as u64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_never_lie_there_twice() {
    let case = case();
    let (first, second) = (store(&case.sealed, content(1000, 1)).await, store(&case.sealed, content(1000, 1)).await);
    let (first, second) = (read_well(&*case.inner, first, None).await, read_well(&*case.inner, second, None).await);
    assert_ne!(first[24..56], second[24..56], "salts differ");
    assert_ne!(first[HEAD + 8..HEAD + 1008], second[HEAD + 8..HEAD + 1008]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_upload_holds_nothing_of_its_tail() {
    let case = case();
    let upload = case.sealed.create().await.expect("begins");
    let bytes = content(SEGMENT + 5000, 2);
    let state = append(&case.sealed, upload, &UploadState::new(Algorithm::Sha256), bytes.clone()).await;
    let saved = state.to_bytes();
    for window in bytes[SEGMENT..SEGMENT + 4900].chunks(16) {
        assert!(!saved.windows(16).any(|found| found == window));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_bit_is_noticed() {
    let case = case();
    let bytes = content(40, 3);
    let key = store(&case.sealed, bytes.clone()).await;
    let stored = read_well(&*case.inner, key, None).await;
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut changed = stored.clone();
            changed[at] ^= 1 << bit;
            replace(&*case.inner, key, changed).await;
            assert_noticed(&case, key, &bytes, &format!("byte {at} bit {bit}")).await;
        }
    }
    replace(&*case.inner, key, stored).await;
    assert_eq!(read_well(&case.sealed, key, None).await, bytes, "unchanged, it opens");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_cut_short_or_continued_are_noticed() {
    let case = case();
    for size_bytes in [0, 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT] {
        let bytes = content(size_bytes, 4);
        let key = store(&case.sealed, bytes.clone()).await;
        let stored = read_well(&*case.inner, key, None).await;
        let segments: Vec<_> = (0..6).map(|segment| HEAD + segment * STORED_SEGMENT).collect();
        let cuts = segments.iter().flat_map(|at| [at.wrapping_sub(1), *at, at + 1, at + 23, at + 24, at + 25, at + 30]);
        for length in cuts.chain([0, 1, 8, 24, stored.len() - 1]).filter(|length| *length < stored.len()) {
            replace(&*case.inner, key, stored[..length].to_vec()).await;
            assert_noticed(&case, key, &bytes, &format!("{size_bytes} cut to {length}")).await;
            let told = case.sealed.size(&key).await.expect("known");
            assert_ne!(told, Some(size_bytes as u64), "{size_bytes} cut to {length}");
        }
        for more in [1, 24, 25, 100, STORED_SEGMENT] {
            replace(&*case.inner, key, [stored.clone(), vec![0; more]].concat()).await;
            assert_noticed(&case, key, &bytes, &format!("{size_bytes} and {more} more")).await;
        }
        replace(&*case.inner, key, [&stored[..], &stored[HEAD..]].concat()).await;
        assert_noticed(&case, key, &bytes, "continued with itself").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_that_changed_places_are_noticed() {
    let case = case();
    let bytes = content(6 * SEGMENT, 5);
    let key = store(&case.sealed, bytes.clone()).await;
    let stored = read_well(&*case.inner, key, None).await;
    let segment = |index: usize| HEAD + index * STORED_SEGMENT..HEAD + (index + 1) * STORED_SEGMENT;
    for (first, second) in [(0, 1), (0, 5), (2, 3), (4, 5), (1, 4)] {
        let mut changed = stored.clone();
        changed[segment(first)].copy_from_slice(&stored[segment(second)]);
        changed[segment(second)].copy_from_slice(&stored[segment(first)]);
        replace(&*case.inner, key, changed).await;
        assert_noticed(&case, key, &bytes, &format!("{first} and {second}")).await;
        let range = (first * SEGMENT) as u64..(first * SEGMENT + 10) as u64;
        assert!(read(&case.sealed, key, Some(range)).await.1.is_err(), "also for a range");
    }
    let left_out = [&stored[..segment(2).start], &stored[segment(3).start..]].concat();
    replace(&*case.inner, key, left_out).await;
    assert_noticed(&case, key, &bytes, "one left out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_changed_places_are_noticed() {
    let case = case();
    let (one, two) = (content(2 * SEGMENT, 6), content(2 * SEGMENT, 7));
    let (first, second) = (store(&case.sealed, one.clone()).await, store(&case.sealed, two.clone()).await);
    let (stored_first, stored_second) =
        (read_well(&*case.inner, first, None).await, read_well(&*case.inner, second, None).await);
    replace(&*case.inner, first, stored_second).await;
    replace(&*case.inner, second, stored_first).await;
    assert_noticed(&case, first, &one, "the second in the first's place").await;
    assert_noticed(&case, second, &two, "the first in the second's place").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_an_earlier_try_does_not_go_with_what_was_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = over(Arc::new(Files::open(folder.path()).expect("opens")));
    let upload = case.sealed.create().await.expect("begins");
    let begun = append(&case.sealed, upload, &UploadState::new(Algorithm::Sha256), content(1, 0)).await;
    append(&case.sealed, upload, &begun, content(4 * SEGMENT, 1)).await;
    let dropped = std::fs::read(folder.path().join(format!("uploads/{upload}"))).expect("reads");
    let state = append(&case.sealed, upload, &begun, content(4 * SEGMENT, 2)).await;
    let key = case.sealed.finish(&upload, &state).await.expect("finishes");
    let stored = read_well(&*case.inner, key, None).await;
    let original = [content(1, 0), content(4 * SEGMENT, 2)].concat();
    assert_ne!(dropped[HEAD..HEAD + 8], stored[HEAD..HEAD + 8], "another epoch, so another nonce");
    for index in 0..4 {
        let at = HEAD + index * STORED_SEGMENT..HEAD + (index + 1) * STORED_SEGMENT;
        let mut changed = stored.clone();
        changed[at.clone()].copy_from_slice(&dropped[at]);
        replace(&*case.inner, key, changed).await;
        let (bytes, end) = read(&case.sealed, key, None).await;
        assert!(matches!(end, Err(Error::Sealed { .. })), "{index}");
        assert!(bytes.len() < original.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_of_an_older_key_open_and_those_of_a_lost_one_name_it() {
    let case = case();
    let first = store(&case.sealed, content(100, 8)).await;
    let upload = case.sealed.create().await.expect("begins");
    let state = append(&case.sealed, upload, &UploadState::new(Algorithm::Sha256), content(100, 9)).await;
    case.keys.add();
    let state = append(&case.sealed, upload, &state, content(SEGMENT, 9)).await;
    let second = case.sealed.finish(&upload, &state).await.expect("an upload keeps the key it began with");
    let third = store(&case.sealed, content(100, 10)).await;
    assert_eq!(read_well(&case.sealed, first, None).await, content(100, 8));
    assert_eq!(read_well(&case.sealed, second, None).await.len(), 100 + SEGMENT);
    assert_eq!(read_well(&case.sealed, third, None).await, content(100, 10));
    let head = |stored: Vec<u8>| stored[8..24].to_vec();
    let ids = [first, second, third].map(|key| read_well(&*case.inner, key, None));
    let ids: Vec<_> = futures_util::future::join_all(ids).await.into_iter().map(head).collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2]);
    case.keys.forget_all();
    let lost = case.sealed.open(&first, None).await.expect_err("its key is lost");
    assert_eq!(lost.failure(), Failure::Internal);
    assert!(matches!(lost, Error::Keys { source: KeysError::Unknown { .. }, .. }), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_and_sealed_blobs_lie_side_by_side_and_bytes_have_no_say_in_it() {
    let case = case();
    let off = Sealed::new(Arc::clone(&case.inner), Arc::clone(&case.keys) as _, false);
    let sealed = store(&case.sealed, content(100, 11)).await;
    // Somebody pushes what looks like a sealed blob.
    let looks_sealed = Bytes::from(read_well(&*case.inner, sealed, None).await);
    let plain = store(&off, looks_sealed.clone()).await;
    assert!(sealed.is_sealed() && !plain.is_sealed());
    for store in [&case.sealed, &off] {
        assert_eq!(read_well(store, sealed, None).await, content(100, 11));
        assert_eq!(read_well(store, plain, None).await, looks_sealed);
        assert_eq!(store.size(&plain).await.expect("known"), Some(looks_sealed.len() as u64));
        assert_eq!(store.presign(&sealed, Duration::from_secs(60)).await.expect("answers"), None);
    }
    // And what is copied in under a known key is as sealed as the key says.
    let other = over(Arc::new(Memory::new()));
    for key in [sealed, plain] {
        let bytes: Bytes = read_well(&case.sealed, key, None).await.into();
        store_under(&other.sealed, key.upload(), bytes.clone()).await;
        assert_eq!(read_well(&other.sealed, key, None).await, bytes);
        assert_eq!(read_well(&*other.inner, key, None).await == bytes, !key.is_sealed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_was_changed_in_the_catalog_is_refused() {
    let case = case();
    let upload = case.sealed.create().await.expect("begins");
    let state = append(&case.sealed, upload, &UploadState::new(Algorithm::Sha256), content(30, 12)).await;
    let saved = state.to_bytes();
    // Behind offset, writer and hash, which are not ours to seal.
    for at in (17 + 104..saved.len()).rev() {
        let mut changed = saved.clone();
        changed[at] ^= 1;
        let Some(changed) = UploadState::from_bytes(&changed) else { continue };
        let end = case.sealed.append(&upload, changed, body::whole("more")).await.end;
        assert!(matches!(end, Err(Error::UploadLost { .. } | Error::Keys { .. })), "byte {at}: {end:?}");
    }
    append(&case.sealed, upload, &state, content(1, 0)).await;
}

fn ranges() -> impl Strategy<Value = (usize, Vec<usize>, usize, usize)> {
    let near =
        |segments: usize| prop_oneof![0..200_usize, segments * SEGMENT - 3..segments * SEGMENT + 3, 0..6 * SEGMENT];
    (near(4), prop::collection::vec(near(1), 0..4), near(2), near(3))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_range_of_any_upload_in_any_chunks_is_exact((size_bytes, cuts, from, to) in ranges()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        runtime.block_on(async {
            let case = case();
            let bytes = content(size_bytes, 13);
            let upload = case.sealed.create().await.expect("begins");
            let mut state = UploadState::new(Algorithm::Sha256);
            let mut left = bytes.clone();
            for cut in cuts {
                let chunk = left.split_to(cut.min(left.len()));
                state = append(&case.sealed, upload, &state, chunk).await;
            }
            state = append(&case.sealed, upload, &state, left).await;
            assert_eq!(state.digest(), Digest::of(Algorithm::Sha256, &bytes));
            let again = case.sealed.rehash(&upload, state.clone(), Algorithm::Sha512).await.expect("reads again");
            assert_eq!(again.digest(), Digest::of(Algorithm::Sha512, &bytes));
            let key = case.sealed.finish(&upload, &state).await.expect("finishes");
            assert_eq!(case.sealed.finish(&upload, &state).await.expect("may be repeated"), key);
            let (from, to) = (from.min(to).min(size_bytes), from.max(to).min(size_bytes));
            assert!(read_well(&case.sealed, key, Some(from as u64..to as u64)).await == bytes[from..to]);
            assert!(read_well(&case.sealed, key, None).await == bytes);
        });
    }
}
