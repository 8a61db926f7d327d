//! Image indexes that the registry itself writes: the referrers list.
//!
//! Spec: distribution-spec, "Listing Referrers"; image-spec, image-index.md. Which descriptors stand in it, and in what
//! order, is the caller's.

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::media_type::MediaType;

/// Renders the referrers of one subject as an image index. Each descriptor carries `artifactType` and `annotations`
/// of its manifest, as [`crate::manifest::Manifest::descriptor`] makes it.
pub fn referrers<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Vec<u8> {
    let index = Index {
        schema_version: 2,
        media_type: MediaType::OciIndex.as_str(),
        manifests: descriptors.into_iter().collect(),
    };
    serde_json::to_vec(&index).expect("texts, numbers and maps by text are always JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    // Present even when it is empty: the spec asks for an empty list where nothing refers to the subject.
    manifests: Vec<&'a Descriptor>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, Digest};
    use crate::manifest::{Content, Manifest};

    #[test]
    fn no_referrers_are_an_empty_list() {
        let empty = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        assert_eq!(referrers([]), empty);
    }

    #[test]
    fn a_referrer_is_listed_with_artifact_type_and_annotations() {
        let mut first = Descriptor::new(MediaType::OciManifest.as_str(), Digest::of(Algorithm::Sha256, b"1"), 7);
        first.artifact_type = Some("application/spdx+json".to_owned());
        first.annotations.insert("org.example".to_owned(), "a \"quoted\"\n\0 note".to_owned());
        let second = Descriptor::new(MediaType::OciIndex.as_str(), Digest::of(Algorithm::Sha512, b"2"), 8);
        let rendered = referrers([&first, &second]);
        let listed = Manifest::parse(Some(MediaType::OciIndex.as_str()), &rendered).expect("an index");
        assert_eq!(listed.content, Content::Index { manifests: vec![first, second] });
        let text = String::from_utf8(rendered).expect("UTF-8");
        assert!(text.contains(r#""artifactType":"application/spdx+json","annotations":{"org.example":"#), "{text}");
        assert_eq!(text.matches("artifactType").count(), 1, "an index without artifactType has none in the list");
    }
}
