//! What can go wrong in a blob store.

use std::io;
use std::path::PathBuf;

use crate::body::BodyError;
use crate::followed::NotFollowed;
use crate::key::{StorageKey, UploadKey};
use crate::s3::Trouble;
use crate::sealed::keys::KeysError;

/// What sort of failure an [`Error`] is. (This crate stands below `wharf-context`, whose `Kind` has the same words.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The upload or the bytes are not there.
    NotFound,
    /// The request was wrong, or its body did not come as promised.
    Invalid,
    /// Somebody else moved the upload on.
    Conflict,
    /// Storage or a quota on it is used up. What the failed operation had taken is free again.
    Exhausted,
    /// The machine is short of something else or shutting down; a retry may help.
    Unavailable,
    /// The storage is broken, or we are.
    Internal,
}

/// A failed operation of a blob store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The upload never was, is finished, or was aborted.
    #[error("upload `{upload}` is not in the store")]
    UploadNotFound {
        /// The upload.
        upload: UploadKey,
    },
    /// Fewer bytes lie in the upload than its state says; it has to start anew.
    #[error("upload `{upload}` was lost: {found_bytes} of {expected_bytes} bytes are left")]
    UploadLost {
        /// The upload.
        upload: UploadKey,
        /// What its state says.
        expected_bytes: u64,
        /// What is there.
        found_bytes: u64,
    },
    /// Another request continued the upload, and the state in hand no longer describes its bytes.
    #[error("upload `{upload}` was continued by another request")]
    Superseded {
        /// The upload.
        upload: UploadKey,
    },
    /// The body did not come to its end.
    #[error("cannot read the body for upload `{upload}`")]
    Body {
        /// The upload.
        upload: UploadKey,
        /// Why not.
        source: BodyError,
    },
    /// Nothing is stored under the key.
    #[error("blob `{key}` is not in the store")]
    BlobNotFound {
        /// The key.
        key: StorageKey,
    },
    /// A range reaches beyond the stored bytes.
    #[error("blob `{key}` has {size_bytes} bytes, fewer than the range asked for")]
    Range {
        /// The key.
        key: StorageKey,
        /// How many bytes are stored.
        size_bytes: u64,
    },
    /// Stored bytes ended early while they were read.
    #[error("blob `{key}` ended at byte {offset} while it was read")]
    BlobTruncated {
        /// The key.
        key: StorageKey,
        /// Where it ended.
        offset: u64,
    },
    /// The store's own folders cannot be made or opened.
    #[error("cannot open the blob store at `{}`", path.display())]
    OpenStore {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Uploads could never become blobs, because one cannot be renamed into the other's folder.
    #[error("`uploads` and `blobs` below `{}` must lie on one file system", path.display())]
    TwoFileSystems {
        /// The store's folder.
        path: PathBuf,
    },
    /// An operation on an upload's file failed.
    #[error("cannot {action} upload `{upload}`")]
    Upload {
        /// What was being done, e.g. `write`.
        action: &'static str,
        /// The upload.
        upload: UploadKey,
        /// Why it failed.
        source: io::Error,
    },
    /// An operation on stored bytes failed.
    #[error("cannot {action} blob `{key}`")]
    Blob {
        /// What was being done, e.g. `read`.
        action: &'static str,
        /// The key.
        key: StorageKey,
        /// Why it failed.
        source: io::Error,
    },
    /// An operation on a folder of the store failed.
    #[error("cannot {action} folder `{folder}` of the blob store")]
    Folder {
        /// What was being done, e.g. `sync`.
        action: &'static str,
        /// The folder below the store's own.
        folder: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Sealed bytes do not open.
    #[error("blob `{key}` does not open at byte {offset}: what is stored is not what was sealed")]
    Sealed {
        /// The key.
        key: StorageKey,
        /// Where the segment begins that does not open.
        offset: u64,
    },
    /// The key that bytes are sealed under cannot be had.
    #[error("cannot get the key that blob `{key}` is sealed under")]
    Keys {
        /// The blob's key in the store.
        key: StorageKey,
        /// Why not.
        source: KeysError,
    },
    /// An upload is longer than what can be sealed.
    #[error("upload `{upload}` is longer than a sealed blob can be")]
    TooLong {
        /// The upload.
        upload: UploadKey,
    },
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes")]
    Random,
    /// There is no object of this name in a cold place.
    #[error("`{name}` is not in the cold place")]
    ObjectNotFound {
        /// The object.
        name: String,
    },
    /// An operation on an object of a cold place failed.
    #[error("cannot {action} `{name}` in the cold place")]
    Object {
        /// What was being done, e.g. `write`.
        action: &'static str,
        /// The object.
        name: String,
        /// Why it failed.
        source: io::Error,
    },
    /// What was to become an object of a cold place did not come to its end.
    #[error("cannot read what is to become `{name}` in the cold place")]
    ObjectBody {
        /// The object.
        name: String,
        /// Why not.
        source: BodyError,
    },
    /// An S3 endpoint did not do what it was asked.
    #[error("cannot {action} `{object}` on S3")]
    Remote {
        /// What was being done, e.g. `put`.
        action: &'static str,
        /// The name of the object, or what the names of several begin with.
        object: String,
        /// Why not.
        source: Trouble,
    },
    /// The settings of the bucket cannot be used.
    #[error("cannot use the bucket `{bucket}`")]
    OpenBucket {
        /// The bucket.
        bucket: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Bytes are stored here, and the standby does not confirm that it has them.
    #[error("blob `{key}` is stored, but not confirmed by the standby")]
    NotFollowed {
        /// The key.
        key: StorageKey,
        /// Why not.
        source: NotFollowed,
    },
    /// The process is shutting down.
    #[error("the blob store is shutting down")]
    Stopped,
}

impl Error {
    /// What sort of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::UploadNotFound { .. }
            | Self::UploadLost { .. }
            | Self::BlobNotFound { .. }
            | Self::ObjectNotFound { .. } => Failure::NotFound,
            Self::Superseded { .. } => Failure::Conflict,
            Self::Body { .. } | Self::ObjectBody { .. } | Self::Range { .. } | Self::TooLong { .. } => Failure::Invalid,
            Self::BlobTruncated { .. }
            | Self::TwoFileSystems { .. }
            | Self::Sealed { .. }
            | Self::OpenBucket { .. }
            | Self::Keys { source: KeysError::Unknown { .. }, .. } => Failure::Internal,
            Self::Remote { source, .. } => source.failure(),
            Self::Keys { .. } | Self::NotFollowed { .. } | Self::Random | Self::Stopped => Failure::Unavailable,
            Self::OpenStore { source, .. }
            | Self::Upload { source, .. }
            | Self::Blob { source, .. }
            | Self::Object { source, .. }
            | Self::Folder { source, .. } => failure_of(source),
        }
    }

    /// Whether storage, or a quota on it, is used up.
    pub fn is_exhausted(&self) -> bool {
        self.failure() == Failure::Exhausted
    }
}

fn failure_of(error: &io::Error) -> Failure {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => Failure::Exhausted,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN | Errno::STALE | Errno::ROFS) => {
            Failure::Unavailable
        }
        _ => Failure::Internal,
    }
}
