//! What every store promises, as a suite that each implementation runs in three lines.
//!
//! It panics at the first promise that is broken, naming it. It does not test what only one place for bytes can show,
//! such as a full disk or a power loss.

mod bodies;
mod reading;
mod uploads;
mod writers;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use wharf_oci::{Algorithm, Digest};

use crate::{
    Appended, Body, BodyError, BoxFuture, Error, Failure, Reader, StorageKey, Store, UploadKey, UploadState, body,
};

type Check = fn(Arc<dyn Store>) -> BoxFuture<'static, ()>;

const CHECKS: &[(&str, Check)] = &[
    ("bytes_come_back_as_they_went_in", |store| Box::pin(uploads::bytes_come_back_as_they_went_in(store))),
    ("a_saved_state_continues", |store| Box::pin(uploads::a_saved_state_continues(store))),
    ("an_older_state_drops_what_came_later", |store| Box::pin(uploads::an_older_state_drops_what_came_later(store))),
    ("finish_may_be_repeated", |store| Box::pin(uploads::finish_may_be_repeated(store))),
    ("abort_may_be_repeated", |store| Box::pin(uploads::abort_may_be_repeated(store))),
    ("open_uploads_are_listed", |store| Box::pin(uploads::open_uploads_are_listed(store))),
    ("another_algorithm_is_hashed_anew", |store| Box::pin(uploads::another_algorithm_is_hashed_anew(store))),
    ("a_state_beyond_the_bytes_is_lost", |store| Box::pin(uploads::a_state_beyond_the_bytes_is_lost(store))),
    ("a_broken_body_leaves_what_arrived", |store| Box::pin(bodies::a_broken_body_leaves_what_arrived(store))),
    ("pieces_may_have_any_size", |store| Box::pin(bodies::pieces_may_have_any_size(store))),
    ("a_dropped_append_can_be_repeated", |store| Box::pin(bodies::a_dropped_append_can_be_repeated(store))),
    ("the_later_writer_wins", |store| Box::pin(writers::the_later_writer_wins(store))),
    ("the_losers_state_is_refused", |store| Box::pin(writers::the_losers_state_is_refused(store))),
    ("finish_stops_a_running_append", |store| Box::pin(writers::finish_stops_a_running_append(store))),
    ("abort_stops_a_running_append", |store| Box::pin(writers::abort_stops_a_running_append(store))),
    ("other_bytes_are_not_taken_for_finished", |store| {
        Box::pin(writers::other_bytes_are_not_taken_for_finished(store))
    }),
    ("ranges_are_exact", |store| Box::pin(reading::ranges_are_exact(store))),
    ("deleted_bytes_are_gone", |store| Box::pin(reading::deleted_bytes_are_gone(store))),
    ("what_is_stored_is_listed", |store| Box::pin(reading::what_is_stored_is_listed(store))),
    ("a_known_key_can_be_stored_under", |store| Box::pin(uploads::a_known_key_can_be_stored_under(store))),
    ("an_open_reader_survives_deletion", |store| Box::pin(reading::an_open_reader_survives_deletion(store))),
    ("many_stalled_readers_stop_nobody", |store| Box::pin(reading::many_stalled_readers_stop_nobody(store))),
];

/// Runs the suite. The store may hold other things, which are left alone.
///
/// # Panics
/// When the store breaks a promise.
pub async fn run(store: Arc<dyn Store>) {
    for (name, check) in CHECKS {
        tracing::info!(check = name, "conformance");
        check(Arc::clone(&store)).await;
    }
}

/// Bytes that differ at every offset that matters.
fn content(size_bytes: usize) -> Bytes {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64 ^ size_bytes as u64;
    let words = std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    });
    words.flatten().take(size_bytes).collect()
}

/// A body that gives `pieces` and then never ends.
fn stalled(pieces: Vec<Bytes>) -> Body {
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok));
    Box::pin(pieces.chain(futures_util::stream::pending()))
}

/// A body that gives `pieces` and then breaks.
fn broken(pieces: Vec<Bytes>) -> Body {
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok));
    Box::pin(pieces.chain(futures_util::stream::iter([Err(BodyError::broken("connection reset"))])))
}

async fn begin(store: &dyn Store) -> (UploadKey, UploadState) {
    let upload = store.create().await.expect("an upload begins");
    (upload, UploadState::new(Algorithm::Sha256))
}

async fn append(store: &dyn Store, upload: UploadKey, state: &UploadState, bytes: &Bytes) -> UploadState {
    let Appended { state, end } = store.append(&upload, state.clone(), body::whole(bytes.clone())).await;
    end.expect("the body is appended");
    state
}

async fn stored(store: &dyn Store, bytes: &Bytes) -> StorageKey {
    let (upload, state) = begin(store).await;
    let state = append(store, upload, &state, bytes).await;
    assert_eq!(state.digest(), Digest::of(Algorithm::Sha256, bytes));
    store.finish(&upload, &state).await.expect("the upload finishes")
}

async fn read(reader: Reader) -> Bytes {
    let pieces: Vec<_> = reader.map(|piece| piece.expect("a piece is read")).collect().await;
    assert!(pieces.iter().all(|piece| !piece.is_empty()), "an empty piece would end an HTTP body early");
    pieces.concat().into()
}

async fn read_all(store: &dyn Store, key: StorageKey) -> Bytes {
    read(store.open(&key, None).await.expect("the blob opens")).await
}

fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Failure {
    result.expect_err("this has to fail").failure()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::followed::{Follower, NotFollowed};
    use crate::sealed::keys::{DataKey, Keys, KeysError};
    use crate::{Files, Followed, Memory, Sealed};

    #[derive(Debug)]
    struct OneKey(DataKey);

    impl Keys for OneKey {
        fn newest(&self) -> BoxFuture<'_, Result<DataKey, KeysError>> {
            Box::pin(async { Ok(self.0.clone()) })
        }

        fn find(&self, id: uuid::Uuid) -> BoxFuture<'_, Result<DataKey, KeysError>> {
            let found = if id == self.0.id { Ok(self.0.clone()) } else { Err(KeysError::Unknown { id }) };
            Box::pin(async { found })
        }
    }

    /// A store that seals over `inner`, under a key of its own.
    pub(crate) fn sealed(inner: impl Store + 'static) -> Arc<dyn Store> {
        let key = DataKey::new(uuid::Uuid::new_v4(), zeroize::Zeroizing::new([7; 32]));
        Arc::new(Sealed::new(Arc::new(inner), Arc::new(OneKey(key)), true))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sealed_memory_keeps_every_promise_of_a_store() {
        run(sealed(Memory::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sealed_files_keep_every_promise_of_a_store() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(sealed(Files::open(folder.path()).expect("opens"))).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn memory_keeps_every_promise_of_a_store() {
        run(Arc::new(Memory::new())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_keep_every_promise_of_a_store() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(Arc::new(Files::open(folder.path()).expect("opens"))).await;
    }

    #[derive(Debug)]
    struct Content;

    impl Follower for Content {
        fn stored(&self, _: StorageKey, _: u64) -> BoxFuture<'_, Result<(), NotFollowed>> {
            Box::pin(async { Ok(()) })
        }

        fn deleted(&self, _: &[StorageKey]) {}
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_followed_store_keeps_every_promise_of_a_store() {
        run(Arc::new(Followed::new(Arc::new(Memory::new()), Arc::new(Content)))).await;
        run(sealed(Followed::new(Arc::new(Memory::new()), Arc::new(Content)))).await;
    }
}
