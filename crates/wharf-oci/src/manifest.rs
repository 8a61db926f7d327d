//! Manifests: what a registry stores under tags, read strictly.
//!
//! The bytes are kept as they were sent, by the caller; a [`Manifest`] is what was read in them. It refuses every
//! document that two clients could read differently. Whether the blobs and manifests that it names exist is not
//! known here. Unknown members are allowed and ignored.
//! Spec: image-spec, manifest.md and image-index.md; Docker's schema 2 and manifest list.

mod error;
mod render;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::json;
use crate::json::members::Members;
use crate::media_type::{
    DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, MediaType, OCI_ARTIFACT_MANIFEST, essence, is_non_distributable,
    is_well_formed,
};

pub use error::ManifestError;
pub use render::{render_image, render_index};

/// The largest manifest, in bytes: what the distribution specification asks registries to accept at least.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;
/// The most layers of an image, or manifests of an index. (Docker stops at 127 layers.)
pub const MAX_DESCRIPTORS: usize = 10_000;

const MEMBERS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
];

/// A manifest that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its type.
    pub media_type: MediaType,
    /// The type of the artifact it is, as the referrers list needs it: `artifactType`, or the config's media type of
    /// an image without it.
    pub artifact_type: Option<String>,
    /// Free notes.
    pub annotations: BTreeMap<String, String>,
    /// The manifest that this one is about. It need not exist.
    pub subject: Option<Descriptor>,
    /// What it names.
    pub content: Content,
}

/// What a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one per manifest, never a list of them")]
pub enum Content {
    /// An image or artifact.
    Image {
        /// The config; any media type.
        config: Descriptor,
        /// The layers, base first; may be empty.
        layers: Vec<Descriptor>,
    },
    /// A list of manifests.
    Index {
        /// The manifests; may be empty, and need not exist.
        manifests: Vec<Descriptor>,
    },
}

impl Manifest {
    /// Reads a manifest. `content_type` is the header's value, with or without parameters.
    pub fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge { size_bytes: bytes.len() });
        }
        let content_type = content_type.map(essence).filter(|text| !text.is_empty());
        if let Some(content_type) = content_type {
            refuse_retired(&content_type.to_ascii_lowercase())?;
        }
        let members = Members::read(json::check(bytes)?, MEMBERS)?;
        let media_type = media_type(content_type, &members)?;
        let subject = members.get("subject").map(|text| descriptor(text, || "subject".to_owned())).transpose()?;
        let content = if media_type.is_index() { index(media_type, &members)? } else { image(media_type, &members)? };
        refuse_absurd_total(&content)?;
        Ok(Self {
            media_type,
            artifact_type: artifact_type(&members, &content)?,
            annotations: members.string_map("annotations")?,
            subject,
            content,
        })
    }

    /// The blobs that must exist: the config and the distributable layers, in order.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers) = self.image();
        config.into_iter().chain(layers.iter().filter(|layer| !is_non_distributable(&layer.media_type)))
    }

    /// The blobs that need not exist, but belong to the manifest if they do: layers that may be fetched from
    /// elsewhere, and what an index lists that is no manifest (build caches list layers).
    pub fn optional_blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (_, layers) = self.image();
        let foreign = layers.iter().filter(|layer| is_non_distributable(&layer.media_type));
        foreign.chain(self.children().iter().filter(|child| !child.is_manifest()))
    }

    /// What an index lists; empty for an image.
    pub fn children(&self) -> &[Descriptor] {
        match &self.content {
            Content::Image { .. } => &[],
            Content::Index { manifests } => manifests,
        }
    }

    /// How the referrers list describes this manifest, whose digest and size the caller knows.
    pub fn descriptor(&self, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            artifact_type: self.artifact_type.clone(),
            annotations: self.annotations.clone(),
            ..Descriptor::new(self.media_type.as_str(), digest, size)
        }
    }

    fn image(&self) -> (Option<&Descriptor>, &[Descriptor]) {
        match &self.content {
            Content::Image { config, layers } => (Some(config), layers),
            Content::Index { .. } => (None, &[]),
        }
    }
}

/// Formats that were given up are refused with a way out.
fn refuse_retired(media_type: &str) -> Result<(), ManifestError> {
    match media_type {
        DOCKER_SCHEMA1 | DOCKER_SCHEMA1_SIGNED => Err(ManifestError::Schema1),
        OCI_ARTIFACT_MANIFEST => Err(ManifestError::WithdrawnArtifact),
        _ => Ok(()),
    }
}

