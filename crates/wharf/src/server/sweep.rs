//! Who is too slow or too idle: one rule for every connection, applied once a second.
//!
//! One sweeper costs a few atomic loads per connection and second; timers in each connection would cost a poll on
//! every read. Slow *request* bodies are not judged here but where they are read: [`super::body`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Order, Snapshot};
use super::connections::Connections;

/// How often the rule is applied.
const TICK: Duration = Duration::from_secs(1);

/// How long a connection that was asked to close may take when nothing is in flight.
const CLOSING: Duration = Duration::from_secs(5);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) headers: Duration,
    pub(crate) idle: Duration,
    pub(crate) body_window: Duration,
    pub(crate) body_bytes_per_second: u64,
}

impl Patience {
    /// The least number of bytes in one window.
    pub(crate) fn bytes_per_window(&self) -> u64 {
        self.body_bytes_per_second.saturating_mul(self.body_window.as_secs())
    }
}

/// What the sweeper remembers of a connection between two looks.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    requests: u64,
    unanswered_since: Option<Instant>,
    blocked_since: Option<(Instant, u64)>,
    closing_since: Option<Instant>,
}

impl Watch {
    /// What is to be done about a connection that looks like `seen`.
    pub(crate) fn judge(&mut self, now: Instant, seen: &Snapshot, patience: &Patience) -> Order {
        let slow_headers = self.has_slow_headers(now, seen, patience);
        let slow_reader = self.has_slow_reader(now, seen, patience);
        if slow_reader || (slow_headers && seen.requests == 0) {
            return Order::Cut;
        }
        // On a connection that was used, the bytes may have been no headers but HTTP/2's own: it gets a word first.
        let is_idle = seen.in_flight == 0 && now.duration_since(seen.idle_since) >= patience.idle;
        if !is_idle && !slow_headers {
            self.closing_since = None;
            return Order::Serve;
        }
        let closing_since = *self.closing_since.get_or_insert(now);
        if now.duration_since(closing_since) >= CLOSING { Order::Cut } else { Order::Close }
    }

    /// Bytes came, no request came of them, for too long: slow headers, a slow handshake, or noise.
    fn has_slow_headers(&mut self, now: Instant, seen: &Snapshot, patience: &Patience) -> bool {
        let is_waiting = seen.in_flight == 0 && seen.has_unanswered_bytes && seen.requests == self.requests;
        self.requests = seen.requests;
        if !is_waiting {
            self.unanswered_since = None;
            return false;
        }
        now.duration_since(*self.unanswered_since.get_or_insert(now)) >= patience.headers
    }

    /// The client took too few bytes over a whole window in which everything waited for it.
    fn has_slow_reader(&mut self, now: Instant, seen: &Snapshot, patience: &Patience) -> bool {
        if !seen.waits_for_reader {
            self.blocked_since = None;
            return false;
        }
        let (since, written_bytes) = *self.blocked_since.get_or_insert((now, seen.written_bytes));
        if now.duration_since(since) < patience.body_window {
            return false;
        }
        self.blocked_since = Some((now, seen.written_bytes));
        seen.written_bytes - written_bytes < patience.bytes_per_window()
    }
}

/// Applies the rule for as long as the server lives.
pub(crate) async fn run(connections: Arc<Connections>, patience: Patience) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        connections.sweep(Instant::now(), &patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        headers: Duration::from_secs(20),
        idle: Duration::from_secs(75),
        body_window: Duration::from_secs(10),
        body_bytes_per_second: 1024,
    };

    fn quiet(start: Instant) -> Snapshot {
        Snapshot {
            requests: 1,
            in_flight: 0,
            idle_since: start,
            has_unanswered_bytes: false,
            written_bytes: 0,
            waits_for_reader: false,
        }
    }

    /// The first second at which a connection that looks like `at(second)` gets an order, and which.
    fn first_order(at: impl Fn(u64, Instant) -> Snapshot) -> Option<(u64, Order)> {
        let start = Instant::now();
        let mut watch = Watch::default();
        (0..200).find_map(|second| {
            let order = watch.judge(start + Duration::from_secs(second), &at(second, start), &PATIENCE);
            (order != Order::Serve).then_some((second, order))
        })
    }

    #[test]
    fn an_idle_connection_is_closed_after_its_time() {
        assert_eq!(first_order(|_, start| quiet(start)), Some((75, Order::Close)));
    }

    #[test]
    fn a_closed_connection_that_stays_is_cut() {
        let (start, mut watch) = (Instant::now(), Watch::default());
        let later = start + PATIENCE.idle;
        assert_eq!(watch.judge(later, &quiet(start), &PATIENCE), Order::Close);
        assert_eq!(watch.judge(later + CLOSING, &quiet(start), &PATIENCE), Order::Cut);
    }

    #[test]
    fn headers_that_do_not_end_are_cut_after_their_time() {
        let slow = |second, start| Snapshot { requests: 0, has_unanswered_bytes: second >= 5, ..quiet(start) };
        assert_eq!(first_order(slow), Some((25, Order::Cut)));
        let (start, mut watch) = (Instant::now(), Watch::default());
        let mut at = |second| {
            let seen = Snapshot { has_unanswered_bytes: true, ..quiet(start) };
            watch.judge(start + Duration::from_secs(second), &seen, &PATIENCE)
        };
        assert_eq!((at(0), at(1), at(21), at(26)), (Order::Serve, Order::Serve, Order::Close, Order::Cut));
    }

    #[test]
    fn headers_that_end_begin_anew() {
        let busy = |second, start| Snapshot { requests: second / 10, has_unanswered_bytes: true, ..quiet(start) };
        assert_eq!(
            first_order(|second, start| Snapshot {
                idle_since: start + Duration::from_secs(second),
                ..busy(second, start)
            }),
            None
        );
    }

    #[test]
    fn a_reader_that_takes_nothing_is_cut_after_one_window() {
        let stuck = |_, start| Snapshot { in_flight: 1, waits_for_reader: true, ..quiet(start) };
        assert_eq!(first_order(stuck), Some((10, Order::Cut)));
    }

    #[test]
    fn a_reader_that_takes_bytes_stays() {
        let fast = |second, start| Snapshot {
            in_flight: 1,
            waits_for_reader: true,
            written_bytes: second * 2048,
            ..quiet(start)
        };
        assert_eq!(first_order(fast), None);
    }

    #[test]
    fn a_slow_server_is_not_the_readers_fault() {
        let waiting = |second, start| Snapshot { in_flight: 1, waits_for_reader: second % 5 != 0, ..quiet(start) };
        assert_eq!(first_order(waiting), None);
    }
}
