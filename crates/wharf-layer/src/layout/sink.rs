//! Writing layouts and archives.
//!
//! Blobs are written beside their place and renamed into it when their digest is right, and `index.json` is replaced at
//! the end: who reads a layout meanwhile sees it before or after, never in between. An archive is made of a folder that
//! lies beside it until then.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use wharf_oci::ports::{Arrival, BoxFuture, Progress, Verifier};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest, Manifest, Sink, Source, Tag};

use super::finish::{self, Listed};
use super::folder::{Folder, NewFile};
use super::work::Work;
use crate::blocking;
use crate::error::Error;

/// How often a source is opened anew that gives no byte in between.
const MAX_TRIES: u32 = 5;
/// How long to wait before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How many pieces wait for the disk.
const AHEAD: usize = 4;

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
    ) -> Result<Arrival, ContentError> {
        if self.has(descriptor).await? {
            self.note(descriptor.digest);
            return Ok(Arrival::Existed);
        }
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (folder, wanted) = (self.work.folder().clone(), descriptor.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &wanted, receiver));
        let sent = send(descriptor, source, progress, sender).await;
        let written = written.await.map_err(|_| Error::Stopped)?;
        // What the disk or the digest says comes before what the source says: it may be why nobody takes its bytes.
        let file = match (written, sent) {
            (Ok(file), Ok(())) => file,
            (Err(error), _) | (Ok(_), Err(error)) => return Err(error),
        };
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

/// Gives a blob's bytes to who writes them, from as many openings of the source as it takes.
async fn send(
    descriptor: &Descriptor,
    source: &dyn Source,
    progress: Progress<'_>,
    sender: mpsc::Sender<(u64, Bytes)>,
) -> Result<(), ContentError> {
    let (mut position, mut tries) = (0, 0);
    loop {
        let before = position;
        match send_once(descriptor, source, progress, (&sender, &mut position)).await {
            Err(error) if error.kind == ContentErrorKind::Unavailable => {
                tries = if position > before { 1 } else { tries + 1 };
                if tries == MAX_TRIES {
                    return Err(error);
                }
                tokio::time::sleep(FIRST_PAUSE * (1 << (tries - 1))).await;
            }
            outcome => return outcome,
        }
    }
}

/// Sends what the source gives from `position` on, and moves it.
async fn send_once(
    descriptor: &Descriptor,
    source: &dyn Source,
    progress: Progress<'_>,
    (sender, position): (&mpsc::Sender<(u64, Bytes)>, &mut u64),
) -> Result<(), ContentError> {
    let mut stream = source.blob(descriptor, *position).await?;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        let count = piece.len() as u64;
        // Whoever writes has ended, and says why.
        if sender.send((*position, piece)).await.is_err() {
            return Ok(());
        }
        *position += count;
        progress(*position);
    }
    Ok(())
}

/// Writes and compares a blob's bytes. The file is complete, and nowhere yet. Blocks.
fn write(
    folder: &Folder,
    wanted: &Descriptor,
    mut pieces: mpsc::Receiver<(u64, Bytes)>,
) -> Result<NewFile, ContentError> {
    let mut file = folder.new_file()?;
    let mut verifier = Verifier::new(wanted);
    while let Some((offset, piece)) = pieces.blocking_recv() {
        verifier.update(offset, &piece)?;
        file.file().write_all(&piece).map_err(|source| file.failed(source))?;
    }
    verifier.finish()?;
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
        Box::pin(self.put(descriptor, source, progress))
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
