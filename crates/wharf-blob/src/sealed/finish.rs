//! Finishing: the last segment is sealed and the inner store makes all of it immutable; and reading an open upload.

use futures_util::StreamExt;
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
        let finished = match self.seal_last(upload, state).await {
            Ok(whole) => self.inner.finish(&upload, &whole).await,
            Err(error) => Err(error),
        };
        match finished {
            Err(Error::UploadNotFound { .. }) => self.check_finished(upload, state).await,
            finished => finished,
        }
    }

    /// Adds the last segment; returns the inner store's state of the whole. What was appended to before stays what it was:
    /// whoever goes on from `state` drops this segment and seals another one, in another epoch.
    async fn seal_last(&self, upload: UploadKey, state: &UploadState) -> Result<UploadState, Error> {
        let place = Place::of(self, upload, state).await?;
        let last = append::last(&place, upload)?;
        let appended = self.inner.append(&upload, place.inner, body::whole(last)).await;
        appended.end.map(|()| appended.state)
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

    /// The plaintext that `state` describes. A store that can only read what is whole makes it so: then this is it.
    pub(super) async fn read_upload(&self, upload: UploadKey, state: &UploadState) -> Result<Reader, Error> {
        let whole = self.seal_last(upload, state).await?;
        self.read_whole(upload.storage_key(), self.inner.reread(&upload, &whole).await?).await
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
