//! Copying bytes from one store into another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use wharf_blob::{Body, BodyError, Failure, Reader, StorageKey, Store, UploadState};
use wharf_context::Maintain;
use wharf_db::Db;
use wharf_oci::Digest;
use wharf_oci::ports::Hashing;

use super::done::Done;
use super::pace::Pace;
use super::store::{self, Present};
use crate::error::Error;
use crate::figures::add;

/// How many rows are looked at together.
const PAGE: usize = 1000;

/// How bytes are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopySettings {
    /// How many blobs at once.
    pub parallel: usize,
    /// How many bytes a second at most, all together; 0 is no limit.
    pub bytes_per_second: u64,
    /// Whether what is in the target already is read and hashed, too, and not only looked at for its size.
    pub rehashes: bool,
}

/// How far a copy has come.
#[derive(Debug, Default)]
pub struct CopyFigures {
    expected_blobs: AtomicU64,
    expected_bytes: AtomicU64,
    seen_blobs: AtomicU64,
    seen_bytes: AtomicU64,
    copied_blobs: AtomicU64,
    copied_bytes: AtomicU64,
}

macro_rules! read {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        impl CopyFigures {
            $($(#[$doc])* pub fn $name(&self) -> u64 {
                self.$name.load(Ordering::Relaxed)
            })+
        }
    };
}

read! {
    /// Blobs that the catalog counted on when the pass began; 0 when counting them took too long.
    expected_blobs,
    /// Their bytes.
    expected_bytes,
    /// Blobs that are seen to: copied, or found in the target.
    seen_blobs,
    /// Their bytes.
    seen_bytes,
    /// Blobs that were copied.
    copied_blobs,
    /// Their bytes.
    copied_bytes,
}

/// A blob whose bytes the source does not have as the catalog says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Which.
    pub digest: Digest,
    /// What is wrong with it.
    pub reason: String,
}

/// A copy of all bytes that a catalog counts on.
#[derive(Debug)]
pub struct ByteCopy {
    catalog: Db,
    source: Arc<dyn Store>,
    target: Arc<dyn Store>,
    settings: CopySettings,
    pace: Arc<Pace>,
    done: Done,
    figures: Arc<CopyFigures>,
    damaged: Vec<Damaged>,
}

impl ByteCopy {
    /// A copy of the bytes that `catalog` names, from `source` to `target`. Nothing happens before [`ByteCopy::pass`].
    pub fn new(_: Maintain, catalog: Db, stores: (Arc<dyn Store>, Arc<dyn Store>), settings: CopySettings) -> Self {
        let (source, target) = stores;
        let pace = Arc::new(Pace::new(settings.bytes_per_second));
        let (done, figures, damaged) = (Done::default(), Arc::default(), Vec::new());
        Self { catalog, source, target, settings, pace, done, figures, damaged }
    }

    /// How far it has come, for who waits.
    pub fn figures(&self) -> Arc<CopyFigures> {
        Arc::clone(&self.figures)
    }

    /// What could not be copied, as the source does not have it.
    pub fn damaged(&self) -> &[Damaged] {
        &self.damaged
    }

    /// Copies all that was there when the pass began and was not copied in an earlier one. Says how many blobs it copied.
    /// What is pushed meanwhile is for the next pass: pushes may come faster than the target takes them.
    pub async fn pass(&mut self) -> Result<u64, Error> {
        let before = self.figures.copied_blobs();
        let (blobs, bytes) = store::totals(&self.catalog).await?.unwrap_or_default();
        self.figures.expected_blobs.store(blobs, Ordering::Relaxed);
        self.figures.expected_bytes.store(bytes, Ordering::Relaxed);
        let last = store::last_number(&self.catalog).await?;
        let mut next = i64::MIN;
        loop {
            let page = store::present(&self.catalog, next..=last, PAGE).await?;
            let Some(end) = page.last() else { return Ok(self.figures.copied_blobs() - before) };
            next = end.id + 1;
            let new = page.into_iter().filter(|blob| !self.done.contains(blob.id)).collect::<Vec<_>>();
            let copying = stream::iter(new).map(|blob| self.copy(blob));
            let parallel = self.settings.parallel.max(1);
            let seen: Vec<_> = copying.buffer_unordered(parallel).try_collect().await?;
            for (id, damage) in seen {
                self.done.insert(id);
                self.damaged.extend(damage);
            }
        }
    }

    /// Sees to one blob; says what is wrong with it.
    async fn copy(&self, blob: Present) -> Result<(i64, Option<Damaged>), Error> {
        let damage = if self.is_there(&blob).await? { None } else { self.transfer(&blob).await? };
        add(&self.figures.seen_blobs, 1);
        add(&self.figures.seen_bytes, blob.size_bytes);
        Ok((blob.id, damage.map(|reason| Damaged { digest: blob.digest, reason })))
    }

