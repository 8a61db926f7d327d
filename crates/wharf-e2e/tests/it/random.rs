//! Bytes that no other test has.

use std::hash::{BuildHasher as _, RandomState};

/// `length` bytes, different each time.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = RandomState::new().hash_one(length);
    let words = std::iter::repeat_with(|| {
        // SplitMix64: quick, and good enough that nothing deduplicates or compresses it.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(length).collect()
}

/// A short word, different each time.
pub(crate) fn word() -> String {
    data_encoding::HEXLOWER.encode(&bytes(6))
}
