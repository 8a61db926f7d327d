//! Bytes in memory, for tests and tools: gone with the process.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use futures_util::{StreamExt, stream};
use wharf_oci::Algorithm;

use crate::body::Body;
use crate::error::Error;
use crate::fence::{Claim, Fence};
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::{Hasher, UploadState};
use crate::store::{Appended, BoxFuture, Store, Stored, Upload};

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory {
    content: Mutex<Content>,
    fence: Fence,
}

#[derive(Debug, Default)]
struct Content {
    uploads: HashMap<UploadKey, Open>,
    blobs: BTreeMap<StorageKey, Blob>,
}

#[derive(Debug)]
struct Blob {
    bytes: Bytes,
    finished: Instant,
}

#[derive(Debug)]
struct Open {
    bytes: BytesMut,
    written: Instant,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn add(&self, upload: UploadKey, state: UploadState, body: Body) -> Appended {
        let claim = match self.fence.claim(upload, &state).await {
            Ok(claim) => claim,
            Err(error) => return Appended { state, end: Err(error) },
        };
        if let Err(error) = self.content().truncate(upload, state.offset) {
            return Appended { state, end: Err(error) };
        }
        let (arrived, end) = receive(&claim, body).await;
        if matches!(end, Err(Error::Superseded { .. })) {
            return Appended { state, end };
        }
        match self.content().extend(upload, &arrived) {
            Ok(()) => Appended { state: state.advanced(&claim, &arrived), end },
            Err(error) => Appended { state, end: Err(error) },
        }
    }

    async fn end(&self, upload: UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let key = upload.storage_key();
        let _claim = self.fence.claim(upload, state).await?;
        let mut content = self.content();
        if let Some(stored) = content.blobs.get(&key) {
            let is_same = state.digest().matches(&stored.bytes);
            return if is_same { Ok(key) } else { Err(Error::UploadNotFound { upload }) };
        }
        content.truncate(upload, state.offset)?;
        if let Some(open) = content.uploads.remove(&upload) {
            content.blobs.insert(key, Blob { bytes: open.bytes.freeze(), finished: Instant::now() });
        }
        Ok(key)
    }

    fn read(&self, key: StorageKey, range: Option<Range<u64>>) -> Result<Reader, Error> {
        let bytes = self.content().blobs.get(&key).map(|blob| blob.bytes.clone()).ok_or(Error::BlobNotFound { key })?;
        let size_bytes = bytes.len() as u64;
        let range = range.unwrap_or(0..size_bytes);
        let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
            return Err(Error::Range { key, size_bytes });
        };
        if start > end || end > bytes.len() {
            return Err(Error::Range { key, size_bytes });
        }
        let piece = bytes.slice(start..end);
        let pieces = if piece.is_empty() { Vec::new() } else { vec![Ok(piece)] };
        Ok(Reader::new(size_bytes, range, stream::iter(pieces)))
    }

    fn read_open(&self, upload: UploadKey, state: &UploadState) -> Result<Reader, Error> {
        self.fence.check(upload, state)?;
        let bytes = Bytes::copy_from_slice(self.content().prefix(upload, state.offset)?);
        let pieces = if bytes.is_empty() { Vec::new() } else { vec![Ok(bytes)] };
        Ok(Reader::new(state.offset, 0..state.offset, stream::iter(pieces)))
    }

    fn hash_again(&self, upload: UploadKey, state: UploadState, algorithm: Algorithm) -> Result<UploadState, Error> {
        self.fence.check(upload, &state)?;
        let mut hasher = Hasher::new(algorithm);
        hasher.update(self.content().prefix(upload, state.offset)?);
        Ok(UploadState { hasher, ..state })
    }
}

impl Content {
    fn prefix(&self, upload: UploadKey, offset: u64) -> Result<&[u8], Error> {
        let open = self.uploads.get(&upload).ok_or(Error::UploadNotFound { upload })?;
        usize::try_from(offset).ok().and_then(|end| open.bytes.get(..end)).ok_or(Error::UploadLost {
            upload,
            expected_bytes: offset,
            found_bytes: open.bytes.len() as u64,
        })
    }

    fn truncate(&mut self, upload: UploadKey, offset: u64) -> Result<(), Error> {
        let length = self.prefix(upload, offset)?.len();
        if let Some(open) = self.uploads.get_mut(&upload) {
            open.bytes.truncate(length);
        }
        Ok(())
    }

    fn extend(&mut self, upload: UploadKey, arrived: &[Bytes]) -> Result<(), Error> {
        let open = self.uploads.get_mut(&upload).ok_or(Error::UploadNotFound { upload })?;
        arrived.iter().for_each(|piece| open.bytes.extend_from_slice(piece));
        open.written = Instant::now();
        Ok(())
    }
}

/// Everything that comes before the body ends, breaks, or another request takes the upload over.
async fn receive(claim: &Claim, mut body: Body) -> (Vec<Bytes>, Result<(), Error>) {
    let mut arrived = Vec::new();
    let mut lost = Box::pin(claim.lost());
    loop {
        match select(&mut lost, body.next()).await {
            Either::Left((error, _)) => return (arrived, Err(error)),
            Either::Right((Some(Ok(piece)), _)) => arrived.push(piece),
            Either::Right((Some(Err(source)), _)) => {
                return (arrived, Err(Error::Body { upload: claim.upload, source }));
            }
            Either::Right((None, _)) => return (arrived, Ok(())),
        }
    }
}

impl Store for Memory {
    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        self.content().uploads.insert(upload, Open { bytes: BytesMut::new(), written: Instant::now() });
        Box::pin(async { Ok(()) })
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        Box::pin(self.add(*upload, state, body))
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        Box::pin(async move {
            let key = self.end(*upload, state).await?;
            self.fence.forget(*upload);
            Ok(key)
        })
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        self.content().uploads.remove(upload);
        self.fence.forget(*upload);
        Box::pin(async { Ok(()) })
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(async move { self.read(*key, range) })
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move { Ok(self.content().blobs.get(key).map(|blob| blob.bytes.len() as u64)) })
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut content = self.content();
            keys.iter().for_each(|key| drop(content.blobs.remove(key)));
            Ok(())
        })
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        Box::pin(async move {
            let listed_at = Instant::now();
            let list = |(key, open): (&UploadKey, &Open)| Upload { key: *key, age: open.written.elapsed() };
            let uploads: Vec<_> = self.content().uploads.iter().map(list).collect();
            self.fence.retain(&uploads, listed_at);
            Ok(uploads)
        })
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        let facts = |(key, blob): (&StorageKey, &Blob)| Stored {
            key: *key,
            size_bytes: blob.bytes.len() as u64,
            age: blob.finished.elapsed(),
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.content().blobs.range((from, Bound::Unbounded)).take(limit).map(facts).collect();
        Box::pin(async move { Ok(page) })
    }

    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(async move { self.read_open(*upload, state) })
    }

    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>> {
        Box::pin(async move { self.hash_again(*upload, state, algorithm) })
    }
}
