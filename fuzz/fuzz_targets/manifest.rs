//! Any bytes as a manifest, under each Content-Type: never a panic, and what is accepted keeps what the reader
//! promises to those who store it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_oci::{Algorithm, Content, Descriptor, Digest, Manifest, MediaType, index};

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, document)) = bytes.split_first() else { return };
    let header = MediaType::ALL.get(usize::from(choice % 5)).map(|media_type| media_type.as_str());
    if let Ok(manifest) = Manifest::parse(header, document) {
        check(&manifest, header, document);
    }
});

fn check(manifest: &Manifest, header: Option<&str>, document: &[u8]) {
    assert!(header.is_none_or(|header| header == manifest.media_type.as_str()));
    assert_eq!(manifest.media_type.is_index(), matches!(manifest.content, Content::Index { .. }));
    let named: Vec<&Descriptor> = manifest.blobs().chain(manifest.children()).collect();
    let total: u64 = named.iter().map(|descriptor| descriptor.size).sum();
    assert!(i64::try_from(total).is_ok());
    for descriptor in named.into_iter().chain(manifest.optional_blobs()).chain(&manifest.subject) {
        assert_eq!(Descriptor::parse(&descriptor.render()).as_ref(), Ok(descriptor));
    }
    let digest = Digest::of(Algorithm::Sha256, document);
    let listed = manifest.descriptor(digest, document.len() as u64);
    let list = index::referrers([&listed]);
    let list = Manifest::parse(Some(MediaType::OciIndex.as_str()), &list).expect("a list of referrers is an index");
    assert_eq!(list.children(), [listed]);
}
