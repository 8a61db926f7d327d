//! Facts: what an image says of itself, and what its bytes say.
//!
//! A layer's DiffID is computed from its bytes, once for each blob, and kept; the config's claim is compared with it and
//! never used. What is hostile or broken becomes a problem that is told; only a failure of the machine fails the job.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use wharf_context::Timestamp;
use wharf_layer::{Compression, DiffId, Limits};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::{ContentError, ContentErrorKind, Digest, Reference, Source};

use super::config::{self, ImageConfig, MAX_CONFIG_BYTES};
use super::store;
use crate::error::Error;
use crate::governance::Governance;

const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The longest name of a base that is kept, in bytes.
const MAX_BASE_NAME_BYTES: usize = 512;
/// What BuildKit writes beside the platforms of an index.
const ATTESTATION: (&str, &str) = ("vnd.docker.reference.type", "attestation-manifest");

/// Whether the DiffIDs in a config are those of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// They are.
    Right,
    /// They are not: whoever believes the config is deceived.
    Wrong,
    /// Nobody knows: not all of them could be computed.
    Unknown,
}

impl Claim {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Right => 0,
            Self::Wrong => 1,
            Self::Unknown => 2,
        }
    }

    pub(super) fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Right,
            1 => Self::Wrong,
            _ => Self::Unknown,
        }
    }
}

/// What a layer is without its compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// It has this DiffID.
    As(Digest),
    /// Its bytes are no archive, and never will be.
    Never(String),
}

/// What a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    /// An image of one platform.
    Image,
    /// A list of images.
    Index {
        /// Their manifests.
        members: Vec<Digest>,
    },
}

/// What is known of an image before its place in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) sort: Sort,
    /// The DiffIDs of its lowest layers, as far as they are known without a gap.
    pub(super) diff_ids: Vec<Digest>,
    pub(super) layers: i64,
    pub(super) size_bytes: i64,
    pub(super) claim: Claim,
    pub(super) problem: Option<String>,
    pub(super) platform: String,
    pub(super) made_at: Option<Timestamp>,
    pub(super) run_as: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) base_digest: Option<Digest>,
    pub(super) base_name: Option<String>,
}

impl Facts {
    /// Whether the DiffIDs are those of all layers, and there is one: nothing stands on an image without layers.
    pub(super) fn is_whole(&self) -> bool {
        !self.diff_ids.is_empty() && i64::try_from(self.diff_ids.len()) == Ok(self.layers)
    }

    fn of(sort: Sort, manifest: &Manifest) -> Self {
        let named = manifest.annotations.get(BASE_NAME).map(|name| name.replace('\0', ""));
        Self {
            sort,
            diff_ids: Vec::new(),
            layers: 0,
            size_bytes: 0,
            claim: Claim::Unknown,
            problem: None,
            platform: String::new(),
            made_at: None,
            run_as: String::new(),
            labels: BTreeMap::new(),
            base_digest: manifest.annotations.get(BASE_DIGEST).and_then(|digest| digest.parse().ok()),
            base_name: named.filter(|name| !name.is_empty() && name.len() <= MAX_BASE_NAME_BYTES),
        }
    }
}

/// Reads a manifest that was stored; `None` where it is no image and no index, or is not there any more.
pub(super) async fn read(
    governance: &Governance,
    source: &dyn Source,
    digest: &Digest,
) -> Result<Option<Facts>, Error> {
    let Some(manifest) = manifest_of(source, digest).await? else { return Ok(None) };
    match &manifest.content {
        Content::Index { .. } => Ok(Some(Facts::of(Sort::Index { members: members(&manifest) }, &manifest))),
        Content::Image { config, layers } if is_image(config, layers) => {
            image(governance, source, &manifest, (config, layers)).await.map(Some)
        }
        Content::Image { .. } => Ok(None),
    }
}

/// A manifest that is there.
pub(crate) async fn manifest_of(source: &dyn Source, digest: &Digest) -> Result<Option<Manifest>, Error> {
    let Some((descriptor, bytes)) = manifest(source, digest).await? else { return Ok(None) };
    // It was read strictly when it came; what it can be refused for now is a newer rule, which is not for a job to say.
    Ok(Manifest::parse(Some(&descriptor.media_type), &bytes).ok())
}

/// The images of an index, each once.
pub(crate) fn members(index: &Manifest) -> Vec<Digest> {
    let members = index.children().iter().filter(|child| child.is_manifest() && !is_attestation(child));
    let mut members: Vec<Digest> = members.map(|child| child.digest).collect();
    members.sort_unstable();
    members.dedup();
    members
}

fn is_attestation(child: &Descriptor) -> bool {
    child.annotations.get(ATTESTATION.0).is_some_and(|kind| kind == ATTESTATION.1)
}

/// Artifacts may have an image's config; their layers are none.
pub(crate) fn is_image(config: &Descriptor, layers: &[Descriptor]) -> bool {
    let is_layer = |layer: &Descriptor| Compression::of_media_type(&layer.media_type).is_some();
    config::is_of_image(&config.media_type) && (layers.is_empty() || layers.iter().any(is_layer))
}

async fn manifest(source: &dyn Source, digest: &Digest) -> Result<Option<(Descriptor, Bytes)>, Error> {
    let found = async {
        let descriptor = source.resolve(Some(&Reference::Digest(*digest))).await?;
        let bytes = source.manifest(&descriptor).await?;
        Ok::<_, ContentError>((descriptor, bytes))
    };
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(ContentError { kind: ContentErrorKind::NotFound, .. }) => Ok(None),
        Err(error) => Err(Error::Content(error)),
    }
}

