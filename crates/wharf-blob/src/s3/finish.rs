//! Finishing: parts become the blob; and reading an upload's bytes once more.

use futures_util::{StreamExt, stream};
use wharf_oci::Algorithm;

use super::place::{Parts, Place};
use super::trouble::Trouble;
use super::{S3, place_of, remote, upload_error};
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::{Hasher, UploadState};

impl S3 {
    pub(super) async fn end(&self, upload: UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let place = place_of(upload, state)?;
        let _claim = self.claim(upload, state).await?;
        self.make_whole(upload, state, &place).await?;
        self.clear(upload, &place).await?;
        self.fence.forget(upload);
        Ok(upload.storage_key())
    }

    /// Puts the bytes of a state under the blob's own name.
    async fn make_whole(&self, upload: UploadKey, state: &UploadState, place: &Place) -> Result<(), Error> {
        let blob = self.layout.blob(upload.storage_key());
        let is_there = place.is_whole || !self.bucket.abilities.decide() && self.is_stored(upload).await?;
        let made = if is_there { Err(taken()) } else { self.put_whole(upload, place).await? };
        match made {
            Ok(()) => Ok(()),
            // Finished by somebody: exactly these bytes lie there, or others.
            Err(trouble) if trouble.is_taken() || trouble.is_not_found() => self.check_finished(upload, state).await,
            Err(trouble) if trouble.is_other_parts() => {
                Err(Error::UploadLost { upload, expected_bytes: state.offset, found_bytes: 0 })
            }
            Err(trouble) => Err(remote("finish", blob.as_ref())(trouble)),
        }
    }

    async fn put_whole(&self, upload: UploadKey, place: &Place) -> Result<Result<(), Trouble>, Error> {
        let blob = self.layout.blob(upload.storage_key());
        let tail = match place.tail {
            Some(tail) => match self.bucket.get(&self.layout.tail(upload, tail.mark)).await {
                Ok(bytes) => Some(bytes),
                Err(trouble) => return Ok(Err(trouble)),
            },
            None => None,
        };
        let Some(Parts { id, tags, .. }) = &place.parts else {
            return Ok(self.bucket.put_new(&blob, tail.into_iter().collect()).await);
        };
        let mut tags = tags.clone();
        if let Some(tail) = tail {
            match self.bucket.put_part(&blob, id, tags.len(), vec![tail]).await {
                Ok(tag) => tags.push(tag),
                Err(trouble) => return Ok(Err(trouble)),
            }
        }
        Ok(self.bucket.complete(&blob, id, tags).await)
    }

    async fn is_stored(&self, upload: UploadKey) -> Result<bool, Error> {
        let blob = self.layout.blob(upload.storage_key());
        let facts = self.bucket.facts(&blob).await.map_err(remote("inspect", blob.as_ref()))?;
        Ok(facts.is_some())
    }

    /// What lies under the blob's name may come from an earlier try of this caller, or from another one, who finished
    /// other bytes: so they are read.
    async fn check_finished(&self, upload: UploadKey, state: &UploadState) -> Result<(), Error> {
        let hashed = self.hash_blob(upload, state.algorithm()).await;
        match hashed {
            Ok(found) if found.offset == state.offset && found.digest() == state.digest() => Ok(()),
            Ok(_) | Err(Error::BlobNotFound { .. }) => {
                self.fence.forget(upload);
                Err(Error::UploadNotFound { upload })
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes what the upload needed while it was open. What other writers left is for collection.
    async fn clear(&self, upload: UploadKey, place: &Place) -> Result<(), Error> {
        let tails = [place.tail.map(|tail| tail.mark), place.stale].into_iter().flatten();
        let mut paths: Vec<_> = tails.map(|mark| self.layout.tail(upload, mark)).collect();
        paths.extend(place.parts.as_ref().map(|parts| self.layout.note(upload, parts.note)));
        self.bucket.delete(paths).await.map_err(remote("delete", &self.layout.upload(upload)))
    }

    pub(super) async fn hash_again(
        &self,
        upload: UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> Result<UploadState, Error> {
        let place = place_of(upload, &state)?;
        let mut reader = self.read_open(upload, &state).await?;
        let mut hasher = Hasher::new(algorithm);
        while let Some(piece) = reader.next().await {
            hasher.update(&piece?);
        }
        let is_whole = place.is_whole || place.parts.is_some();
        Ok(UploadState { hasher, place: Place { is_whole, ..place }.to_bytes(), ..state })
    }

    /// Parts cannot be read before they are put together, so they are: under the blob's name, which nobody knows yet.
    pub(super) async fn read_open(&self, upload: UploadKey, state: &UploadState) -> Result<Reader, Error> {
        self.catch_up(upload, state);
        self.fence.check(upload, state)?;
        let place = place_of(upload, state)?;
        if place.is_whole || place.parts.is_some() {
            self.make_whole(upload, state, &place).await?;
            return self.read(upload.storage_key(), None).await;
        }
        let bytes = match place.tail {
            Some(tail) => {
                let path = self.layout.tail(upload, tail.mark);
                let bytes = self.bucket.get(&path).await.map_err(upload_error("get", upload, &path))?;
                vec![Ok(bytes)]
            }
            None => Vec::new(),
        };
        Ok(Reader::new(state.offset, 0..state.offset, stream::iter(bytes)))
    }

    async fn hash_blob(&self, upload: UploadKey, algorithm: Algorithm) -> Result<UploadState, Error> {
        let mut reader = self.read(upload.storage_key(), None).await?;
        let mut hasher = Hasher::new(algorithm);
        while let Some(piece) = reader.next().await {
            hasher.update(&piece?);
        }
        Ok(UploadState { offset: reader.size_bytes(), hasher, ..UploadState::new(algorithm) })
    }
}

fn taken() -> Trouble {
    Trouble::refused(412, "")
}
