//! So many bytes a second and no more, for all that copy at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A limit on bytes a second.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    /// When what was let through so far is paid for.
    paid: Mutex<Instant>,
}

impl Pace {
    /// 0 is no limit.
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, paid: Mutex::new(Instant::now()) }
    }

    /// Waits until `bytes` may go.
    pub(super) async fn take(&self, bytes: usize) {
        if self.bytes_per_second > 0 {
            tokio::time::sleep_until(self.book(bytes as u64, Instant::now()).into()).await;
        }
    }

    /// When `bytes` that come `now` may go: after all that came before is paid for.
    fn book(&self, bytes: u64, now: Instant) -> Instant {
        let cost = Duration::from_micros(bytes.saturating_mul(1_000_000) / self.bytes_per_second);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = now.max(*paid);
        *paid = begin + cost;
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_at_the_rate_that_was_given_and_time_that_nobody_used_is_lost() {
        let start = Instant::now();
        let pace = Pace { bytes_per_second: 1000, paid: Mutex::new(start) };
        let at = |bytes, second| (pace.book(bytes, start + Duration::from_secs(second)) - start).as_millis();
        assert_eq!([at(500, 0), at(500, 0), at(1000, 0), at(1, 9), at(1, 9)], [0, 500, 1000, 9000, 9001]);
    }
}
