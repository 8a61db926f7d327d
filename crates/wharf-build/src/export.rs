//! Export: file systems and their configs become an image, or one for each platform, and go where they are wanted.

pub mod provenance;

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_client::copy::{Options, copy};
use wharf_images::{Image, Images, Root, Snapshot};
use wharf_layer::Compression;
use wharf_oci::config::RootFs;
use wharf_oci::{Descriptor, History, ImageConfig, MediaType, Platform, Reference, Sink, Tag};

use crate::error::Error;
use crate::graph::{NodeId, told};
use crate::op::blocking;
use crate::place::{self, Look};
use crate::plan::{Line, Made, Target};
use crate::progress::{Event, Step, Tell};
use crate::select::{self, Ignore, Query};
use crate::solve::Solved;

/// How many blobs are sent at once.
const JOBS: usize = 4;

/// Where builds go.
pub enum Output {
    /// Names on this node.
    Names(Vec<String>),
    /// A registry, a layout, an archive.
    Sink {
        /// It.
        sink: Arc<dyn Sink>,
        /// What the image is called there.
        tags: Vec<Tag>,
        /// How layers are compressed that are made here.
        compression: Compression,
    },
    /// The file system as an archive.
    Tar(Box<dyn Write + Send>),
    /// The file system as a folder; of several platforms, a folder in it for each.
    Folder(PathBuf),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Names(names) => f.debug_tuple("Names").field(names).finish(),
            Self::Sink { sink, tags, .. } => f.debug_tuple("Sink").field(sink).field(tags).finish(),
            Self::Tar(_) => f.write_str("Tar"),
            Self::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
        }
    }
}

/// What was built, for one platform.
#[derive(Debug, Clone)]
pub struct Built {
    /// The config: its digest is what docker calls the image's id.
    pub config: Descriptor,
    /// What the config says.
    pub document: ImageConfig,
    /// The file system.
    pub snapshot: Snapshot,
    /// What the build knows now, for caches that go elsewhere.
    pub solved: Solved,
    /// What goes with the image, and says how it was made.
    pub provenance: Option<serde_json::Value>,
    base: Option<Arc<Image>>,
}

impl Built {
    /// Puts file system and config together.
    pub(crate) async fn new(
        images: &Images,
        (target, solved): (&Target, &HashMap<NodeId, Snapshot>),
    ) -> Result<Self, Error> {
        let snapshot = target.node.and_then(|node| solved.get(&node)).cloned().unwrap_or_default();
        let document = document(target, solved, &snapshot);
        let config = images.put_document("application/vnd.oci.image.config.v1+json", document.render()).await?;
        Ok(Self { config, document, snapshot, solved: Solved::default(), provenance: None, base: target.base.clone() })
    }

    /// The platform that it is for.
    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.document.architecture.clone(),
            os: self.document.os.clone(),
            os_version: None,
            os_features: Vec::new(),
            variant: Some(self.document.variant.clone()).filter(|variant| !variant.is_empty()),
            features: Vec::new(),
        }
    }

    /// Its layers as blobs of the content.
    pub async fn layers(&self, images: &Images, compression: Compression) -> Result<Vec<Descriptor>, Error> {
        let base = self.base.as_ref().map(|image| (told(image), &image.layers));
        let mut layers = Vec::new();
        for (at, layer) in self.snapshot.layers.iter().enumerate() {
            let is_known = |told: &Snapshot| told.layers.get(at).is_some_and(|known| known.chain == layer.chain);
            let of_base = base.as_ref().filter(|(told, _)| is_known(told));
            layers.push(match of_base.and_then(|(_, blobs)| blobs.get(at)) {
                Some(blob) => in_oci_words(blob),
                None => images.layer_blob(layer, compression).await?,
            });
        }
        Ok(layers)
    }
}

/// Gives what was built to each output; the descriptor is that of the image as it went to the last of them that holds images.
pub async fn export(
    (images, tell): (&Images, &Tell),
    built: &[Built],
    outputs: Vec<Output>,
) -> Result<Option<Descriptor>, Error> {
    let mut last = None;
    for output in outputs {
        let step = Step { number: 0, title: title(&output) };
        tell(Event::Begun(step.clone()));
        let begun = std::time::Instant::now();
        match give(images, built, output).await {
            Ok(root) => {
                last = root.or(last);
                tell(Event::Done(step, begun.elapsed()));
            }
            Err(error) => {
                tell(Event::Failed(step, error.to_string()));
                return Err(error);
            }
        }
    }
    Ok(last)
}

