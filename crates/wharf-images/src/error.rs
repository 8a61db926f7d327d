//! What can go wrong with a node's images.

use std::io;
use std::path::{Path, PathBuf};

use wharf_context::Kind;
use wharf_oci::{ContentError, Digest, ManifestError};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation on a file or folder failed.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An overlay file system cannot be made.
    #[error("cannot put {layers} layers on each other in an overlay file system: {step}")]
    Overlay {
        /// How many.
        layers: usize,
        /// At which step.
        step: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The database did not do it.
    #[error("the node's database failed")]
    Database(#[from] wharf_db::Error),
    /// A layer or the content cannot be read.
    #[error(transparent)]
    Layer(#[from] wharf_layer::Error),
    /// Content cannot be read or written.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A layer cannot be unpacked.
    #[error("cannot unpack `{path}`")]
    Unpack {
        /// What of it.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A folder cannot be written as a layer.
    #[error("cannot put `{path}` into a layer")]
    Pack {
        /// What of it.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A layer cannot be written.
    #[error("cannot write a layer")]
    WriteLayer(#[source] io::Error),
    /// A layer is not what the config says.
    #[error("layer {found} should be {expected}, as the config says")]
    DiffId {
        /// What it is.
        found: Digest,
        /// What it should be.
        expected: Digest,
    },
    /// An unpacked layer that is in use is gone.
    #[error("the unpacked layer {chain} is not there")]
    NoSnapshot {
        /// The chain it ends.
        chain: Digest,
    },
    /// A manifest is refused.
    #[error("manifest {digest} is refused")]
    Manifest {
        /// Which.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// A manifest is no image's.
    #[error("{digest} is no image: {reason}")]
    NotAnImage {
        /// Which.
        digest: Digest,
        /// Why not.
        reason: &'static str,
    },
    /// A config is refused.
    #[error("the config {digest} is refused")]
    Config {
        /// Which.
        digest: Digest,
        /// Why.
        source: serde_json::Error,
    },
    /// The process is being ended.
    #[error("the process is being ended")]
    Stopped,
    /// Others use the store.
    #[error("the images in `{}` are in use", folder.display())]
    InUse {
        /// Where.
        folder: PathBuf,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::File { action, path: path.to_owned(), source: source.into() }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::File { source, .. }
            | Self::Unpack { source, .. }
            | Self::Pack { source, .. }
            | Self::WriteLayer(source) => kind_of(source),
            Self::Database(error) => error.kind(),
            Self::Layer(error) => error.kind().into(),
            Self::Content(error) => error.kind.into(),
            Self::DiffId { .. } | Self::Manifest { .. } | Self::NotAnImage { .. } | Self::Config { .. } => {
                Kind::Invalid
            }
            Self::NoSnapshot { .. } => Kind::NotFound,
            Self::Stopped | Self::InUse { .. } => Kind::Unavailable,
            Self::Overlay { .. } => Kind::Internal,
        }
    }
}

fn kind_of(error: &io::Error) -> Kind {
    let is = |kind| error.kind() == kind;
    if is(io::ErrorKind::StorageFull) || is(io::ErrorKind::QuotaExceeded) {
        return Kind::Exhausted;
    }
    if is(io::ErrorKind::PermissionDenied) { Kind::Denied } else { Kind::Internal }
}
