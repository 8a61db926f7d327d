//! DiffIDs: the digest of a layer's archive as it is when nothing compresses it.
//!
//! A config claims them; here they are computed from the bytes alone: what a media type says about compression, which may
//! differ from manifest to manifest, makes no difference. Whether the archive can be unpacked is not looked at: see
//! [`crate::scan`].
//! Spec: image-spec, config.md, "Layer DiffID".

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use wharf_oci::{Algorithm, Descriptor, Digest, Source};

use crate::compression::{ANY, Decoder};
use crate::error::Error;
use crate::feed::feed;
use crate::limits::Limits;

const PIECE_BYTES: usize = 128 * 1024;

/// What a layer is without its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffId {
    /// The SHA-256 of the uncompressed archive.
    pub digest: Digest,
    /// How large that is.
    pub size_bytes: u64,
}

impl DiffId {
    /// Reads a layer's bytes. Blocks.
    pub fn read(input: Box<dyn Read + '_>, limits: Limits) -> Result<Self, Error> {
        let mut decoder = Decoder::open(input, ANY, limits)?;
        let (mut hasher, mut size_bytes) = (Sha256::new(), 0);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match decoder.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&piece[..count]);
                    size_bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(decoder.explain(source)),
            }
        }
        Ok(Self { digest: Digest::from_hash(Algorithm::Sha256, &hasher.finalize()), size_bytes })
    }

    /// Reads a layer out of a source.
    pub async fn of(source: &dyn Source, layer: &Descriptor, limits: Limits) -> Result<Self, Error> {
        feed(layer, source, &|_| {}, move |pieces| Self::read(Box::new(pieces), limits)).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).expect("written to memory");
        encoder.finish().expect("written to memory")
    }

    #[test]
    fn a_diff_id_is_the_same_however_a_layer_is_compressed() {
        let archive = vec![7_u8; 300_000];
        let expected = DiffId { digest: Digest::of(Algorithm::Sha256, &archive), size_bytes: 300_000 };
        let zstd = zstd::encode_all(&archive[..], 3).expect("compressed in memory");
        let members = [gzip(&archive[..10]), gzip(&archive[10..])].concat();
        for bytes in [archive.clone(), gzip(&archive), members, zstd] {
            let found = DiffId::read(Box::new(&bytes[..]), Limits::default());
            assert_eq!(found.expect("read"), expected);
        }
    }

    #[test]
    fn bombs_and_broken_streams_are_refused() {
        let limits = Limits { unrated_bytes: 1024, ratio: 20, ..Limits::default() };
        let bomb = gzip(&vec![0; 1024 * 1024]);
        let read = |bytes: &[u8]| DiffId::read(Box::new(bytes), limits);
        assert!(matches!(read(&bomb), Err(Error::Limit { .. })));
        let cut = gzip(b"something");
        assert!(matches!(read(&cut[..cut.len() - 3]), Err(Error::Read { .. })));
    }
}