async fn image(
    governance: &Governance,
    source: &dyn Source,
    manifest: &Manifest,
    (config, layers): (&Descriptor, &[Descriptor]),
) -> Result<Facts, Error> {
    let said = read_config(source, config).await?;
    let (diff_ids, problem) = diff_ids(governance, source, layers).await?;
    let size = layers.iter().fold(config.size, |size, layer| size.saturating_add(layer.size));
    let mut facts = Facts {
        layers: i64::try_from(layers.len()).unwrap_or(i64::MAX),
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        problem,
        diff_ids,
        ..Facts::of(Sort::Image, manifest)
    };
    match said {
        Ok(said) => {
            facts.claim = compare(&facts.diff_ids, layers.len(), said.diff_ids.as_deref());
            facts = Facts {
                platform: said.platform,
                made_at: said.made_at,
                run_as: said.run_as,
                labels: said.labels,
                ..facts
            };
        }
        Err(problem) => facts.problem = facts.problem.or(Some(problem)),
    }
    Ok(facts)
}

/// The config; a sentence where it is none.
pub(crate) async fn read_config(
    source: &dyn Source,
    config: &Descriptor,
) -> Result<Result<ImageConfig, String>, Error> {
    if config.size > MAX_CONFIG_BYTES {
        return Ok(Err(format!("the config has more than {MAX_CONFIG_BYTES} bytes")));
    }
    match read_blob(source, config).await {
        Ok(bytes) => Ok(ImageConfig::parse(&bytes).map_err(|why| format!("the config is none: {why}"))),
        Err(error) if is_about_the_image(&error) => Ok(Err("the config is not here".to_owned())),
        Err(error) => Err(Error::Content(error)),
    }
}

async fn read_blob(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
    let mut stream = source.blob(descriptor, 0).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.try_next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether trying again would end in the same way.
fn is_about_the_image(error: &ContentError) -> bool {
    matches!(error.kind, ContentErrorKind::NotFound | ContentErrorKind::Invalid)
}

/// The DiffIDs from the lowest layer up, until one cannot be known, and why it cannot.
async fn diff_ids(
    governance: &Governance,
    source: &dyn Source,
    layers: &[Descriptor],
) -> Result<(Vec<Digest>, Option<String>), Error> {
    let digests: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
    let mut known = store::diff_id::find(&governance.db, &digests).await?;
    let mut found = Vec::with_capacity(layers.len());
    for layer in layers {
        if Compression::of_media_type(&layer.media_type).is_none() {
            return Ok((found, Some(format!("layer `{}` is a `{}`", layer.digest, printable(&layer.media_type)))));
        }
        let unpacked = match known.remove(&layer.digest) {
            Some(unpacked) => Some(unpacked),
            None => unpack(governance, source, layer).await?,
        };
        known.extend(unpacked.clone().map(|unpacked| (layer.digest, unpacked)));
        match unpacked {
            Some(Unpacked::As(diff_id)) => found.push(diff_id),
            Some(Unpacked::Never(why)) => return Ok((found, Some(format!("layer `{}`: {why}", layer.digest)))),
            None => return Ok((found, Some(format!("layer `{}` is not here", layer.digest)))),
        }
    }
    Ok((found, None))
}

/// Reads a layer's bytes and keeps what they are; `None` where they are not here.
async fn unpack(governance: &Governance, source: &dyn Source, layer: &Descriptor) -> Result<Option<Unpacked>, Error> {
    let (unpacked, size_bytes) = match DiffId::of(source, layer, Limits::default()).await {
        Ok(diff_id) => (Unpacked::As(diff_id.digest), i64::try_from(diff_id.size_bytes).unwrap_or(i64::MAX)),
        Err(error) if error.kind() == ContentErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ContentErrorKind::Invalid => (Unpacked::Never(printable(&chain(&error))), 0),
        Err(source) => return Err(Error::Layer { digest: layer.digest, source }),
    };
    let kept =
        governance.db.transaction(async |tx| store::diff_id::put(tx, &layer.digest, &unpacked, size_bytes).await);
    kept.await?;
    Ok(Some(unpacked))
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A stranger's words in a sentence: short, and without what moves a cursor or is no text for the catalog.
fn printable(text: &str) -> String {
    text.chars().take(300).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Compares what a config claims with what was computed of `layers` layers.
fn compare(computed: &[Digest], layers: usize, claimed: Option<&[Digest]>) -> Claim {
    let Some(claimed) = claimed else { return Claim::Wrong };
    let differs = claimed.len() != layers || computed.iter().zip(claimed).any(|(one, other)| one != other);
    match (differs, computed.len() == layers) {
        (true, _) => Claim::Wrong,
        (false, true) => Claim::Right,
        (false, false) => Claim::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    #[test]
    fn a_claim_is_right_wrong_or_nobody_knows() {
        let digest = |text: &str| Digest::of(Algorithm::Sha256, text.as_bytes());
        let (a, b, c) = (digest("a"), digest("b"), digest("c"));
        #[expect(clippy::type_complexity, reason = "the columns of a table")]
        let table: [(&[Digest], usize, Option<&[Digest]>, Claim); 7] = [
            (&[a, b], 2, Some(&[a, b]), Claim::Right),
            (&[], 0, Some(&[]), Claim::Right),
            (&[a, b], 2, Some(&[a, c]), Claim::Wrong),
            (&[a, b], 2, Some(&[a]), Claim::Wrong),
            (&[a, b], 2, None, Claim::Wrong),
            (&[a], 2, Some(&[a, b]), Claim::Unknown),
            (&[a], 2, Some(&[c, b]), Claim::Wrong),
        ];
        for (computed, layers, claimed, expected) in table {
            assert_eq!(compare(computed, layers, claimed), expected, "{computed:?} {claimed:?}");
        }
    }
}
