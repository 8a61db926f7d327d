//! Writing layouts and archives.
//!
//! Blobs are written beside their place and renamed into it when their digest is right, and `index.json` is replaced at
//! the end: who reads a layout meanwhile sees it before or after, never in between. An archive is made of a folder that
//! lies beside it until then.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use wharf_oci::ports::{Arrival, BoxFuture, Progress};
use wharf_oci::{ContentError, Descriptor, Digest, Manifest, Sink, Source, Tag};

use super::finish::{self, Listed};
use super::folder::{Folder, NewFile};
use super::work::Work;
use crate::blocking;
use crate::error::Error;
use crate::feed::{Pieces, feed};

/// What a sink makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Folder,
    Archive,
    Docker { repository: Option<String> },
}

/// A layout or an archive that is written to.
#[derive(Debug)]
pub struct LayoutSink {
    name: String,
    work: Work,
    form: Form,
    put: Mutex<Put>,
}

/// What has come.
#[derive(Debug, Default)]
struct Put {
    blobs: BTreeSet<Digest>,
    manifests: Vec<Listed>,
}

impl LayoutSink {
    /// An OCI layout in a folder, which is made, or extended if it is one already.
    pub fn folder(path: &Path) -> Result<Self, Error> {
        let work = Work::in_place(path)?;
        Ok(Self::new(format!("oci:{}", path.display()), work, Form::Folder))
    }

    /// An OCI layout in a tar archive, which takes the place of one that is there.
    pub fn archive(path: &Path) -> Result<Self, Error> {
        Ok(Self::new(format!("oci-archive:{}", path.display()), Work::beside(path)?, Form::Archive))
    }

    /// An archive that `docker load` and `podman load` take, in the place of one that is there. Its images are called
    /// `repository`, with their tags; without it they have no names.
    pub fn docker_archive(path: &Path, repository: Option<String>) -> Result<Self, Error> {
        let name = format!("docker-archive:{}", path.display());
        Ok(Self::new(name, Work::beside(path)?, Form::Docker { repository }))
    }

    fn new(name: String, work: Work, form: Form) -> Self {
        Self { name, work, form, put: Mutex::default() }
    }

    async fn has(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        let (folder, digest, size) = (self.work.folder().clone(), descriptor.digest, descriptor.size);
        blocking::run(move || Ok(folder.blob(&digest)?.is_some_and(|place| place.size() == size))).await
    }

    async fn put(
        &self,
        descriptor: &Descriptor,
        source: &dyn Source,
        progress: Progress<'_>,
    ) -> Result<Arrival, Error> {
        if self.has(descriptor).await? {
            self.note(descriptor.digest);
            return Ok(Arrival::Existed);
        }
        let folder = self.work.folder().clone();
        let file = feed(descriptor, source, progress, move |pieces| write(&folder, pieces)).await?;
        let digest = descriptor.digest;
        blocking::run(move || file.place_blob(&digest)).await?;
        self.note(digest);
        Ok(Arrival::Copied)
    }

    fn note(&self, digest: Digest) {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).blobs.insert(digest);
    }

    async fn put_document(&self, descriptor: &Descriptor, bytes: Bytes, tags: &[Tag]) -> Result<(), Error> {
        let manifest = Manifest::parse(Some(&descriptor.media_type), &bytes).map_err(Error::Manifest)?;
        if matches!(self.form, Form::Docker { .. }) && manifest.media_type.is_index() {
            return Err(Error::IndexInDockerArchive);
        }
        let (folder, digest) = (self.work.folder().clone(), descriptor.digest);
        blocking::run(move || {
            let mut file = folder.new_file()?;
            file.file().write_all(&bytes).map_err(|source| file.failed(source))?;
            file.place_blob(&digest)
        })
        .await?;
        self.note(digest);
        let listed = Listed { descriptor: descriptor.clone(), manifest, tags: tags.to_vec() };
        self.put.lock().unwrap_or_else(PoisonError::into_inner).manifests.push(listed);
        Ok(())
    }

    async fn complete(&self) -> Result<(), Error> {
        let put = std::mem::take(&mut *self.put.lock().unwrap_or_else(PoisonError::into_inner));
        let (folder, form) = (self.work.folder().clone(), self.form.clone());
        let target = self.work.target().map(PathBuf::from);
        blocking::run(move || match target {
            None => finish::extend(&folder, &put.manifests),
            Some(target) => finish::pack(&folder, &form, &put.blobs, &put.manifests, &target),
        })
        .await
    }
}

/// Writes a blob's bytes. The file is complete, and nowhere yet. Blocks.
fn write(folder: &Folder, mut pieces: Pieces) -> Result<NewFile, Error> {
    let mut file = folder.new_file()?;
    while let Some(piece) = pieces.next_piece()? {
        file.file().write_all(&piece).map_err(|source| file.failed(source))?;
    }
    Ok(file)
}

impl Sink for LayoutSink {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn has_blob<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        Box::pin(async { Ok(self.has(descriptor).await?) })
    }

    fn has_manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        self.has_blob(descriptor)
    }

    fn put_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        source: &'a dyn Source,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Arrival, ContentError>> {
        Box::pin(async move { Ok(self.put(descriptor, source, progress).await?) })
    }

    fn put_manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        bytes: Bytes,
        tags: &'a [Tag],
    ) -> BoxFuture<'a, Result<(), ContentError>> {
        Box::pin(async move { Ok(self.put_document(descriptor, bytes, tags).await?) })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), ContentError>> {
        Box::pin(async { Ok(self.complete().await?) })
    }
}
