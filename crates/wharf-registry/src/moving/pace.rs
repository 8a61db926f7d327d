//! So many bytes a second and no more, for all that copy at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

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
        if self.bytes_per_second == 0 {
            return;
        }
        let micros = (bytes as u64).saturating_mul(1_000_000) / self.bytes_per_second;
        let until = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let until = (*paid).max(Instant::now());
            *paid = until + Duration::from_micros(micros);
            until
        };
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_go_at_the_rate_that_was_given() {
        let start = Instant::now();
        let pace = Pace::new(1000);
        for _ in 0..11 {
            pace.take(500).await;
        }
        assert_eq!(start.elapsed().as_secs(), 5);
        Pace::new(0).take(usize::MAX).await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
