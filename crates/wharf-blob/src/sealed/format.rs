//! The format of sealed bytes: a head, then segments. Sizes follow from sizes, so that nothing need be read for them.
//!
//! ```text
//! head     "wharfsb" 1 · id of the data key (16) · salt (32)
//! segment  epoch (8) · ciphertext of up to 64 KiB · tag (16)
//! ```
//! Every segment but the last holds 64 KiB. There is always a last one, which is empty only in an empty blob.

use uuid::Uuid;

/// Plaintext in a segment that is not the last. Part of the format.
pub(super) const SEGMENT_BYTES: usize = 64 * 1024;
/// A segment's epoch.
pub(super) const EPOCH_BYTES: usize = 8;
/// A segment's tag.
pub(super) const TAG_BYTES: usize = 16;
/// What a segment takes beside its plaintext.
pub(super) const OVERHEAD_BYTES: usize = EPOCH_BYTES + TAG_BYTES;
/// A whole segment as it is stored.
pub(super) const STORED_BYTES: usize = SEGMENT_BYTES + OVERHEAD_BYTES;
/// The head.
pub(super) const HEAD_BYTES: usize = 8 + 16 + 32;

const MAGIC: [u8; 8] = *b"wharfsb\x01";

/// What stands before the segments, in the clear. Whoever changes it changes the key that is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The data key that the blob's own key is derived from.
    pub(super) key: Uuid,
    /// Random; makes the blob's own key different from every other's.
    pub(super) salt: [u8; 32],
}

impl Head {
    pub(super) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..24].copy_from_slice(self.key.as_bytes());
        bytes[24..].copy_from_slice(&self.salt);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (key, salt) = rest.split_first_chunk()?;
        Some(Self { key: Uuid::from_bytes(*key), salt: salt.try_into().ok()? })
    }
}

/// How many bytes are sealed in `stored_bytes`; `None` when no blob seals to that size.
pub(super) fn plain_size(stored_bytes: u64) -> Option<u64> {
    let segments_bytes = stored_bytes.checked_sub(HEAD_BYTES as u64)?;
    let segments = segments_bytes.div_ceil(STORED_BYTES as u64);
    let last_bytes = segments_bytes.checked_sub(segments.checked_sub(1)? * STORED_BYTES as u64)?;
    let least_bytes = if segments == 1 { OVERHEAD_BYTES } else { OVERHEAD_BYTES + 1 };
    (last_bytes >= least_bytes as u64).then(|| segments_bytes - segments * OVERHEAD_BYTES as u64)
}

/// Where segment `index` begins among stored bytes.
pub(super) fn place_of(index: u64) -> u64 {
    HEAD_BYTES as u64 + index * STORED_BYTES as u64
}

/// The last segment of `size_bytes` sealed bytes.
pub(super) fn last_segment(size_bytes: u64) -> u64 {
    size_bytes.saturating_sub(1) / SEGMENT_BYTES as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored_size(size_bytes: u64) -> u64 {
        place_of(0) + size_bytes + (last_segment(size_bytes) + 1) * OVERHEAD_BYTES as u64
    }

    #[test]
    fn a_head_reads_back_and_no_other_version_does() {
        let head = Head { key: Uuid::from_bytes([7; 16]), salt: [9; 32] };
        let bytes = head.to_bytes();
        assert_eq!(Head::from_bytes(&bytes), Some(head));
        for length in 0..HEAD_BYTES {
            assert_eq!(Head::from_bytes(&bytes[..length]), None);
        }
        let mut other = bytes;
        other[7] = 2;
        assert_eq!(Head::from_bytes(&other), None);
    }

    #[test]
    fn no_two_sizes_seal_to_one_and_what_lies_between_is_none() {
        let segment = SEGMENT_BYTES as u64;
        for size_bytes in [0, 1, 2, segment - 1, segment, segment + 1, 2 * segment, 2 * segment + 1, 1 << 40] {
            let stored = stored_size(size_bytes);
            assert_eq!(plain_size(stored), Some(size_bytes));
            assert_eq!(
                stored_size(size_bytes + 1) - stored,
                if size_bytes > 0 && size_bytes % segment == 0 { 25 } else { 1 }
            );
        }
        for stored in (0..80).chain(stored_size(segment) + 1..stored_size(segment + 1)) {
            assert_eq!(plain_size(stored), None, "{stored}");
        }
        assert_eq!(plain_size(80), Some(0));
    }

    proptest! {
        #[test]
        fn every_size_comes_back(size_bytes in 0..1_u64 << 48) {
            prop_assert_eq!(plain_size(stored_size(size_bytes)), Some(size_bytes));
        }

        #[test]
        fn no_stored_size_panics(stored in any::<u64>()) {
            if let Some(size_bytes) = plain_size(stored) {
                prop_assert_eq!(stored_size(size_bytes), stored);
            }
        }
    }
}
