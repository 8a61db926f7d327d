//! `manifest.json`: what docker adds to an archive, and the only thing that older archives have.
//!
//! Such an archive has no manifests: one is made for each image, the same whenever the archive is read. Its layers are
//! named by the config's `diff_ids`, which whoever reads the bytes compares with them.
//! Spec: moby image-spec v1.2, "Combined Image JSON + Filesystem Changeset Format".

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wharf_oci::manifest::MAX_DESCRIPTORS;
use wharf_oci::{Algorithm, Content, Descriptor, Digest, Manifest, MediaType, Tag, json};

use super::folder::BLOBS;
use super::index::{self, Index};
use super::packed::Packed;
use super::place::Place;
use crate::compression::Compression;
use crate::error::Error;

pub(super) const MANIFEST: &str = "manifest.json";

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const CONTAINERD_NAME: &str = "io.containerd.image.name";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image in docker's list.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'m> {
    schema_version: u8,
    media_type: &'m str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Makes the manifests of an archive that has none, and says how they are called. Blocks.
pub(super) fn read(packed: &mut Packed) -> Result<Index, Error> {
    let document = packed.document(MANIFEST)?.ok_or(Error::NotALayout)?;
    let images: Vec<Image> = parse(&document)?;
    if images.len() > MAX_DESCRIPTORS {
        return Err(Error::DockerManifest { reason: "it has too many images" });
    }
    let mut entries = Vec::new();
    for image in images {
        let manifest = make(&image, packed)?;
        let names = image.repo_tags.unwrap_or_default();
        entries.extend(names.iter().map(|name| index::named(&manifest, name)));
        if names.is_empty() {
            entries.push(manifest);
        }
    }
    Ok(Index::new(entries))
}

fn parse<T: for<'de> Deserialize<'de>>(document: &[u8]) -> Result<T, Error> {
    let text = json::check(document).map_err(Error::Document)?;
    serde_json::from_str(text).map_err(Error::DockerDocument)
}

fn make(image: &Image, packed: &mut Packed) -> Result<Descriptor, Error> {
    let missing = || Error::DockerManifest { reason: "it names a file that is not there" };
    let place = packed.file(&image.config).ok_or_else(missing)?;
    let bytes = place.document()?;
    let config: Config = parse(&bytes)?;
    if config.rootfs.diff_ids.len() != image.layers.len() {
        return Err(Error::DockerManifest { reason: "an image's config has another number of layers" });
    }
    let mut layers = Vec::new();
    for (name, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
        let place = packed.file(name).ok_or_else(missing)?;
        let layer = describe(&place, diff_id)?;
        packed.add(layer.digest, place);
        layers.push(layer);
    }
    let config = Descriptor::new(CONFIG, Digest::of(Algorithm::Sha256, &bytes), bytes.len() as u64);
    packed.add(config.digest, place);
    let media_type = MediaType::OciManifest.as_str();
    let made = Made { schema_version: 2, media_type, config, layers };
    let manifest = Bytes::from(serde_json::to_vec(&made).expect("texts and numbers are always JSON"));
    let descriptor = Descriptor::new(media_type, Digest::of(Algorithm::Sha256, &manifest), manifest.len() as u64);
    packed.add(descriptor.digest, Place::Memory(manifest));
    Ok(descriptor)
}

/// What a layer is. Most are plain, and their config names them; of others the bytes must be seen.
fn describe(place: &Place, diff_id: &str) -> Result<Descriptor, Error> {
    let no_digest = |_| Error::DockerManifest { reason: "an image's config has a malformed `diff_ids`" };
    let (suffix, digest) = match Compression::detect(&place.head(4)?) {
        Compression::Plain => ("", diff_id.parse().map_err(no_digest)?),
        Compression::Gzip => ("+gzip", place.digest()?),
        Compression::Zstd => ("+zstd", place.digest()?),
    };
    Ok(Descriptor::new(format!("{LAYER}{suffix}"), digest, place.size()))
}

/// How `index.json` names an image in a docker archive: readers that take the archive for an OCI layout find the whole
/// name only there.
pub(super) fn named(descriptor: &Descriptor, repository: Option<&str>, tag: &Tag) -> Descriptor {
    let mut named = index::named(descriptor, tag.as_str());
    if let Some(repository) = repository {
        named.annotations.insert(CONTAINERD_NAME.to_owned(), format!("{}:{tag}", full_name(repository)));
    }
    named
}

/// A repository's name with its host, as docker fills it in.
fn full_name(repository: &str) -> String {
    match repository.split_once('/') {
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => repository.to_owned(),
        Some(_) => format!("docker.io/{repository}"),
        None => format!("docker.io/library/{repository}"),
    }
}

/// How docker's list names an image that lies among the blobs; `None` for an artifact, which docker cannot load.
pub(super) fn list(manifest: &Manifest, repository: Option<&str>, tags: &[Tag]) -> Option<Image> {
    let Content::Image { config, layers } = &manifest.content else { return None };
    if !matches!(config.media_type.as_str(), CONFIG | DOCKER_CONFIG) {
        return None;
    }
    let path = |blob: &Descriptor| format!("{BLOBS}/{}/{}", blob.digest.algorithm(), blob.digest.hex());
    let name = |repository: &str| tags.iter().map(|tag| format!("{repository}:{tag}")).collect();
    Some(Image { config: path(config), repo_tags: repository.map(name), layers: layers.iter().map(path).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_host_is_docker_hubs() {
        for (name, full) in [
            ("app", "docker.io/library/app"),
            ("team/app", "docker.io/team/app"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("registry.example.com/team/app", "registry.example.com/team/app"),
        ] {
            assert_eq!(full_name(name), full);
        }
    }
}
