//! Bytes on S3-compatible storage.
//!
//! ```text
//! PREFIX/blobs/01/9a/STORAGE          immutable bytes; what stands before the key comes from the key
//! PREFIX/uploads/UPLOAD/MARK.tail     the end of an open upload, too small for a part
//! PREFIX/uploads/UPLOAD/MARK.parts    a note that an open upload has parts, with the endpoint's name for it
//! PREFIX/trials/…                     what abilities were tried on; deleted at once
//! ```
//! An upload's bytes become parts of the blob while they come in; the end of a chunk that is too small for a part is an
//! object of its own, replaced by each further chunk. The upload's state names all of it, so that any node goes on where
//! another one stopped. A blob that is smaller than a part is put by one request when it is finished.
//!
//! *One writer*, without a lock that all nodes share: what a state names never changes (`place`), so a state that lost
//! can become useless but never wrong; within a process the fence lets the later writer win at once; and of two that
//! finish one upload on two nodes the endpoint lets one win, because the blob's name must be new. Where an endpoint
//! cannot refuse to replace an object, it has to be the catalog that lets only one of them try ([`Store::decides`]).
//!
//! What the trait promises and S3 cannot keep: a reader that was opened goes on after a deletion only until its
//! connection breaks; an upload that nobody wrote to is not listed, because it takes no room; and an upload that was read
//! to its end before it was finished ([`Store::rehash`]) can be finished or given up, but not continued, when it has
//! parts: they can only be read as a whole.
//!
//! Reading order: [`settings`], `layout`, `schedule`, `place`, `trouble`, `transport`, `bucket`, `endpoint`, `abilities`,
//! `pieces`, `sending`, `append`, `finish`, `read`; `cold`.

mod abilities;
mod append;
mod bucket;
mod cold;
mod endpoint;
mod finish;
mod layout;
mod pieces;
mod place;
mod read;
mod schedule;
mod sending;
pub mod settings;
#[cfg(test)]
mod tests;
mod transport;
mod trouble;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path;
use wharf_oci::Algorithm;

use crate::body::Body;
use crate::error::Error;
use crate::fence::{Claim, Fence, Writers};
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;
use crate::store::{Appended, BoxFuture, Store, Stored, Upload};
pub use abilities::{Finding, Lacking, Need, Report};
use bucket::{Bucket, Wanted};
pub use cold::ColdBucket;
use layout::Layout;
use place::Place;
pub use settings::Settings;
pub use trouble::Trouble;

/// A store in a bucket.
#[derive(Debug)]
pub struct S3 {
    bucket: Arc<Bucket>,
    layout: Layout,
    fence: Fence,
}

impl S3 {
    /// Opens the store after trying what the endpoint can do.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached, or lacks what the store cannot do without.
    pub async fn open(settings: &Settings) -> Result<(Self, Report), Error> {
        let mut bucket = endpoint::open(settings)?;
        let layout = Layout::new(&settings.prefix);
        let report = abilities::probe(&mut bucket, &layout).await;
        if let Some(lacking) = report.lacking() {
            return Err(Error::OpenBucket { bucket: settings.bucket.clone(), source: Box::new(lacking) });
        }
        Ok((Self { bucket: Arc::new(bucket), layout, fence: Fence::default() }, report))
    }

    /// Tries what the endpoint can do.
    pub async fn probe(settings: &Settings) -> Result<Report, Error> {
        let mut bucket = endpoint::open(settings)?;
        Ok(abilities::probe(&mut bucket, &Layout::new(&settings.prefix)).await)
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.bucket.transport.requests()
    }

    /// Takes an upload over from whoever writes to it.
    async fn claim(&self, upload: UploadKey, state: &UploadState) -> Result<Claim, Error> {
        self.catch_up(upload, state);
        self.fence.claim(upload, state).await
    }

    /// Takes over what another node has left, if the state says that it had its turn since.
    fn catch_up(&self, upload: UploadKey, state: &UploadState) {
        if self.fence.is_behind(upload, state) {
            self.fence.adopt(upload, Writers { last: state.writer, before: state.writer });
        }
    }

