//! Time in tests: a clock that stands still, and waiting without sleeping for a fixed time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use wharf_context::{FakeClock, Timestamp};

/// 2026-01-01 00:00:00 UTC.
const START: Timestamp = Timestamp(1_767_225_600_000_000);
/// Longer than anything that a test waits for, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that shows the first moment of 2026 until it is turned.
pub fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(START))
}

/// Waits until `condition` holds. Panics with `what` when it does not come about.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "this did not come about: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
