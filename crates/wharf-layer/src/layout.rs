//! OCI layouts and docker archives as sources and sinks of content.
//!
//! What is read comes from strangers: only digests name files, links lead nowhere outside, documents are bounded, and
//! bytes are compared by whoever takes them. Nothing is unpacked.
//! Spec: image-spec, image-layout.md.

mod docker;
mod finish;
mod folder;
mod index;
mod pack;
mod packed;
mod place;
mod sink;
mod work;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::OnceCell;
use wharf_oci::ports::{BoxFuture, ByteStream, MAX_REFERRERS, TagStream};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest, Manifest, Reference, Source};

use self::folder::{Folder, INDEX, OCI_LAYOUT};
use self::index::Index;
use self::packed::Packed;
use self::place::Place;
pub use self::sink::LayoutSink;
use crate::blocking;
use crate::error::Error;

/// A layout or an archive that is read.
#[derive(Debug)]
pub struct Layout {
    name: String,
    store: Arc<Store>,
    index: Index,
    /// What refers to what: the layout does not say, so its manifests are read once.
    referrers: OnceCell<HashMap<Digest, Vec<Descriptor>>>,
}

#[derive(Debug)]
enum Store {
    Folder(Folder),
    Packed(Packed),
}

impl Store {
    fn find(&self, digest: &Digest) -> Result<Place, Error> {
        let found = match self {
            Self::Folder(folder) => folder.blob(digest)?,
            Self::Packed(packed) => packed.blob(digest),
        };
        found.ok_or(Error::NoContent { digest: *digest })
    }

    fn manifest(&self, digest: &Digest) -> Result<Bytes, Error> {
        self.find(digest)?.document()
    }
}

impl Layout {
    /// Opens an OCI layout in a folder.
    pub async fn open_folder(path: &Path) -> Result<Self, Error> {
        let (name, path) = (format!("oci:{}", path.display()), path.to_owned());
        blocking::run(move || {
            let folder = Folder::open(&path)?;
            if folder.document(OCI_LAYOUT)?.is_none() {
                return Err(Error::NotALayout);
            }
            let index = Index::parse(&folder.document(INDEX)?.ok_or(Error::NotALayout)?)?;
            Ok(Self::new(name, Store::Folder(folder), index))
        })
        .await
    }

    /// Opens an OCI layout in a tar archive.
    pub async fn open_archive(path: &Path) -> Result<Self, Error> {
        let (name, path) = (format!("oci-archive:{}", path.display()), path.to_owned());
        blocking::run(move || {
            let packed = Packed::open(&path)?;
            let index = packed_index(&packed)?.ok_or(Error::NotALayout)?;
            Ok(Self::new(name, Store::Packed(packed), index))
        })
        .await
    }

    /// Opens an archive that `docker save` or `podman save` made: with its manifests if they are there, and with
    /// manifests made for it if it is of the old kind.
    pub async fn open_docker_archive(path: &Path) -> Result<Self, Error> {
        let (name, path) = (format!("docker-archive:{}", path.display()), path.to_owned());
        blocking::run(move || {
            let mut packed = Packed::open(&path)?;
            let index = match packed_index(&packed)? {
                Some(index) => index,
                None => docker::read(&mut packed)?,
            };
            Ok(Self::new(name, Store::Packed(packed), index))
        })
        .await
    }

    fn new(name: String, store: Store, index: Index) -> Self {
        Self { name, store: Arc::new(store), index, referrers: OnceCell::new() }
    }

    async fn find_manifest(&self, reference: Option<&Reference>) -> Result<Descriptor, Error> {
        if let Some(descriptor) = self.index.find(reference)? {
            return Ok(descriptor);
        }
        let unknown = || Error::NoImage { reference: reference.cloned(), tags: self.index.tags() };
        let Some(Reference::Digest(digest)) = reference.cloned() else { return Err(unknown()) };
        let store = Arc::clone(&self.store);
        blocking::run(move || {
            let bytes = store.manifest(&digest)?;
            let manifest = Manifest::parse(None, &bytes).map_err(Error::Manifest)?;
            Ok(Descriptor::new(manifest.media_type.as_str(), digest, bytes.len() as u64))
        })
        .await
    }

    async fn find_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let (store, entries) = (Arc::clone(&self.store), self.index.entries().to_vec());
        let all = self.referrers.get_or_try_init(async || blocking::run(move || referrers(&store, &entries)).await);
        let mut found = all.await?.get(subject).cloned().unwrap_or_default();
        found.truncate(MAX_REFERRERS);
        Ok(found)
    }
}

fn packed_index(packed: &Packed) -> Result<Option<Index>, Error> {
    if packed.file(OCI_LAYOUT).is_none() {
        return Ok(None);
    }
    packed.document(INDEX)?.map(|bytes| Index::parse(&bytes)).transpose()
}

/// What refers to what, by the manifests that a layout lists.
fn referrers(store: &Store, entries: &[Descriptor]) -> Result<HashMap<Digest, Vec<Descriptor>>, Error> {
    let mut referrers: HashMap<Digest, Vec<Descriptor>> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.is_manifest()) {
        let bytes = match store.manifest(&entry.digest) {
            // Listed, and not there: it is missed by whoever wants it.
            Err(Error::NoContent { .. }) => continue,
            read => read?,
        };
        let manifest = Manifest::parse(Some(&entry.media_type), &bytes).map_err(Error::Manifest)?;
        let Some(subject) = &manifest.subject else { continue };
        let descriptor = manifest.descriptor(entry.digest, entry.size);
        let known = referrers.entry(subject.digest).or_default();
        if !known.contains(&descriptor) {
            known.push(descriptor);
        }
    }
    Ok(referrers)
}

impl Source for Layout {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async move { Ok(self.find_manifest(reference).await?) })
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        let (store, digest) = (Arc::clone(&self.store), descriptor.digest);
        Box::pin(async move { Ok(blocking::run(move || store.manifest(&digest)).await?) })
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        let (store, digest) = (Arc::clone(&self.store), descriptor.digest);
        Box::pin(async move {
            let place = blocking::run(move || store.find(&digest)).await?;
            if place.size() != descriptor.size {
                let message = format!("blob `{digest}` has {} bytes and not {}", place.size(), descriptor.size);
                return Err(ContentError::new(ContentErrorKind::Invalid, message));
            }
            Ok(place.stream(offset))
        })
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async move { Ok(self.find_referrers(subject).await?) })
    }

    fn tags(&self) -> TagStream<'_> {
        Box::pin(stream::iter(self.index.tags().into_iter().map(Ok)))
    }
}
