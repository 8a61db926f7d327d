//! How much a hostile archive may cost.

/// The longest path and the longest link target, in bytes: what Linux takes.
pub const MAX_PATH_BYTES: usize = 4096;
/// The longest component of a path, in bytes: what Linux takes.
pub const MAX_COMPONENT_BYTES: usize = 255;
/// The most that the names and values of one entry's extended attributes may have together, in bytes. Linux takes
/// 64 KiB of each.
pub const MAX_XATTR_BYTES: usize = 128 * 1024;
/// The largest extension in front of an entry (PAX records, a long name), in bytes: what Go's reader takes.
pub(crate) const MAX_EXTENSION_BYTES: u64 = 1024 * 1024;

/// The limits of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many times its compressed size an archive may have.
    pub ratio: u64,
    /// How many bytes an archive may have whatever its ratio: a few megabytes of zeros are no bomb.
    pub unrated_bytes: u64,
    /// How many bytes an archive may have at all.
    pub total_bytes: u64,
    /// How many headers an archive may have.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ratio: 200, unrated_bytes: 16 * 1024 * 1024, total_bytes: 64 * 1024 * 1024 * 1024, entries: 1_000_000 }
    }
}
