//! `index.json`: what a layout has, and how it is called there.
//!
//! Spec: image-spec, image-layout.md, "index.json file", and annotations.md, `org.opencontainers.image.ref.name`.

use serde_json::{Value, json};
use wharf_oci::json::parse_strict;
use wharf_oci::{Descriptor, Digest, Manifest, MediaType, Reference, Tag};

use crate::error::Error;

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The manifests that a layout names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    entries: Vec<Descriptor>,
}

impl Index {
    pub(super) fn new(entries: Vec<Descriptor>) -> Self {
        Self { entries }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let index = Manifest::parse(Some(MediaType::OciIndex.as_str()), bytes).map_err(Error::Index)?;
        Ok(Self { entries: index.children().to_vec() })
    }

    pub(super) fn entries(&self) -> &[Descriptor] {
        &self.entries
    }

    /// All tags, each once, in order.
    pub(super) fn tags(&self) -> Vec<Tag> {
        let mut tags: Vec<Tag> = self.entries.iter().filter_map(tag).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// What a reference names. A digest that is not listed may still be there.
    pub(super) fn find(&self, reference: Option<&Reference>) -> Result<Option<Descriptor>, Error> {
        match reference {
            Some(Reference::Digest(digest)) => Ok(self.entries.iter().find(|entry| entry.digest == *digest).map(plain)),
            Some(Reference::Tag(wanted)) => {
                let named = self.entries.iter().filter(|entry| tag(entry).as_ref() == Some(wanted));
                only(named.collect()).map_err(|()| Error::AmbiguousTag { tag: wanted.clone() })
            }
            None => self.only(),
        }
    }

    /// The one image that is there. What has no name may be a signature, so it counts only where nothing has one.
    fn only(&self) -> Result<Option<Descriptor>, Error> {
        let named: Vec<_> = self.entries.iter().filter(|entry| entry.annotations.contains_key(REF_NAME)).collect();
        let candidates = if named.is_empty() { self.entries.iter().collect() } else { named };
        only(candidates).map_err(|()| Error::SeveralImages { tags: self.tags() })
    }
}

/// The descriptor that all of them are, if it is one.
fn only(entries: Vec<&Descriptor>) -> Result<Option<Descriptor>, ()> {
    let Some(first) = entries.first() else { return Ok(None) };
    let is_one = entries.iter().all(|entry| entry.digest == first.digest);
    if is_one { Ok(Some(plain(first))) } else { Err(()) }
}

/// A descriptor without what only says how it is called here.
fn plain(descriptor: &Descriptor) -> Descriptor {
    Descriptor::new(descriptor.media_type.clone(), descriptor.digest, descriptor.size)
}

/// What an entry is called. Some writers put a whole image name there.
fn tag(descriptor: &Descriptor) -> Option<Tag> {
    let name = descriptor.annotations.get(REF_NAME)?;
    let last = name.rsplit_once(':').map_or(name.as_str(), |(_, tag)| tag);
    last.parse().ok()
}

/// An entry under a name.
pub(super) fn named(descriptor: &Descriptor, name: &str) -> Descriptor {
    let mut named = plain(descriptor);
    named.annotations.insert(REF_NAME.to_owned(), name.to_owned());
    named
}

/// An `index.json` with more entries. What was there stays as it was written, except that a name moves to its new
/// manifest, and that nothing is listed twice.
pub(super) fn extended(present: Option<&[u8]>, added: &[Descriptor]) -> Result<Vec<u8>, Error> {
    let mut index = match present {
        Some(bytes) => {
            Index::parse(bytes)?;
            parse_strict(bytes).map_err(Error::Document)?
        }
        None => json!({ "schemaVersion": 2, "mediaType": MediaType::OciIndex.as_str(), "manifests": [] }),
    };
    if index["manifests"].is_null() {
        index["manifests"] = json!([]);
    }
    if let Some(entries) = index["manifests"].as_array_mut() {
        entries.retain(|entry| !added.iter().any(|added| is_replaced(entry, added)));
        entries.extend(added.iter().map(|added| json!(added)));
    }
    Ok(index.to_string().into_bytes())
}

fn is_replaced(entry: &Value, added: &Descriptor) -> bool {
    match (entry["annotations"][REF_NAME].as_str(), added.annotations.get(REF_NAME)) {
        (Some(name), Some(added)) => name == added,
        (None, None) => entry["digest"].as_str().and_then(|digest| digest.parse::<Digest>().ok()) == Some(added.digest),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    fn image(number: u8) -> Descriptor {
        Descriptor::new(MediaType::OciManifest.as_str(), Digest::of(Algorithm::Sha256, &[number]), 1)
    }

    fn tagged(text: &str) -> Reference {
        Reference::Tag(text.parse().expect("a tag"))
    }

    #[test]
    fn a_reference_names_one_manifest_or_none_or_is_refused() {
        let index = Index::new(vec![
            named(&image(1), "v1"),
            named(&image(1), "latest"),
            named(&image(2), "docker.io/library/app:v2"),
            named(&image(3), "two"),
            named(&image(4), "two"),
            image(5),
        ]);
        let find = |reference: &Reference| index.find(Some(reference));
        assert_eq!(find(&tagged("v1")).expect("one"), Some(image(1)));
        assert_eq!(find(&tagged("v2")).expect("one"), Some(image(2)));
        assert_eq!(find(&tagged("v3")).expect("none"), None);
        assert!(matches!(find(&tagged("two")), Err(Error::AmbiguousTag { .. })));
        assert_eq!(find(&Reference::Digest(image(5).digest)).expect("one"), Some(image(5)));
        assert!(matches!(index.find(None), Err(Error::SeveralImages { .. })));
        assert_eq!(index.tags().iter().map(Tag::as_str).collect::<Vec<_>>(), ["latest", "two", "v1", "v2"]);
    }

    #[test]
    fn the_one_image_is_found_among_what_refers_to_it() {
        let find = |entries| Index::new(entries).find(None).expect("not several");
        assert_eq!(find(vec![]), None);
        assert_eq!(find(vec![image(1)]), Some(image(1)));
        assert_eq!(find(vec![image(2), named(&image(1), "a"), named(&image(1), "b")]), Some(image(1)));
        assert!(Index::new(vec![image(1), image(2)]).find(None).is_err());
    }

    #[test]
    fn an_index_grows_and_keeps_what_it_does_not_know() {
        let first = extended(None, &[named(&image(1), "a"), image(9)]).expect("new");
        let mut kept: Value = serde_json::from_slice(&first).expect("JSON");
        kept["annotations"] = json!({ "org.example": "note" });
        kept["manifests"][0]["data"] = json!("AQ==");
        let again = extended(Some(kept.to_string().as_bytes()), &[named(&image(2), "b"), image(9)]).expect("grows");
        let grown: Value = serde_json::from_slice(&again).expect("JSON");
        assert_eq!(grown["annotations"], kept["annotations"]);
        assert_eq!(grown["manifests"][0], kept["manifests"][0]);
        assert_eq!(grown["manifests"].as_array().map(Vec::len), Some(3), "nothing is listed twice");
        let moved = extended(Some(&again), &[named(&image(3), "a")]).expect("moves");
        let index = Index::parse(&moved).expect("an index");
        assert_eq!(index.find(Some(&tagged("a"))).expect("one"), Some(image(3)));
        assert_eq!(index.find(Some(&tagged("b"))).expect("one"), Some(image(2)));
        assert!(extended(Some(br#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#), &[]).is_err());
        assert!(extended(Some(br#"{"schemaVersion":2,"manifests":null}"#), &[image(1)]).is_ok(), "as Go writes none");
    }
}
