//! What a copy will bring: every manifest below its root, read and compared, and the blobs that they name.
//!
//! The source may be hostile: how deep, how many and how large manifests are is bounded.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::{Content, ContentError, ContentErrorKind, Descriptor, Digest, Manifest, Reference, Sink, Source, Tag};

use super::Options;

/// How deep indexes and referrers may be nested. Real ones need three or four.
const MAX_DEPTH: usize = 10;
/// How many manifests a copy may have.
const MAX_MANIFESTS: usize = 20_000;
/// How large all manifests of a copy may be together.
const MAX_TOTAL_BYTES: usize = 256 * 1024 * 1024;
/// What cosign calls the signatures, attestations and SBOMs of a manifest, behind its digest.
const COMPANIONS: [&str; 3] = ["sig", "att", "sbom"];

/// All that will be copied.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Descriptor,
    pub(super) nodes: HashMap<Digest, Node>,
}

/// One manifest.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Bytes,
    pub(super) tags: Vec<Tag>,
    /// The manifests that must be there before.
    pub(super) children: Vec<Digest>,
    /// The blobs that must be there before.
    blobs: Vec<Descriptor>,
    /// Whether the sink has it.
    pub(super) is_there: bool,
}

/// A manifest to be read, and the tags that it gets.
type Wanted = (Descriptor, Vec<Tag>);

struct Planner<'a> {
    source: &'a dyn Source,
    sink: &'a dyn Sink,
    options: &'a Options,
}

impl Plan {
    /// Reads all manifests that will be copied.
    pub(super) async fn make(source: &dyn Source, sink: &dyn Sink, options: &Options) -> Result<Self, ContentError> {
        let planner = Planner { source, sink, options };
        let root = planner.root().await?;
        let mut nodes: HashMap<Digest, Node> = HashMap::new();
        let mut level: Vec<Wanted> = vec![(root.clone(), options.tags.clone())];
        for _ in 0..MAX_DEPTH {
            if level.is_empty() {
                return Ok(Self { root, nodes });
            }
            let known: HashSet<Digest> = nodes.keys().copied().chain(level.iter().map(|(one, _)| one.digest)).collect();
            let reads = level.into_iter().map(|wanted| planner.read(wanted));
            let read: Vec<(Node, Vec<Wanted>)> =
                stream::iter(reads).buffer_unordered(options.jobs.max(1)).try_collect().await?;
            let mut next = HashMap::new();
            for (node, wanted) in read {
                next.extend(wanted.into_iter().map(|wanted| (wanted.0.digest, wanted)));
                nodes.insert(node.descriptor.digest, node);
            }
            next.retain(|digest, _| !known.contains(digest));
            level = next.into_values().collect();
            planner.bound(&nodes, level.len())?;
        }
        Err(planner.refuse(&format!("its manifests are nested more than {MAX_DEPTH} deep")))
    }

    /// The blobs to bring, each once, large ones first: they take longest.
    pub(super) fn blobs(&self) -> Vec<&Descriptor> {
        let mut known = HashSet::new();
        let all = self.nodes.values().filter(|node| !node.is_there || !node.children.is_empty());
        let mut blobs: Vec<&Descriptor> =
            all.flat_map(|node| &node.blobs).filter(|blob| known.insert(blob.digest)).collect();
        blobs.sort_by_key(|blob| (std::cmp::Reverse(blob.size), blob.digest));
        blobs
    }
}

