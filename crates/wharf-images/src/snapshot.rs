//! Snapshots: file systems made of unpacked layers, and drafts, in which the next layer is made.
//!
//! A layer's folder is called by the ChainID up to it and never changes. A [`Draft`] shows the layers below and takes
//! changes; committing it makes its upper folder the next layer, by a rename.
//! Spec: image-spec, config.md, "Layer ChainID".

pub(crate) mod store;

use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;

use wharf_layer::{Compression, Packed, Packer, Writer};
use wharf_oci::{Algorithm, Descriptor, Digest};

use crate::error::Error;
use crate::images::{Images, blocking};
use crate::overlay::{self, Upper};
use crate::pack::{self, Clamp};
use crate::root::{self, Root};
use crate::session::Session;
use crate::unpack;

const BUFFER_BYTES: usize = 1024 * 1024;

/// One unpacked layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The ChainID up to it.
    pub chain: Digest,
    /// The digest of its uncompressed archive.
    pub diff_id: Digest,
    /// The size of that archive.
    pub diff_bytes: u64,
}

/// A file system: layers on each other, the lowest first. None is the empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The layers.
    pub layers: Vec<Layer>,
}

impl Snapshot {
    /// The ChainID; the empty file system has none.
    pub fn chain(&self) -> Option<Digest> {
        self.layers.last().map(|layer| layer.chain)
    }

    fn with(&self, layer: Layer) -> Self {
        let mut layers = self.layers.clone();
        layers.push(layer);
        Self { layers }
    }
}

/// The ChainID of a layer on a chain.
pub fn chain_id(parent: Option<&Digest>, diff_id: &Digest) -> Digest {
    match parent {
        None => *diff_id,
        Some(parent) => Digest::of(Algorithm::Sha256, format!("{parent} {diff_id}").as_bytes()),
    }
}

/// A layer in the making, over a snapshot.
#[derive(Debug)]
pub struct Draft {
    parent: Snapshot,
    lowers: Vec<PathBuf>,
    upper: Upper,
    _folder: Scratch,
    /// Its folder goes with the session.
    _session: Arc<Session>,
}

impl Draft {
    /// The folders below, the lowest first.
    pub fn lowers(&self) -> &[PathBuf] {
        &self.lowers
    }

    /// Where changes go.
    pub fn upper(&self) -> &Upper {
        &self.upper
    }

    /// The file system as it will be, to be changed. Blocks shortly.
    pub fn root(&self) -> Result<Root, Error> {
        if self.lowers.is_empty() {
            return Root::open(&self.upper.upper).map_err(|source| Error::file("open", &self.upper.upper, source));
        }
        overlay::mount(&self.lowers, &self.upper).map(Root::new)
    }

    /// Makes the changes a layer; where there are none, the snapshot is the one below. No mount of it may be left.
    /// Blocks.
    fn pack(&self, clamp: Option<Clamp>) -> Result<Option<(Packed, u64)>, Error> {
        let upper = Root::open(&self.upper.upper).map_err(|source| Error::file("open", &self.upper.upper, source))?;
        let (packed, written) = archive(&upper, io::sink(), Compression::Plain, clamp)?;
        Ok((written > 0).then_some((packed, written)))
    }
}

/// A folder that goes when it is dropped.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = root::remove_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "an unfinished layer stays until the next build");
        }
    }
}

/// Writes a folder as a layer. Blocks.
fn archive(
    folder: &Root,
    output: impl io::Write,
    compression: Compression,
    clamp: Option<Clamp>,
) -> Result<(Packed, u64), Error> {
    let packer = Packer::new(output, compression).map_err(Error::WriteLayer)?;
    let mut writer = Writer::new(BufWriter::with_capacity(BUFFER_BYTES, packer));
    let written = pack::pack(folder, &mut writer, clamp)?;
    let packer = writer.finish().and_then(|writer| writer.into_inner().map_err(io::IntoInnerError::into_error));
    let (packed, _) = packer.and_then(Packer::finish).map_err(Error::WriteLayer)?;
    Ok((packed, written.entries))
}

