//! What can go wrong with layers, layouts and archives.

use std::io;
use std::path::{Path, PathBuf};

use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::{ContentError, ContentErrorKind, Digest, JsonError, ManifestError, Reference, Tag};

use crate::compression::Compression;
use crate::fault::Fault;
use crate::path::EntryPath;

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
    /// Layers cannot be put on each other: no runtime would unpack them, or runtimes would unpack them differently.
    #[error("the layers cannot be unpacked: {reason} at `{path}`")]
    Unpack {
        /// What is wrong.
        reason: &'static str,
        /// Where.
        path: EntryPath,
    },
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
    /// Content that was found can no longer be read.
    #[error("cannot read what lies in the layout")]
    ReadContent(#[source] io::Error),
    /// It is a folder, a device or something else where a file is needed.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// What it is.
        path: PathBuf,
    },
    /// There is no `oci-layout`, no `index.json`, and no `manifest.json` of docker's.
    #[error("this is no OCI layout and no docker archive")]
    NotALayout,
    /// An archive of images is compressed, so that one cannot read in the middle of it.
    #[error("`{}` is compressed with {compression}; uncompress it first", path.display())]
    CompressedArchive {
        /// The archive.
        path: PathBuf,
        /// How.
        compression: Compression,
    },
    /// An archive has two files of one name.
    #[error("the archive has `{path}` twice")]
    DuplicateMember {
        /// The name.
        path: EntryPath,
    },
    /// A document is too large to be read at once.
    #[error("a document of {size_bytes} bytes is larger than {MAX_MANIFEST_BYTES}")]
    LargeDocument {
        /// How large it is.
        size_bytes: u64,
    },
    /// `index.json` is refused.
    #[error("`index.json` is refused")]
    Index(#[source] ManifestError),
    /// A manifest is refused.
    #[error("a manifest is refused")]
    Manifest(#[source] ManifestError),
    /// A document is not strict JSON.
    #[error("a document of the layout is refused")]
    Document(#[source] JsonError),
    /// A document of docker's has other members than it should.
    #[error("docker's `manifest.json` or a config in it is refused")]
    DockerDocument(#[source] serde_json::Error),
    /// Docker's list does not fit to what is there.
    #[error("docker's `manifest.json` is refused: {reason}")]
    DockerManifest {
        /// What does not fit.
        reason: &'static str,
    },
    /// A docker archive holds images, each for one platform.
    #[error("a docker archive holds no list of platforms; choose one, or write an OCI archive")]
    IndexInDockerArchive,
    /// A tag names several manifests.
    #[error("several images are called `{tag}`; name one by its digest")]
    AmbiguousTag {
        /// The tag.
        tag: Tag,
    },
    /// Which image is meant was not said, and there are several.
    #[error("there are several images{}; name one", listed(tags))]
    SeveralImages {
        /// What they are called.
        tags: Vec<Tag>,
    },
    /// There is no such image.
    #[error("there is no image{}{}", reference.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default(), listed(tags))]
    NoImage {
        /// What was asked for.
        reference: Option<Reference>,
        /// What there is.
        tags: Vec<Tag>,
    },
    /// Content that a manifest names is not there.
    #[error("`{digest}` is not in the layout")]
    NoContent {
        /// Its digest.
        digest: Digest,
    },
    /// Whoever takes the bytes could not.
    #[error("cannot write what was read")]
    Take {
        /// Why not.
        source: io::Error,
    },
    /// The program is being ended.
    #[error("the program is being ended")]
    Stopped,
    /// What was read could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

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
            Self::File { source, .. } | Self::ReadContent(source) | Self::Take { source } => kind_of(source),
            Self::NotAFile { .. }
            | Self::NotALayout
            | Self::CompressedArchive { .. }
            | Self::Unpack { .. }
            | Self::DuplicateMember { .. }
            | Self::LargeDocument { .. }
            | Self::Index(_)
            | Self::Manifest(_)
            | Self::Document(_)
            | Self::DockerDocument(_)
            | Self::DockerManifest { .. }
            | Self::IndexInDockerArchive
            | Self::AmbiguousTag { .. }
            | Self::SeveralImages { .. } => ContentErrorKind::Invalid,
            Self::NoImage { .. } | Self::NoContent { .. } => ContentErrorKind::NotFound,
            Self::Stopped => ContentErrorKind::Unavailable,
            Self::Content(error) => error.kind,
        }
    }
}

/// Decoders tell broken bytes by kinds of their own; the rest is the machine's.
fn is_about_the_bytes(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

fn kind_of(error: &io::Error) -> ContentErrorKind {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, StorageFull};
    let is = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
    if is(&[NotFound]) {
        ContentErrorKind::NotFound
    } else if is(&[PermissionDenied]) {
        ContentErrorKind::Denied
    } else if is(&[NotADirectory, IsADirectory, io::ErrorKind::UnexpectedEof]) {
        ContentErrorKind::Invalid
    } else if is(&[StorageFull, QuotaExceeded]) {
        ContentErrorKind::Exhausted
    } else {
        ContentErrorKind::Internal
    }
}

fn listed(tags: &[Tag]) -> String {
    const MAX_LISTED: usize = 10;
    let names: Vec<String> = tags.iter().take(MAX_LISTED).map(|tag| format!("`{tag}`")).collect();
    let more = if tags.len() > MAX_LISTED { ", …" } else { "" };
    if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) }
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        let (kind, message) = (error.kind(), error.to_string());
        if let Error::Content(error) = error {
            return error;
        }
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        if causes.is_empty() { Self::new(kind, message) } else { Self::caused(kind, message, causes.join(": ")) }
    }
}
