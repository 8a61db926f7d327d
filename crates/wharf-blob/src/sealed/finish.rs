//! Finishing: the last segment is sealed and the inner store makes all of it immutable; and reading an open upload.

use futures_util::{StreamExt, stream};
use wharf_oci::Algorithm;

use super::Sealed;
use super::append;
use super::place::Place;
use crate::body;
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::{Hasher, UploadState};

impl Sealed {
    pub(super) async fn end(&self, upload: UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let place = Place::of(&*self.keys, upload, state).await?;
        let last = append::last(&place, upload)?;
        let appended = self.inner.append(&upload, place.inner, body::whole(last)).await;
        let finished = match appended.end {
            Ok(()) => self.inner.finish(&upload, &appended.state).await,
            Err(error) => Err(error),
        };
        match finished {
            Err(Error::UploadNotFound { .. }) => self.check_finished(upload, state).await,
            finished => finished,
        }
    }

    /// The upload is gone. Were it finished by an earlier try of this caller, exactly these bytes lie there.
    async fn check_finished(&self, upload: UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let key = upload.storage_key();
        let reader = match self.read(key, None).await {
            Err(Error::BlobNotFound { .. }) => return Err(Error::UploadNotFound { upload }),
            reader => reader?,
        };
        let is_whole = reader.size_bytes() == state.offset;
        let hasher = hash(reader, state.algorithm()).await?;
        let stored = UploadState { hasher, ..state.clone() };
        if is_whole && stored.digest() == state.digest() { Ok(key) } else { Err(Error::UploadNotFound { upload }) }
    }

    pub(super) async fn hash_again(
        &self,
        upload: UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> Result<UploadState, Error> {
        let hasher = hash(self.read_upload(upload, &state).await?, algorithm).await?;
        Ok(UploadState { hasher, ..state })
    }

    /// The plaintext that `state` describes.
    pub(super) async fn read_upload(&self, upload: UploadKey, state: &UploadState) -> Result<Reader, Error> {
        let place = Place::of(&*self.keys, upload, state).await?;
        let sealed = self.inner.reread(&upload, &place.inner).await?;
        let segments = self.read_segments(upload.storage_key(), sealed, place.sealed_bytes()).await?;
        let tail = (!place.tail.is_empty()).then(|| Ok(place.tail.into()));
        Ok(Reader::new(state.offset, 0..state.offset, segments.chain(stream::iter(tail))))
    }
}

/// Hashes what `reader` gives, off the threads that serve requests.
async fn hash(mut reader: Reader, algorithm: Algorithm) -> Result<Hasher, Error> {
    let mut hasher = Hasher::new(algorithm);
    while let Some(piece) = reader.next().await.transpose()? {
        hasher = crate::blocking::run(move || {
            hasher.update(&piece);
            hasher
        })
        .await?;
    }
    Ok(hasher)
}