impl Images {
    /// The file system that ends a chain, if all of it is there.
    pub async fn snapshot(&self, chain: &Digest) -> Result<Option<Snapshot>, Error> {
        let layers = store::chain(self.db(), chain).await?;
        let is_there = !layers.is_empty() && layers.iter().all(|layer| self.layer_folder(&layer.chain).is_dir());
        Ok(is_there.then_some(Snapshot { layers }))
    }

    /// Notes that file systems were used, so that collection takes others first.
    pub async fn touch(&self, chains: &[Digest]) -> Result<(), Error> {
        store::touch(self.db(), chains).await
    }

    /// Where a layer is unpacked.
    pub fn layer_folder(&self, chain: &Digest) -> PathBuf {
        self.session().snapshots().join(chain.hex())
    }

    /// The folders of a snapshot, the lowest first.
    pub fn folders(&self, snapshot: &Snapshot) -> Vec<PathBuf> {
        snapshot.layers.iter().map(|layer| self.layer_folder(&layer.chain)).collect()
    }

    /// A snapshot for reading. Blocks shortly.
    pub fn read(&self, snapshot: &Snapshot) -> Result<Root, Error> {
        if !snapshot.layers.is_empty() {
            return overlay::mount_read_only(&self.folders(snapshot)).map(Root::new);
        }
        let folder = self.session().scratch();
        std::fs::create_dir(&folder).map_err(|source| Error::file("make", &folder, source))?;
        Root::open(&folder).map_err(|source| Error::file("open", &folder, source))
    }

    /// Writes a snapshot as one archive, as it is. Blocks.
    pub fn archive(&self, snapshot: &Snapshot, output: impl io::Write) -> Result<(), Error> {
        let root = self.read(snapshot)?;
        let mut writer = Writer::new(BufWriter::with_capacity(BUFFER_BYTES, output));
        pack::pack(&root, &mut writer, None)?;
        let finished = writer.finish().and_then(|writer| writer.into_inner().map_err(io::IntoInnerError::into_error));
        finished.map(drop).map_err(Error::WriteLayer)
    }

    /// Begins a layer over a snapshot. Blocks shortly.
    pub fn draft(&self, parent: &Snapshot) -> Result<Draft, Error> {
        let folder = self.session().scratch();
        let upper = overlay::make_upper(&folder)?;
        let (lowers, parent) = (self.folders(parent), parent.clone());
        Ok(Draft { parent, lowers, upper, _folder: Scratch(folder), _session: Arc::clone(self.session()) })
    }

    /// Begins a layer that goes over a snapshot, without seeing it. Blocks shortly.
    pub fn draft_apart(&self, parent: &Snapshot) -> Result<Draft, Error> {
        let draft = self.draft(&Snapshot::default())?;
        Ok(Draft { parent: parent.clone(), ..draft })
    }

    /// Makes a draft's changes a layer; where there are none, the snapshot is the one below. No mount of it may be left.
    pub async fn commit(&self, draft: Draft, clamp: Option<Clamp>) -> Result<Snapshot, Error> {
        let (draft, packed) = blocking(move || draft.pack(clamp).map(|packed| (draft, packed))).await?;
        match packed {
            None => Ok(draft.parent.clone()),
            Some((packed, inodes)) => self.place(&draft, packed, inodes).await,
        }
    }

    async fn place(&self, draft: &Draft, packed: Packed, inodes: u64) -> Result<Snapshot, Error> {
        let parent = draft.parent.chain();
        let chain = chain_id(parent.as_ref(), &packed.diff_id);
        let layer = Layer { chain, diff_id: packed.diff_id, diff_bytes: packed.diff_bytes };
        let target = self.layer_folder(&chain);
        match std::fs::rename(&draft.upper.upper, &target) {
            // Somebody else has made the same.
            Err(_) if target.is_dir() => {}
            Err(source) => return Err(Error::file("place a layer as", &target, source)),
            Ok(()) => {}
        }
        store::put(self.db(), &layer, parent.as_ref(), inodes).await?;
        Ok(draft.parent.with(layer))
    }

