//! Results of builds that go to other machines: a document of keys and the layers that they lead to, and these layers.
//!
//! It lies in a registry or a layout like an image. Keys depend on content alone, so that they are the same everywhere;
//! what comes from elsewhere is believed as far as whoever may write there is believed: its layers are compared with the
//! digests that the document states, but not with what the instruction would have made.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wharf_client::copy::{Options, copy};
use wharf_images::{Images, Snapshot};
use wharf_layer::Compression;
use wharf_oci::{Content, Descriptor, Digest, Manifest, MediaType, Reference, Sink, Source, Tag};

use crate::error::Error;
use crate::graph::told;
use crate::solve::Solved;

const CONFIG: &str = "application/vnd.wharf.build.cache.config.v1+json";
/// No document is larger.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
const JOBS: usize = 4;

/// What of a build goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What led to the image.
    Min,
    /// Everything.
    Max,
}

/// What is written.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    results: Vec<Outcome>,
    blobs: Vec<Blob>,
}

/// One key, and the layers that it leads to, the lowest first.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    key: Digest,
    layers: Vec<Digest>,
}

/// Which blob is a layer.
#[derive(Debug, Serialize, Deserialize)]
struct Blob {
    layer: Digest,
    blob: Digest,
}

/// Results of other machines.
pub struct Imported {
    source: Arc<dyn Source>,
    results: HashMap<Digest, Vec<Digest>>,
    blobs: HashMap<Digest, Descriptor>,
}

impl std::fmt::Debug for Imported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imported")
            .field("source", &self.source)
            .field("results", &self.results.len())
            .finish_non_exhaustive()
    }
}

impl Imported {
    /// Reads what a source has.
    pub async fn open(images: &Images, source: Arc<dyn Source>, reference: Option<&Reference>) -> Result<Self, Error> {
        let root = source.resolve(reference).await?;
        let bytes = source.manifest(&root).await?;
        let refused = |reason: &str| Error::Invalid(format!("{} has no cache of builds: {reason}", source.describe()));
        if !root.digest.matches(&bytes) {
            return Err(refused("its manifest has another digest"));
        }
        let manifest = Manifest::parse(None, &bytes).map_err(|error| refused(&error.to_string()))?;
        let Content::Image { config, layers } = manifest.content else { return Err(refused("it is a list")) };
        if config.media_type != CONFIG || config.size > MAX_BYTES {
            return Err(refused("it is something else"));
        }
        let sink = images.sink("cache")?;
        sink.put_blob(&config, &*source, &|_| {}).await?;
        let bytes = images.document(&config.digest).await?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| refused(&error.to_string()))?;
        let by_digest: HashMap<Digest, Descriptor> = layers.into_iter().map(|blob| (blob.digest, blob)).collect();
        let blobs =
            document.blobs.iter().filter_map(|blob| Some((blob.layer, by_digest.get(&blob.blob)?.clone()))).collect();
        let results = document.results.into_iter().map(|result| (result.key, result.layers)).collect();
        Ok(Self { source, results, blobs })
    }

    /// The layers that a key leads to.
    pub(crate) fn find(&self, key: &Digest) -> Option<&[Digest]> {
        self.results.get(key).map(Vec::as_slice)
    }

    /// Brings layers here; none where one of them is nowhere.
    pub(crate) async fn bring(&self, images: &Images, layers: &[Digest]) -> Result<Option<Snapshot>, Error> {
        let mut snapshot = Snapshot::default();
        for diff_id in layers {
            let chain = wharf_images::snapshot::chain_id(snapshot.chain().as_ref(), diff_id);
            if let Some(known) = images.snapshot(&chain).await? {
                snapshot = known;
                continue;
            }
            let Some(blob) = self.blobs.get(diff_id) else { return Ok(None) };
            images.sink("cache")?.put_blob(blob, &*self.source, &|_| {}).await?;
            snapshot = images.unpack(&snapshot, blob, diff_id).await?;
        }
        Ok(Some(snapshot))
    }
}

/// Sends what a build knows now to a sink. Layers of bases stay out: whoever builds has them from where they are.
pub async fn send(
    images: &Images,
    solved: &Solved,
    mode: Mode,
    (sink, tags, compression): (&dyn Sink, Vec<Tag>, Compression),
) -> Result<Descriptor, Error> {
    let mut document = Document::default();
    let mut blobs: BTreeMap<Digest, Descriptor> = BTreeMap::new();
    let of_bases: Vec<Digest> =
        solved.bases.iter().flat_map(|image| told(image).layers).map(|layer| layer.chain).collect();
    for result in solved.results.iter().filter(|result| mode == Mode::Max || result.is_of_target) {
        document.results.push(Outcome {
            key: result.key,
            layers: result.snapshot.layers.iter().map(|layer| layer.diff_id).collect(),
        });
        for layer in result.snapshot.layers.iter().filter(|layer| !of_bases.contains(&layer.chain)) {
            if let Entry::Vacant(vacant) = blobs.entry(layer.diff_id) {
                vacant.insert(images.layer_blob(layer, compression).await?);
            }
        }
    }
    document.results.sort_by_key(|result| result.key);
    document.blobs = blobs.iter().map(|(layer, blob)| Blob { layer: *layer, blob: blob.digest }).collect();
    let bytes = serde_json::to_vec(&document).map_err(|error| Error::Invalid(error.to_string()))?;
    let config = images.put_document(CONFIG, bytes).await?;
    let layers: Vec<Descriptor> = blobs.into_values().collect();
    let manifest = wharf_oci::manifest::render_image(&config, &layers, &BTreeMap::new());
    let root = images.put_document(MediaType::OciManifest.as_str(), manifest).await?;
    let reference = Some(Reference::Digest(root.digest));
    let options = Options { reference, tags, platform: None, with_referrers: false, jobs: JOBS };
    copy(images.source(), sink, &options, &ignore).await?;
    Ok(root)
}

/// Nobody is told how a copy goes on.
fn ignore(_: wharf_client::Event<'_>) {}
