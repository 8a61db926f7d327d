//! Small images in memory, as a source that can be told to break.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures_util::stream;
use wharf_layer::LayoutSink;
use wharf_oci::ports::{Arrival, BoxFuture, ByteStream, TagStream};
use wharf_oci::{
    Algorithm, ContentError, ContentErrorKind, Descriptor, Digest, MediaType, Reference, Sink, Source, Tag,
};

use crate::tarball::{PLAIN, Tarball, hex};

pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Content by its digest.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    content: HashMap<Digest, Bytes>,
    /// How often a stream still breaks off after half of what is left.
    pub(crate) breaks: AtomicU32,
}

/// An image: its manifest and what that names.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) manifest: Descriptor,
    pub(crate) blobs: Vec<Descriptor>,
}

impl Memory {
    pub(crate) fn add(&mut self, media_type: &str, content: impl Into<Bytes>) -> Descriptor {
        let content = content.into();
        let descriptor = Descriptor::new(media_type, Digest::of(Algorithm::Sha256, &content), content.len() as u64);
        self.content.insert(descriptor.digest, content);
        descriptor
    }

    pub(crate) fn bytes(&self, descriptor: &Descriptor) -> Bytes {
        self.content[&descriptor.digest].clone()
    }

    /// An image with one layer that has one file with this content.
    pub(crate) fn image(&mut self, content: &str) -> Image {
        let layer = Tarball::default().file("file", content.as_bytes()).end();
        let diff_id = format!("sha256:{}", hex(Digest::of(Algorithm::Sha256, &layer).hash()));
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "config": {}, "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "test" }],
        });
        let config = self.add(CONFIG, config.to_string());
        let layer = self.add(PLAIN, layer);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MediaType::OciManifest.as_str(), "config": config, "layers": [layer],
        });
        let manifest = self.add(MediaType::OciManifest.as_str(), manifest.to_string());
        Image { manifest, blobs: vec![config, layer] }
    }

    /// A list of images.
    pub(crate) fn index(&mut self, images: &[&Image]) -> Descriptor {
        let manifests: Vec<_> = images.iter().map(|image| &image.manifest).collect();
        let media_type = MediaType::OciIndex.as_str();
        let index = serde_json::json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
        self.add(media_type, index.to_string())
    }

    /// Puts an image's blobs and its manifest.
    pub(crate) async fn put(&self, sink: &LayoutSink, image: &Image, tags: &[&str]) {
        for blob in &image.blobs {
            self.put_blob(sink, blob).await.expect("is put");
        }
        self.put_manifest(sink, &image.manifest, tags).await.expect("is put");
    }

    pub(crate) async fn put_blob(&self, sink: &LayoutSink, blob: &Descriptor) -> Result<Arrival, ContentError> {
        sink.put_blob(blob, self, &|_| {}).await
    }

    pub(crate) async fn put_manifest(
        &self,
        sink: &LayoutSink,
        manifest: &Descriptor,
        tags: &[&str],
    ) -> Result<(), ContentError> {
        let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().expect("a tag")).collect();
        sink.put_manifest(manifest, self.bytes(manifest), &tags).await
    }
}

impl Source for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn resolve<'a>(&'a self, _: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async { Err(ContentError::new(ContentErrorKind::NotFound, "memory has no names")) })
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        Box::pin(async { Ok(self.bytes(descriptor)) })
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        let content = self.bytes(descriptor).slice(usize::try_from(offset).expect("small")..);
        let breaks = self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        Box::pin(async move {
            let half = content.slice(..content.len() / 2);
            let broken = || Err(ContentError::new(ContentErrorKind::Unavailable, "the line broke"));
            let pieces =
                if breaks { vec![Ok(half), broken()] } else { vec![Ok(half.clone()), Ok(content.slice(half.len()..))] };
            Ok(Box::pin(stream::iter(pieces)) as ByteStream)
        })
    }

    fn referrers<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn tags(&self) -> TagStream<'_> {
        Box::pin(stream::empty())
    }
}

pub(crate) fn tagged(tag: &str) -> Reference {
    Reference::Tag(tag.parse().expect("a tag"))
}
