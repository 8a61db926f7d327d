//! The one copy algorithm: an image, index or artifact from a source to a sink, with all that belongs to it.
//!
//! First all manifests are read and compared (the plan), then blobs come, several at a time, then manifests: children
//! before parents, what refers to something before the tag that leads to it. So nobody who reads the destination meets
//! something half-written, and a copy that was broken off and is begun again finds what came before.

mod graph;
mod plan;
pub mod platform;

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use wharf_oci::ports::Arrival;
use wharf_oci::{ContentError, Descriptor, Digest, Reference, Sink, Source, Tag};

use self::plan::{Node, Plan};
pub use self::platform::{PlatformChoice, PlatformChoiceError};

/// What is copied, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to copy; without it, what the source gives when nothing is said.
    pub reference: Option<Reference>,
    /// The tags that it gets.
    pub tags: Vec<Tag>,
    /// Of an index, the image for one platform; otherwise all that the index lists.
    pub platform: Option<PlatformChoice>,
    /// Whether signatures, SBOMs and other manifests that refer to it come along.
    pub with_referrers: bool,
    /// How many things are on their way at once; at least one.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { reference: None, tags: Vec::new(), platform: None, with_referrers: false, jobs: 4 }
    }
}

/// How a copy goes on.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// All manifests were read: this many things may have to be sent.
    Planned {
        /// Manifests.
        manifests: usize,
        /// Blobs.
        blobs: usize,
        /// The blobs' bytes.
        bytes: u64,
    },
    /// A blob is sent.
    Begun(&'a Descriptor),
    /// So many bytes of a blob were sent.
    Moved(&'a Descriptor, u64),
    /// A blob is there.
    Arrived(&'a Descriptor, Arrival),
    /// A manifest is there.
    Stored(&'a Descriptor),
}

/// Is told how a copy goes on.
pub type Tell<'a> = &'a (dyn Fn(Event<'_>) + Send + Sync);

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The manifest that the tags point to.
    pub root: Descriptor,
    /// How many manifests there are, the root among them.
    pub manifests: usize,
    /// How many blobs were there before.
    pub existed_blobs: usize,
    /// How many blobs the registry took from another of its repositories.
    pub mounted_blobs: usize,
    /// How many blobs were sent.
    pub copied_blobs: usize,
    /// The bytes of those that were sent.
    pub copied_bytes: u64,
}

/// Copies. What came before a failure stays in the destination, without a tag that leads to it.
pub async fn copy(
    source: &dyn Source,
    sink: &dyn Sink,
    options: &Options,
    tell: Tell<'_>,
) -> Result<Copied, ContentError> {
    let plan = Plan::make(source, sink, options).await?;
    let blobs = plan.blobs();
    let bytes = blobs.iter().map(|blob| blob.size).fold(0, u64::saturating_add);
    tell(Event::Planned { manifests: plan.nodes.len(), blobs: blobs.len(), bytes });
    let job = Job { source, sink, tell, jobs: options.jobs.max(1) };
    let arrivals = job.move_blobs(&blobs).await?;
    job.store_manifests(&plan).await?;
    sink.finish().await?;
    let count = |wanted| arrivals.iter().filter(|(_, arrival)| *arrival == wanted).count();
    let sent = arrivals.iter().filter(|(_, arrival)| *arrival == Arrival::Copied);
    Ok(Copied {
        root: plan.root.clone(),
        manifests: plan.nodes.len(),
        existed_blobs: count(Arrival::Existed),
        mounted_blobs: count(Arrival::Mounted),
        copied_blobs: count(Arrival::Copied),
        copied_bytes: sent.map(|(blob, _)| blob.size).fold(0, u64::saturating_add),
    })
}

struct Job<'a> {
    source: &'a dyn Source,
    sink: &'a dyn Sink,
    tell: Tell<'a>,
    jobs: usize,
}

impl Job<'_> {
    async fn move_blobs<'b>(&self, blobs: &[&'b Descriptor]) -> Result<Vec<(&'b Descriptor, Arrival)>, ContentError> {
        // By number, not by reference: with closures over references the compiler cannot see that the future is Send.
        let moves = (0..blobs.len()).map(|at| async move { Ok((blobs[at], self.move_blob(blobs[at]).await?)) });
        stream::iter(moves).buffer_unordered(self.jobs).try_collect().await
    }

    async fn move_blob(&self, blob: &Descriptor) -> Result<Arrival, ContentError> {
        (self.tell)(Event::Begun(blob));
        let arrival =
            self.sink.put_blob(blob, self.source, &|position| (self.tell)(Event::Moved(blob, position))).await?;
        (self.tell)(Event::Arrived(blob, arrival));
        Ok(arrival)
    }

    /// All but the root in order, then the root with its tags.
    async fn store_manifests(&self, plan: &Plan) -> Result<(), ContentError> {
        let children: HashMap<Digest, Vec<Digest>> =
            plan.nodes.iter().map(|(digest, node)| (*digest, node.children.clone())).collect();
        for level in graph::levels(&children) {
            let digests = level.into_iter().filter(|digest| *digest != plan.root.digest);
            let stores = digests.map(|digest| async move { self.store(&plan.nodes[&digest]).await });
            stream::iter(stores).buffer_unordered(self.jobs).try_collect::<()>().await?;
        }
        self.store(&plan.nodes[&plan.root.digest]).await
    }

    async fn store(&self, node: &Node) -> Result<(), ContentError> {
        if !node.is_there || !node.tags.is_empty() {
            self.sink.put_manifest(&node.descriptor, node.bytes.clone(), &node.tags).await?;
        }
        (self.tell)(Event::Stored(&node.descriptor));
        Ok(())
    }
}