impl Planner<'_> {
    /// What the reference names, and of an index the one that is wanted.
    async fn root(&self) -> Result<Descriptor, ContentError> {
        let mut found = self.source.resolve(self.options.reference.as_ref()).await?;
        if let Some(Reference::Digest(digest)) = &self.options.reference
            && found.digest != *digest
        {
            return Err(self.refuse(&format!("it answers with `{}` instead of `{digest}`", found.digest)));
        }
        let Some(platform) = &self.options.platform else { return Ok(found) };
        for _ in 0..MAX_DEPTH {
            let (manifest, _) = self.fetch(&found).await?;
            let Content::Index { manifests } = &manifest.content else { return Ok(found) };
            found = platform.choose(manifests).cloned().ok_or_else(|| {
                let message = format!("`{}` has no image for {platform}", self.source.describe());
                ContentError::new(ContentErrorKind::NotFound, message)
            })?;
        }
        Err(self.refuse(&format!("its manifests are nested more than {MAX_DEPTH} deep")))
    }

    /// A manifest with the digest and size that were promised.
    async fn fetch(&self, descriptor: &Descriptor) -> Result<(Manifest, Bytes), ContentError> {
        let digest = descriptor.digest;
        if descriptor.size > MAX_MANIFEST_BYTES as u64 {
            return Err(self.refuse(&format!("manifest `{digest}` is said to have {} bytes", descriptor.size)));
        }
        let bytes = self.source.manifest(descriptor).await?;
        if bytes.len() as u64 != descriptor.size || !digest.matches(&bytes) {
            return Err(self.refuse(&format!("what it gives for manifest `{digest}` is something else")));
        }
        let manifest = Manifest::parse(Some(&descriptor.media_type), &bytes).map_err(|error| {
            let message = format!("`{}` has a manifest `{digest}` that cannot be copied", self.source.describe());
            ContentError::caused(ContentErrorKind::Invalid, message, error)
        })?;
        Ok((manifest, bytes))
    }

    /// Reads one manifest; what else is wanted because of it comes beside it.
    async fn read(&self, (descriptor, tags): Wanted) -> Result<(Node, Vec<Wanted>), ContentError> {
        let (manifest, bytes) = self.fetch(&descriptor).await?;
        let is_there = self.sink.has_manifest(&descriptor).await?;
        let (children, others): (Vec<_>, Vec<_>) =
            manifest.children().iter().cloned().partition(Descriptor::is_manifest);
        // A sink that has an image has its blobs; what an index lists need not be there.
        let is_whole = is_there && matches!(manifest.content, Content::Image { .. });
        let named = manifest.blobs().filter(|_| !is_whole);
        // An index may list what is no manifest: build caches list layers.
        let blobs = named.cloned().chain(others).collect();
        let mut wanted: Vec<Wanted> = children.iter().cloned().map(|child| (child, Vec::new())).collect();
        if self.options.with_referrers {
            wanted.extend(self.companions(&descriptor.digest).await?);
        }
        let children = children.into_iter().map(|child| child.digest).collect();
        Ok((Node { descriptor, bytes, tags, children, blobs, is_there }, wanted))
    }

    /// What refers to a manifest: by its subject, or by cosign's tags.
    async fn companions(&self, subject: &Digest) -> Result<Vec<Wanted>, ContentError> {
        let referrers = self.source.referrers(subject).await?;
        let mut wanted: Vec<Wanted> = referrers.into_iter().map(|referrer| (referrer, Vec::new())).collect();
        for companion in COMPANIONS {
            let text = format!("{}-{}.{companion}", subject.algorithm(), subject.hex());
            // A longer digest makes no tag; cosign has none for it.
            let Ok(tag) = text.parse::<Tag>() else { continue };
            match self.source.resolve(Some(&Reference::Tag(tag.clone()))).await {
                Ok(found) => wanted.push((found, vec![tag])),
                Err(error) if error.kind == ContentErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted)
    }

    fn bound(&self, nodes: &HashMap<Digest, Node>, next: usize) -> Result<(), ContentError> {
        let bytes: usize = nodes.values().map(|node| node.bytes.len()).sum();
        if nodes.len() + next > MAX_MANIFESTS {
            return Err(self.refuse(&format!("there are more than {MAX_MANIFESTS} manifests")));
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(self.refuse(&format!("its manifests have more than {MAX_TOTAL_BYTES} bytes")));
        }
        Ok(())
    }

    fn refuse(&self, reason: &str) -> ContentError {
        ContentError::new(ContentErrorKind::Invalid, format!("cannot copy from `{}`: {reason}", self.source.describe()))
    }
}
