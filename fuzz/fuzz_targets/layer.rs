//! Any bytes as a layer, in each compression: never a panic, bounded, and what is accepted is the same when it is read
//! again. Its file system can be made, or is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_layer::scan::Scan;
use wharf_layer::{Limits, Tree};

const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, layer)) = bytes.split_first() else { return };
    let media_type = MEDIA_TYPES[usize::from(choice % 4)];
    let limits = Limits { unrated_bytes: 1 << 16, total_bytes: 1 << 22, entries: 10_000, ..Limits::default() };
    let Ok(scan) = Scan::read(Box::new(layer), media_type, limits) else { return };
    assert!(scan.len() * 512 <= layer.len().saturating_mul(200).max(1 << 16), "each change has a header");
    assert_eq!(Scan::read(Box::new(layer), media_type, limits).as_ref().ok(), Some(&scan));
    drop(Tree::of([&scan, &scan]));
});
