//! Artifacts: any files as the layers of a manifest, as oras and helm write them, and back into files.
//!
//! An [`Artifact`] is a source of content: pushing it is a copy. Its files are read twice, once for their digests and once
//! when they are sent; what changes in between is noticed by whoever compares digests.
//! Spec: image-spec, manifest.md, "Guidelines for Artifact Usage".

mod file;
mod save;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use wharf_oci::media_type::OCI_EMPTY;
use wharf_oci::ports::{BoxFuture, ByteStream, TagStream};
use wharf_oci::{Algorithm, ContentError, ContentErrorKind, Descriptor, Digest, MediaType, Reference, Source};

use self::file::File;
pub use self::save::{Saved, save};

/// What a file is called in an artifact.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The type of a file of which nothing is said.
pub const DEFAULT_FILE_TYPE: &str = "application/octet-stream";

/// What an artifact is made of.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// What it is; `None` leaves that to the config's type.
    pub artifact_type: Option<String>,
    /// Type and bytes of the config; the empty one by default.
    pub config: Option<(String, Bytes)>,
    /// The files.
    pub files: Vec<Part>,
    /// Free notes on the whole.
    pub annotations: BTreeMap<String, String>,
}

/// One file of an artifact.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub media_type: String,
    /// What it is called; a name, not a path. `None` leaves it unnamed.
    pub title: Option<String>,
}

/// Files as a manifest and its blobs.
#[derive(Debug)]
pub struct Artifact {
    descriptor: Descriptor,
    manifest: Bytes,
    contents: BTreeMap<Digest, Content>,
}

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u8,
    media_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl Artifact {
    /// Reads the files and describes them. An artifact without files has one empty layer, which the specification wants.
    pub async fn of(parts: Parts) -> Result<Self, ContentError> {
        let (config_type, config) = parts.config.unwrap_or_else(|| (OCI_EMPTY.to_owned(), Bytes::from_static(b"{}")));
        let describe = |media_type: &str, bytes: &Bytes| {
            Descriptor::new(media_type, Digest::of(Algorithm::Sha256, bytes), bytes.len() as u64)
        };
        let config_descriptor = describe(&config_type, &config);
        let mut contents = BTreeMap::from([(config_descriptor.digest, Content::Bytes(config))]);
        let mut layers = Vec::new();
        for part in parts.files {
            let (digest, size) = File(part.path.clone()).digest().await?;
            let mut layer = Descriptor::new(part.media_type, digest, size);
            layer.annotations.extend(part.title.map(|title| (TITLE.to_owned(), title)));
            contents.entry(digest).or_insert(Content::File(part.path));
            layers.push(layer);
        }
        if layers.is_empty() {
            let empty = Bytes::from_static(b"{}");
            layers.push(describe(OCI_EMPTY, &empty));
            contents.insert(layers[0].digest, Content::Bytes(empty));
        }
        let document = Document {
            schema_version: 2,
            media_type: MediaType::OciManifest.as_str(),
            artifact_type: parts.artifact_type.as_deref(),
            config: &config_descriptor,
            layers: &layers,
            annotations: &parts.annotations,
        };
        let manifest = serde_json::to_vec(&document).expect("texts, numbers and maps by text are always JSON");
        let manifest = Bytes::from(manifest);
        Ok(Self { descriptor: describe(MediaType::OciManifest.as_str(), &manifest), manifest, contents })
    }

    fn unknown(digest: &Digest) -> ContentError {
        ContentError::new(ContentErrorKind::NotFound, format!("the artifact has no `{digest}`"))
    }
}

impl Source for Artifact {
    fn describe(&self) -> String {
        "the files".to_owned()
    }

    fn resolve<'a>(&'a self, _: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        let is_own = descriptor.digest == self.descriptor.digest;
        Box::pin(async move { if is_own { Ok(self.manifest.clone()) } else { Err(Self::unknown(&descriptor.digest)) } })
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        Box::pin(async move {
            match self.contents.get(&descriptor.digest) {
                Some(Content::Bytes(bytes)) => {
                    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                    let rest = bytes.slice(start..);
                    Ok(Box::pin(stream::once(async { Ok(rest) })) as ByteStream)
                }
                Some(Content::File(path)) => Ok(File(path.clone()).stream(offset)),
                None => Err(Self::unknown(&descriptor.digest)),
            }
        })
    }

    fn referrers<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn tags(&self) -> TagStream<'_> {
        Box::pin(stream::empty())
    }
}
