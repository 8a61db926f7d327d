//! Finishing: an upload's file becomes a blob; and reading an upload's bytes once more.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use wharf_oci::Algorithm;

use super::layout::{self, Folder, Layout};
use super::{Durability, Files};
use crate::error::Error;
use crate::fence::Claim;
use crate::key::{StorageKey, UploadKey};
use crate::state::{Hasher, UploadState};

const PIECE_BYTES: usize = 256 * 1024;

impl Files {
    pub(super) async fn end(&self, upload: UploadKey, state: &UploadState) -> Result<StorageKey, Error> {
        let key = upload.storage_key();
        let claim = Arc::new(self.claim(upload, state).await?);
        self.folders.make(key.fan_out()).await?;
        let (held, offset, durability) = (Arc::clone(&claim), state.offset, self.durability);
        let moved = self.blocking(move |layout| become_blob(layout, &held, offset, durability)).await;
        match moved {
            Err(Error::UploadNotFound { .. }) => self.check_finished(upload, state).await?,
            moved => moved?,
        }
        self.folders.sync(Folder::Lower(key.fan_out())).await?;
        self.fence.forget(upload);
        Ok(key)
    }

    /// The upload is gone. Were it finished by an earlier try of this caller, exactly these bytes lie there; they are
    /// read, because another caller of the same upload may have finished other bytes.
    async fn check_finished(&self, upload: UploadKey, state: &UploadState) -> Result<(), Error> {
        let (key, expected) = (upload.storage_key(), state.digest());
        let (offset, algorithm) = (state.offset, state.algorithm());
        let checked = self.blocking(move |layout| {
            let file = layout.open_blob(key)?;
            let source = |source| Error::Blob { action: "read", key, source };
            let is_whole = file.metadata().map_err(source)?.len() == offset;
            let hasher = hash(&file, offset, algorithm).map_err(source)?;
            Ok(is_whole && UploadState { hasher, ..UploadState::new(algorithm) }.digest() == expected)
        });
        match checked.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(Error::BlobNotFound { .. }) => {
                self.fence.forget(upload);
                Err(Error::UploadNotFound { upload })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn hash_again(
        &self,
        upload: UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> Result<UploadState, Error> {
        let offset = state.offset;
        let (hasher, noted) = self
            .blocking(move |layout| {
                let file = layout.read_upload(upload)?;
                let failed = |source| Error::Upload { action: "read", upload, source };
                let found_bytes = file.metadata().map_err(failed)?.len();
                if found_bytes < offset {
                    return Err(Error::UploadLost { upload, expected_bytes: offset, found_bytes });
                }
                let hasher = hash(&file, offset, algorithm).map_err(failed)?;
                // Asked last: whoever took the upload over while it was read may have changed what was read.
                Ok((hasher, layout::noted_writers(&file, upload)?))
            })
            .await?;
        match noted {
            Some(writers) if !writers.know(state.writer) => return Err(Error::Superseded { upload }),
            Some(_) => {}
            None => self.fence.check(upload, &state)?,
        }
        Ok(UploadState { hasher, ..state })
    }
}

fn become_blob(layout: &Layout, claim: &Claim, offset: u64, durability: Durability) -> Result<(), Error> {
    let upload = claim.upload;
    let resumed = layout.resume_upload(claim, offset)?;
    // The append that returned the state has synced its bytes: syncing again would only be one flush of the disk more,
    // of the three that a push waits for. What has changed since, or was never appended to, has not been synced.
    if durability == Durability::Full && (resumed.is_truncated || offset == 0) {
        resumed.file.sync_all().map_err(|source| Error::Upload { action: "sync", upload, source })?;
    }
    layout.rename_upload(upload)
}

fn hash(file: &File, size_bytes: u64, algorithm: Algorithm) -> std::io::Result<Hasher> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < size_bytes {
        let wanted = usize::try_from(size_bytes - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        file.read_exact_at(&mut buffer[..wanted], offset)?;
        hasher.update(&buffer[..wanted]);
        offset += wanted as u64;
    }
    Ok(hasher)
}
