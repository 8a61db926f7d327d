//! Images: names, manifests and configs, and how an image's layers become a snapshot.

mod store;

use bytes::Bytes;
use wharf_layer::LayoutSink;
use wharf_oci::ports::{Arrival, BoxFuture, Progress};
use wharf_oci::{Algorithm, Content, ContentError, Descriptor, Digest, ImageConfig, Manifest, Sink, Source, Tag};

use crate::error::Error;
use crate::images::{Images, blocking};
use crate::snapshot::Snapshot;

/// The config of an image, as parsed and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its digest and size.
    pub descriptor: Descriptor,
    /// What it says.
    pub document: ImageConfig,
}

/// An image for one platform whose content is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its manifest.
    pub descriptor: Descriptor,
    /// Its config.
    pub config: Config,
    /// Its layers' blobs, the lowest first.
    pub layers: Vec<Descriptor>,
}

/// A name and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The full name with its tag.
    pub name: String,
    /// The manifest or index.
    pub descriptor: Descriptor,
}

/// Takes what is copied here.
#[derive(Debug)]
pub struct LocalSink {
    images: Images,
    layout: LayoutSink,
    /// What its images are called, up to the tag.
    repository: String,
}

impl Images {
    /// What a name with a tag points to.
    pub async fn find(&self, name: &str) -> Result<Option<Descriptor>, Error> {
        store::find(self.db(), name).await
    }

    /// All names.
    pub async fn names(&self) -> Result<Vec<Named>, Error> {
        store::list(self.db()).await
    }

    /// Points a name to a manifest or an index that is here.
    pub async fn name(&self, name: &str, to: &Descriptor) -> Result<(), Error> {
        store::put(self.db(), name, to).await
    }

    /// Forgets a name; whether it was there. The content goes with the next collection.
    pub async fn unname(&self, name: &str) -> Result<bool, Error> {
        store::delete(self.db(), name).await
    }

    /// A sink that keeps what is copied, and calls it `repository:tag`.
    pub fn sink(&self, repository: &str) -> Result<LocalSink, Error> {
        let layout = LayoutSink::folder(&self.session().content())?;
        Ok(LocalSink { images: self.clone(), layout, repository: repository.to_owned() })
    }

    /// The manifest that a descriptor names.
    pub async fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest, Error> {
        let bytes = self.source().manifest(descriptor).await?;
        Manifest::parse(None, &bytes).map_err(|source| Error::Manifest { digest: descriptor.digest, source })
    }

    /// The image that a manifest describes.
    pub async fn image(&self, descriptor: &Descriptor) -> Result<Image, Error> {
        let digest = descriptor.digest;
        let Content::Image { config, layers } = self.manifest(descriptor).await?.content else {
            return Err(Error::NotAnImage { digest, reason: "it is a list of platforms" });
        };
        let bytes = self.document(&config.digest).await?;
        let refused = |source| Error::Config { digest: config.digest, source };
        let document = ImageConfig::parse(&bytes).map_err(refused)?;
        if document.rootfs.diff_ids.len() != layers.len() {
            return Err(Error::NotAnImage { digest, reason: "its config has another number of layers" });
        }
        Ok(Image { descriptor: descriptor.clone(), config: Config { descriptor: config, document }, layers })
    }

    /// The bytes of a small blob, compared with its digest.
    pub async fn document(&self, digest: &Digest) -> Result<Bytes, Error> {
        let (path, digest) = (self.blob_path(digest), *digest);
        blocking(move || {
            let bytes = std::fs::read(&path).map_err(|source| Error::file("read", &path, source))?;
            match digest.matches(&bytes) {
                true => Ok(bytes.into()),
                false => Err(Error::DiffId { found: Digest::of(Algorithm::Sha256, &bytes), expected: digest }),
            }
        })
        .await
    }

    /// Keeps a document as a blob.
    pub async fn put_document(&self, media_type: &str, bytes: Vec<u8>) -> Result<Descriptor, Error> {
        let descriptor = Descriptor::new(media_type, Digest::of(Algorithm::Sha256, &bytes), bytes.len() as u64);
        let (path, scratch) = (self.blob_path(&descriptor.digest), self.session().scratch());
        blocking(move || {
            if std::fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
                return Ok(());
            }
            std::fs::write(&scratch, &bytes).map_err(|source| Error::file("write", &scratch, source))?;
            std::fs::rename(&scratch, &path).map_err(|source| Error::file("place a blob as", &path, source))
        })
        .await?;
        Ok(descriptor)
    }

    /// The file system of an image; its layers are unpacked where they are not yet.
    pub async fn unpacked(&self, image: &Image) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot::default();
        for (layer, diff_id) in image.layers.iter().zip(&image.config.document.rootfs.diff_ids) {
            snapshot = self.unpack(&snapshot, layer, diff_id).await?;
            self.note_blob(diff_id, layer).await?;
        }
        Ok(snapshot)
    }
}

impl Sink for LocalSink {
    fn describe(&self) -> String {
        self.repository.clone()
    }

    fn has_blob<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        self.layout.has_blob(descriptor)
    }

    fn has_manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        self.layout.has_manifest(descriptor)
    }

    fn put_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        source: &'a dyn Source,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Arrival, ContentError>> {
        self.layout.put_blob(descriptor, source, progress)
    }

    fn put_manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        bytes: Bytes,
        tags: &'a [Tag],
    ) -> BoxFuture<'a, Result<(), ContentError>> {
        Box::pin(async move {
            self.layout.put_manifest(descriptor, bytes, &[]).await?;
            for tag in tags {
                let named = self.images.name(&format!("{}:{tag}", self.repository), descriptor).await;
                named.map_err(|error| {
                    ContentError::caused(wharf_oci::ContentErrorKind::Internal, "cannot name the image", error)
                })?;
            }
            Ok(())
        })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), ContentError>> {
        Box::pin(async { Ok(()) })
    }
}
