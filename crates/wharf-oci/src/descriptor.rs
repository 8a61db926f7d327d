//! Descriptors: what a manifest says about content that stands elsewhere.
//!
//! Spec: image-spec, descriptor.md. Whether the content exists is not known here.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::{Serialize, Serializer};

use crate::digest::{Digest, DigestError};
use crate::json::members::Members;
use crate::json::{self, JsonError, MemberError};
use crate::media_type::{MAX_MEDIA_TYPE_BYTES, MediaType, is_well_formed};

const MEMBERS: &[&str] = &["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"];

const PLATFORM_MEMBERS: &[&str] = &["architecture", "os", "os.version", "os.features", "variant", "features"];

/// Why a descriptor is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The text around it is not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member is missing or of another type.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The platform's members are not what they should be.
    #[error("`platform`: {0}")]
    Platform(#[source] MemberError),
    /// `digest` is not one.
    #[error("`digest` is malformed: {0}")]
    Digest(#[source] DigestError),
    /// `size` is negative, fractional, written with an exponent or larger than 2⁶³−1.
    #[error("`size` is not a whole number of bytes from 0 to {max}", max = i64::MAX)]
    Size,
    /// A media type that no specification allows.
    #[error("`{0}` is not 1 to {MAX_MEDIA_TYPE_BYTES} printable ASCII characters")]
    MediaType(&'static str),
    /// `data` is not base64.
    #[error("`data` is not padded base64")]
    DataEncoding,
    /// `data` is not the content that `digest` and `size` name.
    #[error("the content in `data` does not have the descriptor's `digest` and `size`")]
    DataMismatch,
}

/// What is said about some content: type, digest, size, and more if it helps to choose among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The content's media type, as its author wrote it.
    pub media_type: String,
    /// The content's digest.
    #[serde(serialize_with = "as_text")]
    pub digest: Digest,
    /// The content's size in bytes; at most `i64::MAX`.
    pub size: u64,
    /// The type of the artifact that the content is the manifest of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Free notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What the image runs on, in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Where else the content is found. Never fetched by the registry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// What an image runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// `amd64`, `arm64`, … as Go names them; empty where the author left it out.
    pub architecture: String,
    /// `linux`, `windows`, …; empty where the author left it out.
    pub os: String,
    /// Version of the operating system.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Required features of the operating system.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Variant of the architecture, such as `v8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Required features of the processor; reserved in OCI, used by Docker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

fn as_text<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

impl Descriptor {
    /// A descriptor that says only what every one must say.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
            platform: None,
            urls: Vec::new(),
        }
    }

    /// Reads a descriptor that stands alone.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        Self::read(json::check(bytes)?)
    }

    /// The descriptor as JSON. What its author wrote beside the known members is not kept.
    pub fn render(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and maps by text are always JSON")
    }

    /// Whether the content is a manifest that this registry looks into. An index may list other content too:
    /// build caches list layers.
    pub fn is_manifest(&self) -> bool {
        MediaType::parse(&self.media_type).is_some()
    }

    /// Reads a descriptor from checked JSON.
    pub(crate) fn read(text: &str) -> Result<Self, DescriptorError> {
        let members = Members::read(text, MEMBERS)?;
        let media_type = members.string("mediaType")?.ok_or(MemberError::Missing("mediaType"))?;
        let artifact_type = members.string("artifactType")?.filter(|text| !text.is_empty());
        let digest: String = members.string("digest")?.ok_or(MemberError::Missing("digest"))?;
        if !is_well_formed(&media_type) {
            return Err(DescriptorError::MediaType("mediaType"));
        }
        if artifact_type.as_deref().is_some_and(|text| !is_well_formed(text)) {
            return Err(DescriptorError::MediaType("artifactType"));
        }
        let descriptor = Self {
            media_type,
            digest: digest.parse().map_err(DescriptorError::Digest)?,
            size: size(members.required("size")?)?,
            artifact_type,
            annotations: members.string_map("annotations")?,
            platform: members.get("platform").map(Platform::read).transpose().map_err(DescriptorError::Platform)?,
            urls: members.strings("urls")?,
        };
        if let Some(data) = members.string("data")? {
            descriptor.verify(&data)?;
        }
        Ok(descriptor)
    }

    /// Embedded content must be what the descriptor names, or clients that trust it run something else.
    fn verify(&self, data: &str) -> Result<(), DescriptorError> {
        let content = BASE64.decode(data.as_bytes()).map_err(|_| DescriptorError::DataEncoding)?;
        if content.len() as u64 != self.size || !self.digest.matches(&content) {
            return Err(DescriptorError::DataMismatch);
        }
        Ok(())
    }
}

impl Platform {
    fn read(text: &str) -> Result<Self, MemberError> {
        let members = Members::read(text, PLATFORM_MEMBERS)?;
        Ok(Self {
            architecture: members.string("architecture")?.unwrap_or_default(),
            os: members.string("os")?.unwrap_or_default(),
            os_version: members.string("os.version")?,
            os_features: members.strings("os.features")?,
            variant: members.string("variant")?,
            features: members.strings("features")?,
        })
    }
}

/// A size is an int64 in every client. Digits only: `1e3` and `1.0` are numbers that half of the clients refuse.
fn size(text: &str) -> Result<u64, DescriptorError> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let size: i64 = text.parse().ok().filter(|_| is_digits).ok_or(DescriptorError::Size)?;
    u64::try_from(size).map_err(|_| DescriptorError::Size)
}
