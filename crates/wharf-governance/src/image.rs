//! Images as gates see them: labels, age and size of something that stands in a repository.
//!
//! Manifests lie in the catalog and are read in the transaction that asks. Labels and the time of building lie in an
//! image's config, which is a blob: it is read once, before (`Governance::read_configs`), and what it says is kept by the
//! manifest's digest, under which it can never change.

pub(crate) mod store;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use wharf_context::{Caller, Context, Grant, Grants, Permission, Permissions, ProjectId, RequestId, Timestamp};
use wharf_db::Tx;
use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::{Descriptor, Digest, Reference, RepositoryName};
use wharf_registry::Registry;
use wharf_registry::manifest::Accept;

use crate::error::Error;
use crate::governance::Governance;

/// The most manifests that something promoted is made of: its index and all that it lists.
const MAX_MANIFESTS: usize = 500;
/// The largest config that is read.
const MAX_CONFIG_BYTES: u64 = 4 * 1024 * 1024;
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// What the media types of a file system's layers begin with: attestations of builders have an image's config, too.
const LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// Something that stands in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Its media type.
    pub media_type: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// All that it holds, each blob once.
    pub size_bytes: u64,
    /// The images in it: itself, or those that an index lists.
    pub configs: Vec<ImageConfig>,
    /// Who pushed it and what it lists, by the names of their accounts.
    pub pushed_by: BTreeSet<String>,
    /// Since when it stands there.
    pub since: Option<Timestamp>,
}

/// What an image's config says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// The image's manifest.
    pub digest: Digest,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was built.
    pub created_at: Option<Timestamp>,
}

/// An image's config, as far as it matters here.
#[derive(Debug, Deserialize)]
struct ConfigDocument {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    config: Option<ConfigSection>,
}

#[derive(Debug, Deserialize)]
struct ConfigSection {
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads what stands in a repository. Configs were read before.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Image>, Error> {
    let mut image = Image::default();
    let (mut blobs, mut wanted, mut seen) = (BTreeMap::new(), vec![*digest], BTreeSet::from([*digest]));
    while let Some(next) = wanted.pop() {
        let Some(found) = Registry::standing(tx, project, repository, &next).await? else {
            // An index need not have all that it lists; what is asked for itself must be there.
            if next == *digest { return Ok(None) } else { continue }
        };
        let manifest = parse(&next, &found.manifest.media_type, &found.manifest.bytes)?;
        blobs.insert(next, found.manifest.bytes.len() as u64);
        blobs.extend(manifest.blobs().map(|blob| (blob.digest, blob.size)));
        image.pushed_by.insert(found.pushed_by);
        if is_image(&manifest) {
            image.configs.push(
                store::get(tx, &next)
                    .await?
                    .ok_or_else(|| Error::ConfigUnread { repository: repository.clone(), digest: *digest })?,
            );
        }
        wanted.extend(children(&manifest).map(|child| child.digest).filter(|child| seen.insert(*child)));
        if seen.len() > MAX_MANIFESTS {
            return Err(Error::TooManyManifests { digest: *digest, max: MAX_MANIFESTS });
        }
        if next == *digest {
            image = Image {
                media_type: found.manifest.media_type,
                annotations: manifest.annotations,
                since: Some(found.since),
                ..image
            };
        }
    }
    image.size_bytes = blobs.into_values().fold(0, u64::saturating_add);
    image.configs.sort_by_key(|config| config.digest);
    Ok(Some(image))
}

impl Governance {
    /// Reads the configs of what is to be looked at, as far as that was not done before. Reads bytes: not for transactions.
    pub(crate) async fn read_configs(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), Error> {
        let ctx = reader(project, repository);
        let (mut wanted, mut seen) = (vec![*digest], BTreeSet::from([*digest]));
        while let Some(next) = wanted.pop() {
            let asked = Reference::Digest(next);
            let found = self.registry.get_manifest(&ctx, repository, &asked, &Accept::Anything).await;
            let found = match found {
                Err(wharf_registry::Error::ManifestUnknown { .. } | wharf_registry::Error::ManifestAway { .. }) => {
                    continue;
                }
                other => other?,
            };
            let manifest = parse(&next, &found.media_type, &found.bytes)?;
            wanted.extend(children(&manifest).map(|child| child.digest).filter(|child| seen.insert(*child)));
            if seen.len() > MAX_MANIFESTS {
                return Err(Error::TooManyManifests { digest: *digest, max: MAX_MANIFESTS });
            }
            if is_image(&manifest) && store::find(&self.db, &next).await?.is_none() {
                let config = self.read_config(&ctx, repository, (&next, &manifest)).await?;
                self.db.transaction(async |tx| store::put(tx, &config).await).await?;
            }
        }
        Ok(())
    }

