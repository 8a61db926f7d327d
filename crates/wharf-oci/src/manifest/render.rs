//! Writing manifests and indexes of our own making. What others made is kept as it came.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::media_type::MediaType;

/// Renders an image's manifest.
pub fn render_image(config: &Descriptor, layers: &[Descriptor], annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let media_type = MediaType::OciManifest.as_str();
    written(&ImageManifest { schema_version: 2, media_type, config, layers, annotations })
}

/// Renders an index.
pub fn render_index(manifests: &[Descriptor], annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let media_type = MediaType::OciIndex.as_str();
    written(&Index { schema_version: 2, media_type, manifests, annotations })
}

fn written(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("texts, numbers and maps by text are always JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageManifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, Digest};
    use crate::manifest::{Content, Manifest};

    #[test]
    fn what_is_written_reads_back() {
        let part = |media_type: &str, content: &[u8]| {
            Descriptor::new(media_type, Digest::of(Algorithm::Sha256, content), content.len() as u64)
        };
        let config = part("application/vnd.oci.image.config.v1+json", b"{}");
        let layers = vec![part("application/vnd.oci.image.layer.v1.tar+gzip", b"x")];
        let annotations = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let bytes = render_image(&config, &layers, &annotations);
        let manifest = Manifest::parse(Some(MediaType::OciManifest.as_str()), &bytes).expect("a manifest");
        assert_eq!(manifest.annotations, annotations);
        assert_eq!(manifest.content, Content::Image { config, layers });
        let manifests = vec![part(MediaType::OciManifest.as_str(), &bytes)];
        let bytes = render_index(&manifests, &BTreeMap::new());
        let parsed = Manifest::parse(Some(MediaType::OciIndex.as_str()), &bytes).expect("an index");
        assert_eq!(parsed.content, Content::Index { manifests });
    }
}
