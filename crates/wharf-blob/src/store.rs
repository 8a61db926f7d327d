//! The store: what every place for bytes can do. Its rules are executed by the conformance suite.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use wharf_oci::Algorithm;

use crate::body::Body;
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;

/// A boxed future, so that [`Store`] can be used as `dyn Store`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place for bytes.
///
/// An upload begins with [`create`](Store::create), takes any number of [`append`](Store::append)s, one after another,
/// each from the state that the one before returned, and ends with [`finish`](Store::finish) or
/// [`abort`](Store::abort). The caller keeps the [`UploadState`] between them (in the catalog), on any node.
///
/// *One writer*: when two use one upload at once, the later one wins. The earlier append stops and counts nothing, and
/// states of the loser are refused from then on ([`Error::Superseded`]): a state always describes the bytes that lie
/// in the store, so its digest can be believed.
pub trait Store: fmt::Debug + Send + Sync {
    /// Begins an upload, empty, under a new key. Its state is [`UploadState::new`].
    fn create(&self) -> BoxFuture<'_, Result<UploadKey, Error>> {
        let upload = UploadKey::generate();
        Box::pin(async move { self.begin(upload).await.map(|()| upload) })
    }

    /// Begins an upload, empty, under a key that is known: for bytes that come from another store and keep their
    /// [`StorageKey`] (see [`StorageKey::upload`]). Nothing may be stored or open under the key.
    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>>;

    /// Adds `body` at `state.offset`; whatever lies beyond that is dropped first. Returns when everything counted in
    /// the returned state is durable.
    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended>;

    /// Makes the bytes that `state` describes immutable and durable under [`UploadKey::storage_key`], and ends the
    /// upload. May be repeated with the same state when its answer got lost.
    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>>;

    /// Drops an upload and its bytes. An upload that is not there is no error. A finished one keeps its stored bytes.
    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>>;

    /// Opens stored bytes for reading: all of them, or the bytes of `range`, which must lie within them.
    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>>;

    /// How many bytes are stored, `None` where there are none. Other than the catalog's size means rot.
    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// Deletes stored bytes, durably. Keys that are not there are no error. All are tried; the first failure is told.
    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>>;

    /// Every upload that holds bytes and is neither finished nor aborted, for finding those that the catalog does not
    /// know. One without bytes may be missing where it takes no room.
    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>>;

    /// Up to `limit` of what is stored, in an order of the store's own; the next page begins `after` the last one's last
    /// key. For checking and copying a whole store: no request is answered by it.
    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>>;

    /// A URL by which anybody may read the bytes for the time `valid`; `None` where the store has no such thing.
    fn presign<'a>(&'a self, key: &'a StorageKey, valid: Duration) -> BoxFuture<'a, Result<Option<String>, Error>> {
        let (_, _) = (key, valid);
        Box::pin(async { Ok(None) })
    }

    /// Reads what `state` describes of an upload that is still open. While it is read another request may take the upload
    /// over; what was read is then worth as little as the state, which is refused from then on.
    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>>;

    /// Reads what `state` describes once more, because the upload ends under another algorithm than it was hashed by.
    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>>;

    /// Whether an upload stands in the store before it has bytes. If not, one that has ended without any cannot be told from
    /// one that has just begun.
    fn holds_empty_uploads(&self) -> bool {
        true
    }

    /// Whether the store itself lets one of two that finish an upload at once win, wherever they run. If not, whoever
    /// calls [`Store::finish`] must have made sure of being the only one.
    fn decides(&self) -> bool {
        true
    }
}

/// How an append went.
#[derive(Debug)]
pub struct Appended {
    /// What is in the upload now and durable, whether the append went well or not.
    ///
    /// A body that breaks leaves what arrived. When the store itself fails (a full disk) the state is the one that
    /// the append began with, and the space is free again.
    pub state: UploadState,
    /// Whether all of the body is in.
    pub end: Result<(), Error>,
}

/// An open upload as the store sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Its key.
    pub key: UploadKey,
    /// Time since bytes last came in.
    pub age: Duration,
}

/// Stored bytes as the store sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Their key.
    pub key: StorageKey,
    /// How many bytes they are, as [`Store::size`] says.
    pub size_bytes: u64,
    /// Time since they were finished.
    pub age: Duration,
}