    async fn give_up(&self, upload: UploadKey) -> Result<(), Error> {
        let prefix = self.layout.upload(upload);
        let trouble = |source| remote("abort", &prefix)(source);
        // Whoever writes stops first, so that nothing is put after the list.
        self.fence.forget(upload);
        let found = self.bucket.list(&prefix).await.map_err(trouble)?;
        let blob = self.layout.blob(upload.storage_key());
        for note in found.iter().filter(|listed| layout::is_note(&listed.path)) {
            match self.bucket.get(&note.path).await {
                Ok(id) => self.bucket.abort(&blob, &String::from_utf8_lossy(&id)).await.map_err(trouble)?,
                Err(gone) if gone.is_not_found() => {}
                Err(source) => return Err(trouble(source)),
            }
        }
        // The notes go last: after a failure, the next try finds them.
        self.bucket.delete(found.into_iter().map(|listed| listed.path).collect()).await.map_err(trouble)
    }

    async fn remove(&self, keys: &[StorageKey]) -> Result<(), Error> {
        let paths = keys.iter().map(|key| self.layout.blob(*key)).collect();
        self.bucket.delete(paths).await.map_err(remote("delete", &self.layout.blobs()))
    }

    async fn list_uploads(&self) -> Result<Vec<Upload>, Error> {
        let listed_at = Instant::now();
        let prefix = self.layout.uploads();
        let found = self.bucket.list(&prefix).await.map_err(remote("list", &prefix))?;
        let mut uploads: Vec<Upload> = Vec::new();
        for object in &found {
            let Some(key) = self.layout.owner(&object.path) else { continue };
            let age = object.facts.age;
            // One upload's objects follow each other.
            match uploads.last_mut().filter(|last| last.key == key) {
                Some(last) => last.age = last.age.min(age),
                None => uploads.push(Upload { key, age }),
            }
        }
        self.fence.retain(&uploads, listed_at);
        Ok(uploads)
    }

    async fn list_stored(&self, after: Option<StorageKey>, limit: usize) -> Result<Vec<Stored>, Error> {
        let prefix = self.layout.blobs();
        let mut wanted = Wanted { after: after.map(|key| self.layout.blob(key).to_string()), page: None, limit };
        let mut all = Vec::new();
        while all.len() < limit {
            wanted.limit = limit - all.len();
            let page = self.bucket.page(&prefix, wanted.clone()).await;
            let (page, next) = page.map_err(remote("list", &prefix))?;
            all.extend(page.iter().filter_map(|object| {
                let (key, facts) = (self.layout.stored(&object.path)?, object.facts);
                Some(Stored { key, size_bytes: facts.size_bytes, age: facts.age })
            }));
            if next.is_none() {
                break;
            }
            wanted.page = next;
        }
        Ok(all)
    }
}

/// Where a state stands.
fn place_of(upload: UploadKey, state: &UploadState) -> Result<Place, Error> {
    let lost = Error::UploadLost { upload, expected_bytes: state.offset, found_bytes: 0 };
    Place::from_bytes(&state.place).ok_or(lost)
}

fn remote(action: &'static str, object: &str) -> impl FnOnce(Trouble) -> Error {
    let object = object.to_owned();
    move |source| Error::Remote { action, object, source }
}

/// The error of an operation on what an upload's state names.
fn upload_error(action: &'static str, upload: UploadKey, object: &Path) -> impl FnOnce(Trouble) -> Error {
    let object = object.to_string();
    move |source| {
        if source.is_not_found() {
            return Error::UploadNotFound { upload };
        }
        Error::Remote { action, object, source }
    }
}

impl Store for S3 {
    fn begin(&self, _: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        // Nothing stands for an upload without bytes: it would be one request more for each blob.
        Box::pin(async { Ok(()) })
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        Box::pin(self.add(*upload, state, body))
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        Box::pin(self.end(*upload, state))
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.give_up(*upload))
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(self.read(*key, range))
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        let path = self.layout.blob(*key);
        Box::pin(async move {
            let facts = self.bucket.facts(&path).await.map_err(remote("inspect", path.as_ref()))?;
            Ok(facts.map(|facts| facts.size_bytes))
        })
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.remove(keys))
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        Box::pin(self.list_uploads())
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        Box::pin(self.list_stored(after, limit))
    }

    fn presign<'a>(&'a self, key: &'a StorageKey, valid: Duration) -> BoxFuture<'a, Result<Option<String>, Error>> {
        let path = self.layout.blob(*key);
        Box::pin(async move { self.bucket.presign(&path, valid).await.map_err(remote("presign", path.as_ref())) })
    }

    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(self.read_open(*upload, state))
    }

    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>> {
        Box::pin(self.hash_again(*upload, state, algorithm))
    }

    fn holds_empty_uploads(&self) -> bool {
        false
    }

    fn decides(&self) -> bool {
        self.bucket.abilities.decide()
    }
}
