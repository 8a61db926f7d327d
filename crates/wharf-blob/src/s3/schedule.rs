//! How large parts are. Pure.
//!
//! S3 takes 10,000 parts, of 5 MiB at least but for the last, into an object of 5 TiB at most. Whoever uploads does not
//! say how much will come, so parts grow with their number: most blobs need one or two parts of 8 MiB, and all of
//! 5 TiB finds room. Every byte of a part is held in memory until the endpoint has it, so parts grow late.

/// The most parts of an upload.
pub(super) const PARTS: usize = 10_000;

const MIB: usize = 1 << 20;
/// After so many parts, they double.
const STEP: usize = 1_000;
/// What may be on its way to the endpoint at once, where parts are small enough.
const ON_THE_WAY_BYTES: usize = 32 * MIB;
const ON_THE_WAY: usize = 3;

/// How parts are from a certain one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// A part that is followed by others.
    pub(super) usual_bytes: usize,
    /// Fewer bytes do not become a part: they wait in an object of their own for what follows.
    pub(super) least_bytes: usize,
    /// How many parts may be on their way at once.
    pub(super) at_once: usize,
}

/// Sizes for the part after `count` others.
pub(super) fn sizes(count: usize) -> Sizes {
    let usual_bytes = (8 * MIB) << (count / STEP).min(8);
    let at_once = (ON_THE_WAY_BYTES / usual_bytes).clamp(1, ON_THE_WAY);
    Sizes { usual_bytes, least_bytes: usual_bytes / 8 * 5, at_once }
}

impl Sizes {
    /// How much has to be gathered until a part goes: so much that what stays behind is enough for a part as well.
    /// Without that, nearly every chunk would leave a tail that is written, read and written again.
    pub(super) fn gathered_bytes(self) -> usize {
        self.usual_bytes + self.least_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn total(parts: usize, size: impl Fn(Sizes) -> usize) -> u64 {
        (0..parts).map(|count| size(sizes(count)) as u64).sum()
    }

    #[test]
    fn five_tebibytes_find_room_and_no_part_is_too_small_or_too_large() {
        assert!(total(PARTS, |sizes| sizes.usual_bytes) >= 5 << 40);
        assert!(total(PARTS, |sizes| sizes.least_bytes) >= 3_700 * GIB, "however small the chunks");
        for count in 0..PARTS {
            let sizes = sizes(count);
            assert!(sizes.least_bytes >= 5 * MIB);
            assert!(sizes.gathered_bytes() as u64 <= 5 * GIB);
            assert!(sizes.at_once >= 1);
        }
    }

    #[test]
    fn an_upload_of_ordinary_size_takes_little_memory() {
        let sizes = sizes(999);
        assert!(total(1_000, |sizes| sizes.usual_bytes) >= 7 * GIB);
        assert!(sizes.gathered_bytes() + sizes.at_once * sizes.usual_bytes <= 37 * MIB);
    }
}
