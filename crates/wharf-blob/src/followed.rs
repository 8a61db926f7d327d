//! Bytes that a second machine keeps, too: whatever is stored or deleted here is told to a follower.
//!
//! A [`Followed`] stands directly in front of the store that a standby follows, so that sealed bytes go over as they lie.
//! How bytes travel is not known here. An upload that is open is nobody's business but this store's: after a take-over it
//! begins anew.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use wharf_oci::Algorithm;

use crate::body::Body;
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;
use crate::store::{Appended, BoxFuture, Store, Stored, Upload};

/// The second machine does not confirm that it has bytes.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NotFollowed(pub String);

/// Whoever is told what is stored and deleted.
pub trait Follower: fmt::Debug + Send + Sync {
    /// Bytes are stored, durably. Returns when they may count: when they are durable on the second machine, too, or when
    /// that need not be waited for.
    fn stored(&self, key: StorageKey, size_bytes: u64) -> BoxFuture<'_, Result<(), NotFollowed>>;

    /// Bytes were deleted, or are about to be: nothing counts on them any more.
    fn deleted(&self, keys: &[StorageKey]);
}

/// A store that tells what it does.
#[derive(Debug)]
pub struct Followed {
    inner: Arc<dyn Store>,
    follower: Arc<dyn Follower>,
}

impl Followed {
    /// `inner`, whose changes are told to `follower`.
    pub fn new(inner: Arc<dyn Store>, follower: Arc<dyn Follower>) -> Self {
        Self { inner, follower }
    }

    async fn end(&self, upload: &UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let key = self.inner.finish(upload, state).await?;
        let followed = self.follower.stored(key, state.offset).await;
        followed.map_err(|source| Error::NotFollowed { key, source })?;
        Ok(key)
    }

    async fn remove(&self, keys: &[StorageKey]) -> Result<(), Error> {
        let deleted = self.inner.delete(keys).await;
        // Also after a failure: what is gone here must not stay there, and what stays here is deleted again.
        self.follower.deleted(keys);
        deleted
    }
}

impl Store for Followed {
    fn create(&self) -> BoxFuture<'_, Result<UploadKey, Error>> {
        self.inner.create()
    }

    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.begin(upload)
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        self.inner.append(upload, state, body)
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        Box::pin(self.end(upload, state))
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.abort(upload)
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        self.inner.open(key, range)
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        self.inner.size(key)
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.remove(keys))
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        self.inner.uploads()
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        self.inner.list(after, limit)
    }

    fn presign<'a>(&'a self, key: &'a StorageKey, valid: Duration) -> BoxFuture<'a, Result<Option<String>, Error>> {
        self.inner.presign(key, valid)
    }

    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>> {
        self.inner.reread(upload, state)
    }

    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>> {
        self.inner.rehash(upload, state, algorithm)
    }

    fn holds_empty_uploads(&self) -> bool {
        self.inner.holds_empty_uploads()
    }

    fn decides(&self) -> bool {
        self.inner.decides()
    }
}
