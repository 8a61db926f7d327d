//! What has happened at the primary, numbered, as far back as memory allows; and how far the standby has come.
//!
//! Pure: no clock, no lock, no connection.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::message::Item;

/// How much is handed on at once.
const PIECE_BYTES: usize = 1 << 20;

/// An item in the form in which it is sent.
#[derive(Debug)]
struct Kept {
    number: u64,
    bytes: Bytes,
    since: Instant,
    /// The bytes of all items up to this one.
    total_bytes: u64,
}

/// What a standby wants is no longer kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// How far the standby is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// The numbered past.
#[derive(Debug)]
pub(super) struct Backlog {
    lineage: Uuid,
    limit_bytes: u64,
    kept: VecDeque<Kept>,
    kept_bytes: u64,
    last: u64,
    total_bytes: u64,
    done: u64,
    done_bytes: u64,
    more: BTreeSet<u64>,
    /// The last bytes whose push was told that all is well before the standby had them.
    released: u64,
}

impl Backlog {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            lineage: Uuid::new_v4(),
            limit_bytes,
            kept: VecDeque::new(),
            kept_bytes: 0,
            last: 0,
            total_bytes: 0,
            done: 0,
            done_bytes: 0,
            more: BTreeSet::new(),
            released: 0,
        }
    }

    pub(super) fn lineage(&self) -> Uuid {
        self.lineage
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn released(&self) -> u64 {
        self.released
    }

    /// Something has happened.
    pub(super) fn push(&mut self, item: &Item, now: Instant) -> u64 {
        self.last += 1;
        let bytes = item.to_bytes(self.last);
        let size_bytes = bytes.len() as u64;
        self.total_bytes += size_bytes;
        self.kept_bytes += size_bytes;
        self.kept.push_back(Kept { number: self.last, bytes, since: now, total_bytes: self.total_bytes });
        while self.kept_bytes > self.limit_bytes
            && let Some(oldest) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.bytes.len() as u64;
        }
        self.last
    }

    /// Whether a standby that has all up to `number` can go on.
    pub(super) fn can_go_on(&self, lineage: Uuid, number: u64) -> bool {
        let first = self.kept.front().map_or(self.last + 1, |oldest| oldest.number);
        lineage == self.lineage && number + 1 >= first && number <= self.last
    }

    /// What comes after `number`, a piece of it, and the number that it reaches.
    pub(super) fn after(&self, number: u64) -> Result<(Vec<Bytes>, u64), Gone> {
        if !self.can_go_on(self.lineage, number) {
            return Err(Gone);
        }
        let skipped = self.kept.partition_point(|kept| kept.number <= number);
        let (mut pieces, mut size_bytes, mut reached) = (Vec::new(), 0, number);
        for kept in self.kept.range(skipped..) {
            size_bytes += kept.bytes.len();
            reached = kept.number;
            pieces.push(kept.bytes.clone());
            if size_bytes >= PIECE_BYTES {
                break;
            }
        }
        Ok((pieces, reached))
    }

    /// The standby has everything up to `done`, and `more`.
    pub(super) fn confirm(&mut self, done: u64, more: Vec<u64>) {
        let last = self.last;
        self.more.extend(more.into_iter().filter(|number| *number <= last));
        self.done = self.done.max(done.min(last));
        while self.more.remove(&(self.done + 1)) {
            self.done += 1;
        }
        self.more = self.more.split_off(&self.done);
        let before = self.kept.partition_point(|kept| kept.number <= self.done).checked_sub(1);
        let reached = before.and_then(|index| self.kept.get(index)).map(|kept| kept.total_bytes);
        self.done_bytes = reached.unwrap_or(self.done_bytes).max(self.done_bytes);
    }

    pub(super) fn is_done(&self, number: u64) -> bool {
        number <= self.done || self.more.contains(&number)
    }

    /// Nobody waits for the standby to have `number`.
    pub(super) fn release(&mut self, number: u64) {
        self.released = self.released.max(number);
    }

    /// What is kept lacks something: nobody can go on from it. Numbers go on, so that nobody mistakes one for another.
    pub(super) fn begin_anew(&mut self) {
        self.lineage = Uuid::new_v4();
        self.kept.clear();
        self.kept_bytes = 0;
    }

    pub(super) fn lag(&self, now: Instant) -> Lag {
        let oldest = self.kept.get(self.kept.partition_point(|kept| kept.number <= self.done));
        let time = oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest.since));
        let bytes = if self.done == self.last { 0 } else { self.total_bytes - self.done_bytes };
        Lag { bytes, time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit_bytes: u64, count: u64) -> Backlog {
        let mut backlog = Backlog::new(limit_bytes);
        for _ in 0..count {
            backlog.push(&Item::Beat, Instant::now());
        }
        backlog
    }

    #[test]
    fn a_standby_goes_on_where_it_was_as_long_as_what_follows_is_kept() {
        let mut backlog = filled(13 * 3, 5);
        let lineage = backlog.lineage();
        let goes_on: Vec<u64> = (0..8).filter(|number| backlog.can_go_on(lineage, *number)).collect();
        assert_eq!(goes_on, [2, 3, 4, 5]);
        assert!(!backlog.can_go_on(Uuid::nil(), 4), "another run's numbers say nothing");
        let (pieces, reached) = backlog.after(3).expect("it is kept");
        assert_eq!((pieces.len(), reached), (2, 5));
        assert_eq!(backlog.after(1), Err(Gone));
        assert_eq!(backlog.after(5).expect("nothing is missing").0.len(), 0);
        backlog.begin_anew();
        assert!(!backlog.can_go_on(lineage, 5) && backlog.can_go_on(backlog.lineage(), 5));
        assert_eq!(backlog.push(&Item::Beat, Instant::now()), 6);
    }

    #[test]
    fn what_is_done_out_of_order_counts_by_itself_until_the_rest_is() {
        let mut backlog = filled(u64::MAX, 6);
        backlog.confirm(1, vec![3, 4, 99]);
        let done = |backlog: &Backlog| (1..=6).filter(|number| backlog.is_done(*number)).collect::<Vec<_>>();
        assert_eq!(done(&backlog), [1, 3, 4]);
        assert_eq!(backlog.lag(Instant::now()).bytes, 13 * 5);
        backlog.confirm(0, vec![2]);
        assert_eq!(done(&backlog), [1, 2, 3, 4]);
        assert_eq!(backlog.lag(Instant::now()).bytes, 13 * 2);
        backlog.confirm(60, Vec::new());
        assert_eq!(done(&backlog), [1, 2, 3, 4, 5, 6]);
        assert_eq!(backlog.lag(Instant::now()), Lag::default());
    }
}