async fn give(images: &Images, built: &[Built], output: Output) -> Result<Option<Descriptor>, Error> {
    match output {
        Output::Names(names) => {
            let root = root(images, built, Compression::Plain).await?;
            for name in names {
                images.name(&name, &root).await?;
            }
            return Ok(Some(root));
        }
        Output::Sink { sink, tags, compression } => {
            let root = root(images, built, compression).await?;
            let reference = Some(Reference::Digest(root.digest));
            let options = Options { reference, tags, platform: None, with_referrers: false, jobs: JOBS };
            copy(images.source(), &*sink, &options, &ignore).await?;
            return Ok(Some(root));
        }
        Output::Tar(output) => {
            let [built] = built else {
                return Err(Error::Invalid("an archive holds the files of one platform; use type=local".to_owned()));
            };
            built.ready(images).await?;
            let (images, snapshot) = (images.clone(), built.snapshot.clone());
            blocking(move || Ok(images.archive(&snapshot, output)?)).await?;
        }
        Output::Folder(path) => {
            for one in built {
                one.ready(images).await?;
                let path = if built.len() == 1 { path.clone() } else { path.join(one.folder_name()) };
                let (images, snapshot) = (images.clone(), one.snapshot.clone());
                blocking(move || folder(&images, &snapshot, &path)).await?;
            }
        }
    }
    Ok(None)
}

impl Built {
    /// Unpacks the base where that was not needed before.
    async fn ready(&self, images: &Images) -> Result<(), Error> {
        if let Some(base) = &self.base {
            images.unpacked(base).await?;
        }
        Ok(())
    }

    fn folder_name(&self) -> String {
        crate::plan::platform_text(&self.platform()).replace('/', "_")
    }
}

/// Nobody is told how a copy goes on.
fn ignore(_: wharf_client::Event<'_>) {}

fn title(output: &Output) -> String {
    match output {
        Output::Names(names) => format!("name {}", names.join(", ")),
        Output::Sink { sink, tags, .. } => {
            let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
            format!("export to {} {}", sink.describe(), tags.join(", "))
        }
        Output::Tar(_) => "export as tar".to_owned(),
        Output::Folder(path) => format!("export to {}", path.display()),
    }
}

/// Writes the file system into a folder.
fn folder(images: &Images, snapshot: &Snapshot, path: &Path) -> Result<(), Error> {
    let shown = path.display().to_string();
    std::fs::create_dir_all(path).map_err(|source| Error::file("make the folder", &shown, source))?;
    let target = Root::open(path).map_err(|source| Error::file("open", &shown, source))?;
    let tree = images.read(snapshot)?;
    let query = Query { source: "/".to_owned(), exclude: Ignore::default(), keeps_parents: false };
    let groups = select::select(&tree, &query, &Ignore::default())?;
    place::put((&tree, &groups), (&target, "/"), &Look { owner: None, chmod: None, mtime: None })
}

/// The manifest of an image, or the index of several and of what is said about them.
async fn root(images: &Images, built: &[Built], compression: Compression) -> Result<Descriptor, Error> {
    let mut manifests = Vec::new();
    for one in built {
        let layers = one.layers(images, compression).await?;
        let mut manifest = images.put_image(&one.document, &layers, &BTreeMap::new()).await?;
        manifest.platform = Some(one.platform());
        manifests.push(manifest);
    }
    for (at, one) in built.iter().enumerate() {
        if let Some(predicate) = &one.provenance {
            let attested = provenance::attest(images, &manifests[at], predicate).await?;
            manifests.push(attested);
        }
    }
    if let [only] = &mut manifests[..] {
        only.platform = None;
        return Ok(only.clone());
    }
    let index = wharf_oci::manifest::render_index(&manifests, &BTreeMap::new());
    Ok(images.put_document(MediaType::OciIndex.as_str(), index).await?)
}

/// A layer of a base that was described in docker's words.
fn in_oci_words(blob: &Descriptor) -> Descriptor {
    let media_type = match blob.media_type.as_str() {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar" => "application/vnd.oci.image.layer.v1.tar",
        other => other,
    };
    Descriptor::new(media_type, blob.digest, blob.size)
}

fn document(target: &Target, solved: &HashMap<NodeId, Snapshot>, snapshot: &Snapshot) -> ImageConfig {
    let created = Some(target.instant.text());
    let diff_ids = snapshot.layers.iter().map(|layer| layer.diff_id).collect();
    let chain = |node: Option<NodeId>| node.and_then(|node| solved.get(&node)).and_then(Snapshot::chain);
    let line = |line: &Line| match line.made {
        Made::Base => line.history.clone(),
        Made::Config => History { created: created.clone(), empty_layer: true, ..line.history.clone() },
        Made::Layer(before, after) => {
            let empty_layer = chain(before) == chain(Some(after));
            History { created: created.clone(), empty_layer, ..line.history.clone() }
        }
    };
    ImageConfig {
        created: created.clone(),
        history: target.history.iter().map(line).collect(),
        rootfs: RootFs { diff_ids, ..RootFs::default() },
        ..target.config.clone()
    }
}