    /// Unpacks a blob as the next layer, which must be what the config says.
    pub async fn unpack(&self, parent: &Snapshot, blob: &Descriptor, diff_id: &Digest) -> Result<Snapshot, Error> {
        let chain = chain_id(parent.chain().as_ref(), diff_id);
        if let Some(known) = self.snapshot(&chain).await? {
            return Ok(known);
        }
        let draft = self.draft(parent)?;
        let (path, media_type, expected) = (self.blob_path(&blob.digest), blob.media_type.clone(), *diff_id);
        let (draft, packed, inodes) = blocking(move || {
            let found =
                open(&path).and_then(|file| Ok(wharf_layer::DiffId::read(file, wharf_layer::Limits::default())?))?;
            if found.digest != expected {
                return Err(Error::DiffId { found: found.digest, expected });
            }
            let root = draft.root()?;
            unpack::unpack(open(&path)?, &media_type, &root)?;
            drop(root);
            let (diff_id, diff_bytes) = (found.digest, found.size_bytes);
            let inodes = count(&draft)?;
            Ok((draft, Packed { diff_id, diff_bytes, digest: diff_id, size_bytes: diff_bytes }, inodes))
        })
        .await?;
        self.place(&draft, packed, inodes).await
    }

    /// A layer as a blob of the content, in this compression; made from its folder where it is not there yet.
    pub async fn layer_blob(&self, layer: &Layer, compression: Compression) -> Result<Descriptor, Error> {
        if let Some(known) = self.known_blob(layer, compression).await? {
            return Ok(known);
        }
        let (folder, scratch, expected) = (self.layer_folder(&layer.chain), self.session().scratch(), layer.diff_id);
        let blobs = self.session().content().join("blobs").join("sha256");
        let packed = blocking(move || {
            let root = Root::open(&folder).map_err(|source| Error::file("open", &folder, source))?;
            let file = std::fs::File::create_new(&scratch).map_err(|source| Error::file("make", &scratch, source))?;
            let (packed, _) = archive(&root, file, compression, None)?;
            if packed.diff_id != expected {
                return Err(Error::DiffId { found: packed.diff_id, expected });
            }
            let target = blobs.join(packed.digest.hex());
            std::fs::rename(&scratch, &target).map_err(|source| Error::file("place a blob as", &target, source))?;
            Ok(packed)
        })
        .await?;
        store::put_blob(self.db(), &layer.diff_id, compression, (&packed.digest, packed.size_bytes)).await?;
        Ok(Descriptor::new(media_type(compression), packed.digest, packed.size_bytes))
    }

    /// A blob that is this layer, if the content has one in this compression.
    async fn known_blob(&self, layer: &Layer, compression: Compression) -> Result<Option<Descriptor>, Error> {
        let Some((digest, size)) = store::blob(self.db(), &layer.diff_id, compression).await? else { return Ok(None) };
        let is_there = std::fs::metadata(self.blob_path(&digest)).is_ok_and(|there| there.len() == size);
        Ok(is_there.then(|| Descriptor::new(media_type(compression), digest, size)))
    }

    /// Notes that a blob is a layer in some compression.
    pub(crate) async fn note_blob(&self, diff_id: &Digest, blob: &Descriptor) -> Result<(), Error> {
        use wharf_layer::compression::Said;
        let compression = match Compression::of_media_type(&blob.media_type) {
            Some(Said::Exactly(compression)) => compression,
            Some(Said::Any) => Compression::Gzip,
            None => return Ok(()),
        };
        store::put_blob(self.db(), diff_id, compression, (&blob.digest, blob.size)).await
    }
}

/// How many inodes a draft's changes are.
fn count(draft: &Draft) -> Result<u64, Error> {
    let upper = Root::open(&draft.upper.upper).map_err(|source| Error::file("open", &draft.upper.upper, source))?;
    root::weigh(upper.fd())
        .map(|weight| weight.inodes)
        .map_err(|source| Error::file("count what is in", &draft.upper.upper, source))
}

fn open(path: &std::path::Path) -> Result<Box<dyn io::Read>, Error> {
    let file = std::fs::File::open(path).map_err(|source| Error::file("open", path, source))?;
    Ok(Box::new(file))
}

fn media_type(compression: Compression) -> &'static str {
    match compression {
        Compression::Plain => "application/vnd.oci.image.layer.v1.tar",
        Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    }
}
