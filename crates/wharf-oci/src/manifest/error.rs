//! Why a manifest is refused, in sentences that help its author.

use crate::descriptor::DescriptorError;
use crate::json::{JsonError, MemberError};
use crate::media_type::MediaType;

use super::{MAX_DESCRIPTORS, MAX_MANIFEST_BYTES};

/// Why bytes are not a manifest that this registry stores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// More than [`MAX_MANIFEST_BYTES`].
    #[error("a manifest has at most {MAX_MANIFEST_BYTES} bytes; this one has {size_bytes}")]
    TooLarge {
        /// What was sent.
        size_bytes: usize,
    },
    /// Not strict JSON: not UTF-8, duplicate keys, too deep, something after it.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member of the manifest itself is missing or of another type.
    #[error("in the manifest, {0}")]
    Member(#[from] MemberError),
    /// Neither a header nor the document names a type.
    #[error("the manifest's type is not known: send it in `Content-Type` or in the member `mediaType`")]
    MissingMediaType,
    /// A type that this registry does not look into.
    #[error(
        "`{given}` is not a manifest type that this registry stores; use `{oci}` or `{index}`",
        oci = MediaType::OciManifest,
        index = MediaType::OciIndex
    )]
    UnknownMediaType {
        /// The type, shortened.
        given: String,
    },
    /// The withdrawn OCI artifact manifest.
    #[error(
        "OCI artifact manifests were withdrawn from the image specification; push an `{}` with `artifactType` instead \
         (newer versions of your tool do so)",
        MediaType::OciManifest
    )]
    WithdrawnArtifact,
    /// Docker's first manifest format.
    #[error(
        "Docker image manifests of schema 1 are not stored: they do not name their layers' sizes and clients no longer \
         pull them; push the image again with Docker 1.10 or newer, or convert it with skopeo"
    )]
    Schema1,
    /// `schemaVersion` is not 2.
    #[error("`schemaVersion` must be 2")]
    SchemaVersion,
    /// The header and the document name two types.
    #[error("`Content-Type` says `{header}`, but the manifest's `mediaType` says `{body}`; they must be equal")]
    MediaTypeMismatch {
        /// What the header says.
        header: String,
        /// What the document says.
        body: String,
    },
    /// A Docker manifest must name its type.
    #[error("a Docker manifest must have the member `mediaType` with the value `{0}`")]
    MediaTypeNotNamed(MediaType),
    /// The document could be read as an image and as an index.
    #[error(
        "the manifest has both `manifests` and `{other}`, so that some clients would read it as an index and others as \
         an image; push two manifests"
    )]
    Ambiguous {
        /// The member that does not go with `manifests`.
        other: &'static str,
    },
    /// The document's members belong to another type.
    #[error("a manifest of type `{media_type}` does not have the member `{member}`")]
    WrongShape {
        /// The type.
        media_type: MediaType,
        /// The member that belongs to the other kind.
        member: &'static str,
    },
    /// A descriptor is refused.
    #[error("in the manifest's `{at}`, {source}")]
    BadDescriptor {
        /// Which, such as `layers[3]`.
        at: String,
        /// Why.
        source: DescriptorError,
    },
    /// More descriptors than [`MAX_DESCRIPTORS`].
    #[error("a manifest lists at most {MAX_DESCRIPTORS} layers or manifests; this one lists {count}")]
    TooManyDescriptors {
        /// How many.
        count: usize,
    },
    /// The sizes add up to more than 2⁶³−1.
    #[error("the sizes in the manifest add up to more than {max} bytes", max = i64::MAX)]
    TotalSize,
    /// `artifactType` is no media type.
    #[error("the manifest's `artifactType` is not a media type of printable ASCII characters")]
    ArtifactType,
}
