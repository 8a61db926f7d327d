//! From an archive's bytes to a layer: compressed on the way, with both digests.
//!
//! Compressed bytes depend on the archive alone: no names, no times, one thread, fixed levels. Whether they are an archive
//! is not looked at.
//! Spec: image-spec, layer.md and config.md, "Layer DiffID".

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use wharf_oci::{Algorithm, Digest};

use crate::compression::Compression;

/// Fast, and within a few percent of the default in size for what images hold.
const GZIP_LEVEL: u32 = 5;
const ZSTD_LEVEL: i32 = 3;

/// A layer that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// The digest of the uncompressed archive.
    pub diff_id: Digest,
    /// The size of the uncompressed archive.
    pub diff_bytes: u64,
    /// The digest of the bytes that were written.
    pub digest: Digest,
    /// How many they are.
    pub size_bytes: u64,
}

/// Takes an archive's bytes and writes a layer.
pub struct Packer<W: Write> {
    encoder: Encoder<Hashed<W>>,
    hasher: Sha256,
    count: u64,
}

enum Encoder<W: Write> {
    Plain(W),
    Gzip(flate2::write::GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

/// Bytes hashed and counted on their way.
struct Hashed<W> {
    output: W,
    hasher: Sha256,
    count: u64,
}

impl<W: Write> Packer<W> {
    /// Nothing is written yet.
    pub fn new(output: W, compression: Compression) -> io::Result<Self> {
        let hashed = Hashed { output, hasher: Sha256::new(), count: 0 };
        let encoder = match compression {
            Compression::Plain => Encoder::Plain(hashed),
            Compression::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                Encoder::Gzip(flate2::GzBuilder::new().mtime(0).write(hashed, level))
            }
            Compression::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(hashed, ZSTD_LEVEL)?),
        };
        Ok(Self { encoder, hasher: Sha256::new(), count: 0 })
    }

    /// All has come: what the layer is, and the output.
    pub fn finish(self) -> io::Result<(Packed, W)> {
        let hashed = match self.encoder {
            Encoder::Plain(hashed) => hashed,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
        };
        let digest = |hasher: Sha256| Digest::from_hash(Algorithm::Sha256, &hasher.finalize());
        let packed = Packed {
            diff_id: digest(self.hasher),
            diff_bytes: self.count,
            digest: digest(hashed.hasher),
            size_bytes: hashed.count,
        };
        Ok((packed, hashed.output))
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match &mut self.encoder {
            Encoder::Plain(hashed) => hashed.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }?;
        self.hasher.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Flushing a compressor would change its bytes.
        Ok(())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W: Write> std::fmt::Debug for Packer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("count", &self.count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff_id::DiffId;
    use crate::limits::Limits;

    #[test]
    fn a_layer_has_the_digests_of_its_bytes_and_equal_archives_make_equal_layers() {
        let archive = b"not really an archive".repeat(10_000);
        let pack = |compression| {
            let mut packer = Packer::new(Vec::new(), compression).expect("begun");
            packer.write_all(&archive).expect("written to memory");
            packer.finish().expect("finished in memory")
        };
        for compression in [Compression::Plain, Compression::Gzip, Compression::Zstd] {
            let (packed, bytes) = pack(compression);
            assert_eq!(packed.digest, Digest::of(Algorithm::Sha256, &bytes));
            assert_eq!(packed.size_bytes, bytes.len() as u64);
            let diff_id = DiffId::read(Box::new(&bytes[..]), Limits::default()).expect("read");
            assert_eq!((packed.diff_id, packed.diff_bytes), (diff_id.digest, diff_id.size_bytes));
            assert_eq!(pack(compression).1, bytes);
        }
    }
}
