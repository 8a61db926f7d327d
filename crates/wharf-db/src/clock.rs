//! The clock that all nodes of one database share, without asking the database each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wharf_context::{Clock, Timestamp};

/// This machine's clock, set right by every transaction that learns the database's time. Where the database has no
/// time of its own, it is this machine's clock.
///
/// What nodes tell one another by time (tokens, expiries) would be void between machines whose clocks differ.
#[derive(Debug)]
pub(crate) struct SharedClock {
    own: Arc<dyn Clock>,
    /// How far the database's clock is ahead, in microseconds.
    ahead: AtomicI64,
}

impl SharedClock {
    pub(crate) fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(0) }
    }

    /// Takes over the time that the database has told a moment ago.
    pub(crate) fn set(&self, now: Timestamp) {
        self.ahead.store(now.0.saturating_sub(self.own.now().0), Ordering::Relaxed);
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.own.now().0.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wharf_context::FakeClock;

    use super::*;

    #[test]
    fn it_goes_with_this_machines_clock_from_where_the_database_has_set_it() {
        let own = Arc::new(FakeClock::at(Timestamp(1_000)));
        let shared = SharedClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        assert_eq!(shared.now(), Timestamp(1_000));
        shared.set(Timestamp(400));
        own.advance(Duration::from_micros(50));
        assert_eq!(shared.now(), Timestamp(450));
        shared.set(Timestamp(9_000_000));
        assert_eq!(shared.now(), Timestamp(9_000_000));
    }
}