/// What the document is, by header and content, if they agree.
fn media_type(header: Option<&str>, members: &Members<'_>) -> Result<MediaType, ManifestError> {
    let body = members.string("mediaType")?;
    refuse_retired(body.as_deref().unwrap_or_default())?;
    if members.has("fsLayers") || members.get("schemaVersion") == Some("1") {
        return Err(ManifestError::Schema1);
    }
    let media_type = match (header, body.as_deref()) {
        (None, None) => return Err(ManifestError::MissingMediaType),
        (None, Some(body)) => known(body, MediaType::parse)?,
        (Some(header), None) => known(header, MediaType::from_header)?,
        (Some(header), Some(body)) => agreed(header, body)?,
    };
    if body.is_none() && media_type.is_docker() {
        return Err(ManifestError::MediaTypeNotNamed(media_type));
    }
    if members.required("schemaVersion")? != "2" {
        return Err(ManifestError::SchemaVersion);
    }
    Ok(media_type)
}

fn known(text: &str, parse: fn(&str) -> Option<MediaType>) -> Result<MediaType, ManifestError> {
    parse(text).ok_or_else(|| ManifestError::UnknownMediaType { given: json::shorten(text) })
}

fn agreed(header: &str, body: &str) -> Result<MediaType, ManifestError> {
    match (MediaType::from_header(header), MediaType::parse(body)) {
        (Some(header), Some(body)) if header == body => Ok(body),
        (None, None) => Err(ManifestError::UnknownMediaType { given: json::shorten(body) }),
        _ => Err(ManifestError::MediaTypeMismatch { header: json::shorten(header), body: json::shorten(body) }),
    }
}

fn image(media_type: MediaType, members: &Members<'_>) -> Result<Content, ManifestError> {
    if members.has("manifests") {
        return Err(refuse_other(media_type, members, "manifests"));
    }
    let config = descriptor(members.required("config")?, || "config".to_owned())?;
    Ok(Content::Image { config, layers: descriptors(members, "layers")? })
}

fn index(media_type: MediaType, members: &Members<'_>) -> Result<Content, ManifestError> {
    if let Some(other) = ["layers", "config"].into_iter().find(|name| members.has(name)) {
        return Err(refuse_other(media_type, members, other));
    }
    Ok(Content::Index { manifests: descriptors(members, "manifests")? })
}

fn refuse_other(media_type: MediaType, members: &Members<'_>, member: &'static str) -> ManifestError {
    let other = ["layers", "config"].into_iter().find(|name| members.has(name));
    match other {
        Some(other) if members.has("manifests") => ManifestError::Ambiguous { other },
        _ => ManifestError::WrongShape { media_type, member },
    }
}

fn descriptors(members: &Members<'_>, name: &'static str) -> Result<Vec<Descriptor>, ManifestError> {
    let elements = members.elements(name)?.ok_or(json::MemberError::Missing(name))?;
    if elements.len() > MAX_DESCRIPTORS {
        return Err(ManifestError::TooManyDescriptors { count: elements.len() });
    }
    let read = |(position, element): (usize, &&serde_json::value::RawValue)| {
        descriptor(element.get(), || format!("{name}[{position}]"))
    };
    elements.iter().enumerate().map(read).collect()
}

fn descriptor(text: &str, at: impl FnOnce() -> String) -> Result<Descriptor, ManifestError> {
    Descriptor::read(text).map_err(|source| ManifestError::BadDescriptor { at: at(), source })
}

/// Whoever adds up a manifest's sizes need not fear an overflow.
fn refuse_absurd_total(content: &Content) -> Result<(), ManifestError> {
    let (first, rest) = match content {
        Content::Image { config, layers } => (config.size, layers),
        Content::Index { manifests } => (0, manifests),
    };
    let total = rest.iter().try_fold(first, |total, descriptor| total.checked_add(descriptor.size));
    total.filter(|total| i64::try_from(*total).is_ok()).map(|_| ()).ok_or(ManifestError::TotalSize)
}

/// Spec: distribution-spec, "Listing Referrers".
fn artifact_type(members: &Members<'_>, content: &Content) -> Result<Option<String>, ManifestError> {
    match members.string("artifactType")?.filter(|text| !text.is_empty()) {
        Some(artifact_type) if is_well_formed(&artifact_type) => Ok(Some(artifact_type)),
        Some(_) => Err(ManifestError::ArtifactType),
        None => Ok(match content {
            Content::Image { config, .. } => Some(config.media_type.clone()),
            Content::Index { .. } => None,
        }),
    }
}
