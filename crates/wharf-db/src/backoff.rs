//! How long to wait before trying again: longer each time, and never the same for two.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Between half of and the whole `first × 2^attempts`, at most `longest`.
pub(crate) fn pause(first: Duration, longest: Duration, attempts: u32) -> Duration {
    let whole = first.saturating_mul(2_u32.saturating_pow(attempts.min(30))).min(longest);
    // Every `RandomState` has another key: randomness enough to keep two nodes from meeting again.
    let random = u32::from(RandomState::new().build_hasher().finish().to_le_bytes()[0]);
    whole / 2 + whole / 2 * random / 255
}

#[cfg(test)]
mod tests {
    use super::pause;
    use std::time::Duration;

    #[test]
    fn pauses_grow_and_stay_below_the_longest() {
        let (first, longest) = (Duration::from_millis(10), Duration::from_secs(1));
        for attempts in 0..100 {
            let pause = pause(first, longest, attempts);
            let whole = first.saturating_mul(1 << attempts.min(20)).min(longest);
            assert!(pause >= whole / 2 && pause <= whole, "{attempts}: {pause:?}");
        }
    }
}