    async fn read_config(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        (digest, manifest): (&Digest, &Manifest),
    ) -> Result<ImageConfig, Error> {
        let empty = ImageConfig { digest: *digest, labels: BTreeMap::new(), created_at: None };
        let Content::Image { config, .. } = &manifest.content else { return Ok(empty) };
        let blob = self.registry.find_blob(ctx, repository, &config.digest).await?;
        if blob.size_bytes > MAX_CONFIG_BYTES {
            return Err(Error::ConfigTooLarge { digest: *digest, max_bytes: MAX_CONFIG_BYTES });
        }
        let pieces = self.registry.read_blob(&blob, None).await?;
        let bytes = pieces
            .try_fold(Vec::new(), |mut all: Vec<u8>, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
            .map_err(|source| Error::ReadConfig { digest: *digest, source })?;
        Ok(ImageConfig { digest: *digest, ..describe(&bytes, empty) })
    }
}

/// What a config says. One that does not read as such says nothing, and gates that need it say no.
fn describe(bytes: &[u8], empty: ImageConfig) -> ImageConfig {
    let Ok(document) = serde_json::from_slice::<ConfigDocument>(bytes) else { return empty };
    let created = document.created.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let labels = document.config.and_then(|config| config.labels).unwrap_or_default();
    // The catalog cannot keep NUL, and no honest label holds one.
    let labels = labels.into_iter().filter(|(name, value)| !name.contains('\0') && !value.contains('\0'));
    ImageConfig {
        labels: labels.collect(),
        created_at: created.map(|created| Timestamp(created.as_microsecond())),
        ..empty
    }
}

/// Whether engines would run it.
fn is_image(manifest: &Manifest) -> bool {
    let Content::Image { config, layers } = &manifest.content else { return false };
    let is_layer = |layer: &Descriptor| LAYERS.iter().any(|prefix| layer.media_type.starts_with(prefix));
    CONFIGS.contains(&config.media_type.as_str()) && (layers.is_empty() || layers.iter().any(is_layer))
}

fn children(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    manifest.children().iter().filter(|child| child.is_manifest())
}

fn parse(digest: &Digest, media_type: &str, bytes: &[u8]) -> Result<Manifest, Error> {
    Manifest::parse(Some(media_type), bytes).map_err(|source| Error::ManifestInvalid { digest: *digest, source })
}

/// Wharf itself, which may read one repository.
fn reader(project: ProjectId, repository: &RepositoryName) -> Context {
    let granted = Permissions::of(&[Permission::Pull]);
    let grant = Grant { repository: repository.clone(), project: Some(project), granted, refused: Permissions::NONE };
    Context::new(Caller::system(), RequestId::generate(), None, Grants(vec![grant]))
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    #[test]
    fn a_config_tells_labels_and_when_it_was_built() {
        let digest = Digest::of(Algorithm::Sha256, b"image");
        let read =
            |text: &str| describe(text.as_bytes(), ImageConfig { digest, labels: BTreeMap::new(), created_at: None });
        let config =
            read(r#"{"created":"2026-01-01T00:00:00Z","config":{"Labels":{"team":"pay","x":"a\u0000"}},"rootfs":{}}"#);
        assert_eq!(config.labels, BTreeMap::from([("team".to_owned(), "pay".to_owned())]));
        assert_eq!(config.created_at, Some(Timestamp(1_767_225_600_000_000)));
        for silent in ["", "[]", "{}", r#"{"config":null,"created":"yesterday"}"#, r#"{"config":{"Labels":null}}"#] {
            assert_eq!((read(silent).labels.len(), read(silent).created_at), (0, None), "{silent}");
        }
    }
}
