//! Bytes sealed on any store: what lies there says nothing without the keys, and a change of it is noticed.
//!
//! A [`Sealed`] stands in front of another store. Whether a blob is sealed stands in its key, which the catalog keeps: not
//! in its bytes, because those come from whoever pushed them, and not in a setting, because that may change. So a store may
//! hold both, and new uploads follow the setting of the day.
//!
//! Reading order: `keys` (where keys come from), `format` (sizes and the head), `cipher` (what is authenticated), `place`
//! (an upload between two appends), `append`, `finish`, `read`.

mod append;
mod cipher;
mod finish;
mod format;
pub mod keys;
mod place;
mod read;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;
use wharf_oci::Algorithm;

use crate::body::Body;
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;
use crate::store::{Appended, BoxFuture, Store, Stored, Upload};
use append::Addition;
use keys::{DataKey, Keys, KeysError};
use place::Place;

/// A store whose bytes lie sealed in another one.
#[derive(Debug)]
pub struct Sealed {
    inner: Arc<dyn Store>,
    keys: Arc<dyn Keys>,
    seals_new: bool,
}

impl Sealed {
    /// A store over `inner` that opens what was sealed under `keys`, and seals new uploads if `seals_new`.
    pub fn new(inner: Arc<dyn Store>, keys: Arc<dyn Keys>, seals_new: bool) -> Self {
        Self { inner, keys, seals_new }
    }

    async fn add(&self, upload: UploadKey, state: UploadState, body: Body) -> Appended {
        match self.try_add(upload, &state, body).await {
            Ok(appended) => appended,
            Err(error) => Appended { state, end: Err(error) },
        }
    }

    /// Fails where nothing of the body was kept.
    async fn try_add(&self, upload: UploadKey, state: &UploadState, body: Body) -> Result<Appended, Error> {
        let mut place = Place::of(self, upload, state).await?;
        let addition = Addition { upload, place: &place, hasher: state.hasher.clone(), body };
        let (sealed, fed) = append::feed(addition, !self.inner.holds_empty_uploads())?;
        let appended = self.inner.append(&upload, place.inner, sealed).await;
        appended.end?;
        let fed = fed.await.map_err(|_| Error::Stopped)?;
        place =
            Place { inner: appended.state, segments: fed.segments, previous: fed.previous, tail: fed.tail, ..place };
        let kept = Bytes::from(place.to_bytes(upload)?);
        let state = UploadState { offset: place.offset(), hasher: fed.hasher, place: kept, ..state.clone() };
        Ok(Appended { state, end: fed.end })
    }

    async fn list_stored(&self, after: Option<StorageKey>, limit: usize) -> Result<Vec<Stored>, Error> {
        let mut page = self.inner.list(after, limit).await?;
        for stored in page.iter_mut().filter(|stored| stored.key.is_sealed()) {
            // What is no whole sealed blob is listed all the same; it has no size of its own, so it is told as it is.
            stored.size_bytes = format::plain_size(stored.size_bytes).unwrap_or(stored.size_bytes);
        }
        Ok(page)
    }

    async fn plain_size(&self, key: StorageKey) -> Result<Option<u64>, Error> {
        let stored = self.inner.size(&key).await?;
        // Cut short, they are not there: whoever asks may push them again.
        Ok(stored.and_then(format::plain_size))
    }
}

/// The data key that `key` is sealed under.
async fn lookup(keys: &dyn Keys, key: StorageKey, id: Uuid) -> Result<DataKey, Error> {
    keys.find(id).await.map_err(|source: KeysError| Error::Keys { key, source })
}

impl Store for Sealed {
    fn create(&self) -> BoxFuture<'_, Result<UploadKey, Error>> {
        if !self.seals_new {
            return self.inner.create();
        }
        let upload = UploadKey::generate().sealed();
        Box::pin(async move { self.inner.begin(upload).await.map(|()| upload) })
    }

    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.begin(upload)
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        if !upload.storage_key().is_sealed() {
            return self.inner.append(upload, state, body);
        }
        Box::pin(self.add(*upload, state, body))
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        if !upload.storage_key().is_sealed() {
            return self.inner.finish(upload, state);
        }
        Box::pin(self.end(*upload, state))
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.abort(upload)
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        if !key.is_sealed() {
            return self.inner.open(key, range);
        }
        Box::pin(self.read(*key, range))
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        if !key.is_sealed() {
            return self.inner.size(key);
        }
        Box::pin(self.plain_size(*key))
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.delete(keys)
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        self.inner.uploads()
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        Box::pin(self.list_stored(after, limit))
    }

    fn presign<'a>(&'a self, key: &'a StorageKey, valid: Duration) -> BoxFuture<'a, Result<Option<String>, Error>> {
        // Whoever fetched sealed bytes by themselves could not open them.
        if key.is_sealed() { Box::pin(async { Ok(None) }) } else { self.inner.presign(key, valid) }
    }

    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>> {
        if !upload.storage_key().is_sealed() {
            return self.inner.reread(upload, state);
        }
        Box::pin(self.read_upload(*upload, state))
    }

    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>> {
        if !upload.storage_key().is_sealed() {
            return self.inner.rehash(upload, state, algorithm);
        }
        Box::pin(self.hash_again(*upload, state, algorithm))
    }

    fn holds_empty_uploads(&self) -> bool {
        self.inner.holds_empty_uploads()
    }

    fn decides(&self) -> bool {
        self.inner.decides()
    }
}
