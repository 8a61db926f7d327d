//! Bytes on local files.
//!
//! ```text
//! uploads/UPLOAD           one file per open upload
//! blobs/01/9a/STORAGE      immutable bytes; a folder's name comes from the key
//! ```
//! An upload's file *becomes* the blob by one rename within one file system: there is no copy, no temporary name, and
//! no moment at which a name stands for half of something. What is acknowledged has been synced, file and folders.
//!
//! No thread waits for the network: blocking tasks take what is there and end, so slow clients, however many, cost a
//! little memory each and no thread.
//!
//! Reading order: `layout`, `folder`, `batch`, `lane`, `behind`, `append`, `finish`, `read`, `list`.

mod append;
mod batch;
mod behind;
mod finish;
mod folder;
mod lane;
mod layout;
mod list;
mod read;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use tokio::sync::Semaphore;
use wharf_oci::Algorithm;

use crate::blocking;
use crate::body::Body;
use crate::error::Error;
use crate::fence::{Claim, Fence};
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;
use crate::store::{Appended, BoxFuture, Store, Stored, Upload};
use folder::Folders;
use layout::Layout;
use read::Buffers;

/// How many threads remove the files of one call: each waits for the file system most of the time.
const UNLINKS_AT_ONCE: usize = 16;
/// How many files such a thread removes before it ends.
const UNLINKS_EACH: usize = 32;

/// Where the bytes lie, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store's folder. It is made when it is missing, and everything below it belongs to the store alone.
    pub path: PathBuf,
    /// Whether acknowledged bytes survive a power loss.
    #[serde(skip)]
    pub durability: Durability,
}

/// Whether acknowledged bytes survive a power loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// They do: files and folders are synced before anything is acknowledged.
    #[default]
    Full,
    /// They do not. For tests only: the power-loss test must fail with this, or it tests nothing. No configuration
    /// file can ask for it.
    None,
}

impl From<PathBuf> for Settings {
    fn from(path: PathBuf) -> Self {
        Self { path, durability: Durability::Full }
    }
}

impl From<&Path> for Settings {
    fn from(path: &Path) -> Self {
        Self::from(path.to_path_buf())
    }
}

/// A store on local files.
#[derive(Debug)]
pub struct Files {
    layout: Arc<Layout>,
    folders: Folders,
    fence: Fence,
    buffers: Arc<Buffers>,
    syncs_behind: Arc<Semaphore>,
    durability: Durability,
}

impl Files {
    /// Opens the store, making its folders when they are missing. Blocks for a moment: call it at start.
    pub fn open(settings: impl Into<Settings>) -> Result<Self, Error> {
        let settings = settings.into();
        let layout = Arc::new(Layout::open(&settings.path)?);
        let folders = Folders::new(Arc::clone(&layout), settings.durability);
        let permits = match settings.durability {
            Durability::Full => behind::AT_ONCE,
            Durability::None => 0,
        };
        Ok(Self {
            layout,
            folders,
            fence: Fence::default(),
            buffers: Arc::default(),
            syncs_behind: Arc::new(Semaphore::new(permits)),
            durability: settings.durability,
        })
    }

    /// Runs `f` where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Layout) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let layout = Arc::clone(&self.layout);
        blocking::run(move || f(&layout)).await?
    }

    /// Takes an upload over from whoever writes to it.
    async fn claim(&self, upload: UploadKey, state: &UploadState) -> Result<Claim, Error> {
        match self.fence.claim(upload, state).await {
            Err(Error::Superseded { .. }) => {}
            claimed => return claimed,
        }
        // Another node on the same folder may have continued the upload in the meantime; the file says so.
        let noted = self.blocking(move |layout| layout::noted_writers(&layout.read_upload(upload)?, upload)).await?;
        let writers = noted.filter(|writers| writers.know(state.writer)).ok_or(Error::Superseded { upload })?;
        self.fence.adopt(upload, writers);
        self.fence.claim(upload, state).await
    }

    async fn list(&self) -> Result<Vec<Upload>, Error> {
        let listed_at = Instant::now();
        let uploads = self.blocking(Layout::list_uploads).await?;
        self.fence.retain(&uploads, listed_at);
        Ok(uploads)
    }

    /// Removes files, all of them also after one that could not be removed.
    async fn unlink(&self, keys: Vec<StorageKey>) -> Result<Vec<Result<(), Error>>, Error> {
        self.blocking(move |layout| Ok(keys.iter().map(|key| layout.unlink_blob(*key)).collect())).await
    }

    async fn remove(&self, keys: &[StorageKey]) -> Result<(), Error> {
        let parts: Vec<_> = keys.chunks(UNLINKS_EACH).map(<[_]>::to_vec).collect();
        let unlinks = parts.into_iter().map(|keys| self.unlink(keys));
        let removed: Vec<_> = stream::iter(unlinks).buffer_unordered(UNLINKS_AT_ONCE).try_collect().await?;
        let folders: BTreeSet<_> = keys.iter().map(|key| key.fan_out()).collect();
        // Also where nothing was removed now: an earlier try may have got no further than the unlink.
        self.folders.sync_all(folders).await?;
        removed.into_iter().flatten().collect()
    }
}

impl Store for Files {
    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        // Its folder is synced with the first bytes: an empty upload that a power loss takes is only begun anew.
        Box::pin(self.blocking(move |layout| layout.create_upload(upload)))
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        Box::pin(self.add(*upload, state, body))
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        Box::pin(self.end(*upload, state))
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        let upload = *upload;
        Box::pin(async move {
            self.blocking(move |layout| layout.unlink_upload(upload)).await?;
            // Only now that the file is gone: forgotten earlier, any old state would be let in.
            self.fence.forget(upload);
            Ok(())
        })
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(self.read(*key, range))
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        let key = *key;
        Box::pin(async move {
            match self.layout.open_cached_blob(key).and_then(|file| file.metadata().ok()) {
                Some(metadata) => Ok(Some(metadata.len())),
                None => self.blocking(move |layout| layout.blob_size(key)).await,
            }
        })
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.remove(keys))
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        Box::pin(self.list())
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        Box::pin(self.blocking(move |layout| list::page(layout, after, limit)))
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
}
