//! What can go wrong with layers, layouts and archives.

use std::io;

use wharf_oci::{ContentError, ContentErrorKind};

use crate::compression::Compression;
use crate::fault::Fault;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes cannot be read, or are not what their compression says.
    #[error("cannot read the archive ({compression})")]
    Read {
        /// How it is compressed.
        compression: Compression,
        /// Why not.
        source: io::Error,
    },
    /// The bytes are compressed in another way than the media type says.
    #[error("the layer is {found}, but its media type `{media_type}` says {said}")]
    Compression {
        /// What its first bytes say.
        found: Compression,
        /// What the media type says.
        said: Compression,
        /// The media type.
        media_type: String,
    },
    /// The media type is none of a layer.
    #[error("`{media_type}` is not the media type of a file system layer")]
    MediaType {
        /// The media type.
        media_type: String,
    },
    /// The archive is refused.
    #[error("the archive is refused at byte {offset}")]
    Refused {
        /// Where the header stands that is refused, in the uncompressed archive.
        offset: u64,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// The archive costs more than it may.
    #[error("the archive has more than the allowed {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// What was read could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Error {
    /// A failed read. A source that is a port says why by an error of its own inside of `io::Error`.
    pub(crate) fn reading(compression: Compression, source: io::Error) -> Self {
        source.downcast().map_or_else(|source| Self::Read { compression, source }, Self::Content)
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ContentErrorKind {
        match self {
            Self::Read { source, .. } if is_about_the_bytes(source) => ContentErrorKind::Invalid,
            Self::Read { .. } => ContentErrorKind::Internal,
            Self::Compression { .. } | Self::MediaType { .. } | Self::Refused { .. } | Self::Limit { .. } => {
                ContentErrorKind::Invalid
            }
            Self::Content(error) => error.kind,
        }
    }
}

/// Decoders tell broken bytes by kinds of their own; the rest is the machine's.
fn is_about_the_bytes(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}