    /// Whether the target has the blob. Other bytes under its key are deleted.
    async fn is_there(&self, blob: &Present) -> Result<bool, Error> {
        let failed =
            |source| Error::Store { operation: format!("look for blob `{}` in the target", blob.digest), source };
        let Some(size_bytes) = self.target.size(&blob.key).await.map_err(failed)? else { return Ok(false) };
        let is_right = size_bytes == blob.size_bytes
            && (!self.settings.rehashes || self.has_digest(blob).await.map_err(failed)?);
        if !is_right {
            self.target.delete(&[blob.key]).await.map_err(failed)?;
        }
        Ok(is_right)
    }

    async fn has_digest(&self, blob: &Present) -> Result<bool, wharf_blob::Error> {
        let mut reader = self.target.open(&blob.key, None).await?;
        let mut hashing = Hashing::new(blob.digest.algorithm());
        while let Some(piece) = reader.try_next().await? {
            self.pace.take(piece.len()).await;
            hashing.update(&piece);
        }
        Ok(hashing.finish() == blob.digest)
    }

    /// Copies the bytes; says why the source's cannot be what the catalog says.
    async fn transfer(&self, blob: &Present) -> Result<Option<String>, Error> {
        let failed = |source| Error::Store { operation: format!("copy blob `{}`", blob.digest), source };
        let reader = match self.source.open(&blob.key, None).await {
            Ok(reader) if reader.size_bytes() == blob.size_bytes => reader,
            Ok(reader) => {
                return Ok(Some(format!("{} bytes are stored, not {}", reader.size_bytes(), blob.size_bytes)));
            }
            Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(failed(error)),
        };
        let upload = blob.key.upload();
        // What an earlier copy has left.
        self.target.abort(&upload).await.map_err(failed)?;
        self.target.begin(upload).await.map_err(failed)?;
        let state = UploadState::new(blob.digest.algorithm());
        let appended = self.target.append(&upload, state, self.paced(reader)).await;
        let damage = match appended.end {
            Ok(()) if appended.state.digest() == blob.digest => None,
            Ok(()) => Some(format!("its bytes have digest `{}`", appended.state.digest())),
            Err(error) => Some(damage_of(&error).ok_or_else(|| failed(error))?),
        };
        if damage.is_some() {
            self.target.abort(&upload).await.map_err(failed)?;
            return Ok(damage);
        }
        self.target.finish(&upload, &appended.state).await.map_err(failed)?;
        add(&self.figures.copied_blobs, 1);
        add(&self.figures.copied_bytes, blob.size_bytes);
        Ok(None)
    }

    /// The bytes of `reader` as fast as they may go.
    fn paced(&self, reader: Reader) -> Body {
        let pace = Arc::clone(&self.pace);
        Box::pin(reader.then(move |piece| {
            let pace = Arc::clone(&pace);
            async move {
                let piece = piece.map_err(BodyError::broken)?;
                pace.take(piece.len()).await;
                Ok(piece)
            }
        }))
    }

    /// Deletes what the target stores and the catalog does not know: what was collected since the last backup.
    /// Says how many.
    pub async fn prune(&self) -> Result<u64, Error> {
        let failed = |source| Error::Store { operation: "prune the target".to_owned(), source };
        let (mut after, mut pruned) = (None, 0);
        loop {
            let page = self.target.list(after, PAGE).await.map_err(failed)?;
            let Some(last) = page.last() else { return Ok(pruned) };
            after = Some(last.key);
            let gone = self.unknown(page.iter().map(|stored| stored.key)).await?;
            self.target.delete(&gone).await.map_err(failed)?;
            pruned += gone.len() as u64;
        }
    }

    /// Whether everything that the target stores is known to the catalog: nothing, or what an earlier copy has left.
    pub async fn is_target_free(&self) -> Result<bool, Error> {
        let failed = |source| Error::Store { operation: "list the target".to_owned(), source };
        let mut after = None;
        loop {
            let page = self.target.list(after, PAGE).await.map_err(failed)?;
            let Some(last) = page.last() else { return Ok(true) };
            after = Some(last.key);
            if !self.unknown(page.iter().map(|stored| stored.key)).await?.is_empty() {
                return Ok(false);
            }
        }
    }

    async fn unknown(&self, keys: impl Iterator<Item = StorageKey>) -> Result<Vec<StorageKey>, Error> {
        let mut unknown = Vec::new();
        for key in keys {
            if !store::is_known(&self.catalog, &key).await? {
                unknown.push(key);
            }
        }
        Ok(unknown)
    }
}

/// Whether the bytes are not there, or not as they were stored. Anything else may pass.
fn is_damage(error: &wharf_blob::Error) -> bool {
    matches!(error.failure(), Failure::NotFound | Failure::Internal)
}

/// What is wrong with the source, when that is why the target got no more bytes.
fn damage_of(error: &wharf_blob::Error) -> Option<String> {
    let wharf_blob::Error::Body { source: BodyError::Broken(cause), .. } = error else { return None };
    let cause = cause.downcast_ref::<wharf_blob::Error>().filter(|cause| is_damage(cause))?;
    Some(cause.to_string())
}
