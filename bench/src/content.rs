//! Bytes to push: never the same twice, so that no server has them already.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Large blobs are made of blocks of this size.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;

/// Says which contents have been given out.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// Bytes and what they hash to.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
}

impl Blob {
    /// New bytes that no compressor can do anything with.
    pub(crate) fn new(size_bytes: usize) -> Self {
        Self::of(new_bytes(size_bytes))
    }

    /// These bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let digest = render(&Sha256::digest(&bytes));
        Self { bytes, digest }
    }
}

fn new_bytes(size_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    fill(&mut bytes, SERIAL.fetch_add(1, Relaxed));
    bytes
}

/// SplitMix64: good enough to be incompressible, and faster than memory.
fn fill(bytes: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id());
    for piece in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        piece.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..piece.len()]);
    }
}

/// A digest as it is written.
pub(crate) fn render(hash: &[u8]) -> String {
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// Blobs too large to be kept: all begin with the same random block, repeated, and each ends with a block of its own. So
/// a new one is hashed by its last block alone, and making it costs the machine next to nothing while it measures.
#[derive(Debug)]
pub(crate) struct LargeBlobs {
    block: Vec<u8>,
    before_last: Sha256,
    blocks: u64,
}

/// One of [`LargeBlobs`].
#[derive(Debug)]
pub(crate) struct LargeBlob<'b> {
    all: &'b LargeBlobs,
    last: Vec<u8>,
    pub(crate) digest: String,
}

impl LargeBlobs {
    /// Those of so many MiB.
    pub(crate) fn of(mebibytes: u64) -> Self {
        let block = new_bytes(BLOCK_BYTES);
        let mut before_last = Sha256::new();
        (1..mebibytes).for_each(|_| before_last.update(&block));
        Self { block, before_last, blocks: mebibytes }
    }

    /// A new one.
    pub(crate) fn next(&self) -> LargeBlob<'_> {
        let last = new_bytes(BLOCK_BYTES);
        let digest = render(&self.before_last.clone().chain_update(&last).finalize());
        LargeBlob { all: self, last, digest }
    }
}

impl LargeBlob<'_> {
    pub(crate) fn size_bytes(&self) -> u64 {
        self.all.blocks * BLOCK_BYTES as u64
    }

    /// Its bytes, block by block.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        let before_last = (1..self.all.blocks).map(|_| self.all.block.as_slice());
        before_last.chain([self.last.as_slice()])
    }
}

/// An image: a configuration, some layers, and the manifest that names them.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) blobs: Vec<Blob>,
    pub(crate) manifest: Blob,
}

/// The media type of [`Image::manifest`].
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

impl Image {
    /// A new one with layers of these sizes.
    pub(crate) fn new(layer_bytes: &[usize]) -> Self {
        let serial = SERIAL.fetch_add(1, Relaxed);
        let config = json!({ "architecture": "amd64", "os": "linux", "author": format!("{serial}-{}", std::process::id()),
            "config": {}, "rootfs": { "type": "layers", "diff_ids": [] } });
        let mut blobs = vec![Blob::of(config.to_string().into_bytes())];
        blobs.extend(layer_bytes.iter().map(|size_bytes| Blob::new(*size_bytes)));
        let manifest = Blob::of(manifest(&blobs).to_string().into_bytes());
        Self { blobs, manifest }
    }
}

fn manifest(blobs: &[Blob]) -> serde_json::Value {
    let descriptor = |media_type: &str, blob: &Blob| json!({ "mediaType": format!("application/vnd.oci.image.{media_type}"), "digest": blob.digest, "size": blob.bytes.len() });
    let layers: Vec<_> = blobs[1..].iter().map(|blob| descriptor("layer.v1.tar+gzip", blob)).collect();
    let config = descriptor("config.v1+json", &blobs[0]);
    json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_specification() {
        let empty = Blob::of(Vec::new());
        assert_eq!(empty.digest, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn no_content_comes_twice() {
        assert_ne!(Blob::new(4096).digest, Blob::new(4096).digest);
        assert_ne!(Image::new(&[9]).manifest.digest, Image::new(&[9]).manifest.digest);
    }

    #[test]
    fn a_large_blob_hashes_to_what_is_sent() {
        let all = LargeBlobs::of(3);
        let large = all.next();
        let sent = large.blocks().collect::<Vec<_>>().concat();
        assert_eq!(sent.len() as u64, large.size_bytes());
        assert_eq!(Blob::of(sent).digest, large.digest);
        assert_ne!(all.next().digest, large.digest);
    }
}
