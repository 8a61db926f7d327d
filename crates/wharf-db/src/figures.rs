//! Counters of what the database does, for whoever shows metrics. Counting costs an atomic addition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was counted since the database was opened. Times are microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions that ended well.
    pub committed: u64,
    /// Transactions that were rolled back: their closure failed or was dropped, or the commit failed.
    pub rolled_back: u64,
    /// Attempts that another transaction got in the way of, and that were repeated.
    pub retried: u64,
    /// Commits of the database. On SQLite one serves many transactions.
    pub commits: u64,
    /// The largest number of transactions that one commit served.
    pub largest_batch: u64,
    /// Commits that failed and took all their transactions with them.
    pub lost_batches: u64,
    /// Times that the SQLite log was written back.
    pub checkpoints: u64,
    /// Times that a transaction or statement had to wait for the writer or a connection.
    pub waits: u64,
    /// How long they waited together.
    pub waited_micros: u64,
    /// Point reads.
    pub gets: u64,
    /// Scans.
    pub lists: u64,
    /// Statements that were ended because they took too long.
    pub too_long: u64,
    /// Jobs whose handler ended well.
    pub jobs_succeeded: u64,
    /// Attempts at jobs that failed.
    pub jobs_failed: u64,
    /// Jobs that were given up.
    pub jobs_buried: u64,
    /// Jobs of all nodes that were given up and that nobody has decided about, as far as they were counted.
    pub jobs_dead: u64,
    /// For how many seconds the job that waits longest has been due.
    pub jobs_delay_seconds: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) committed: Counter,
    pub(crate) rolled_back: Counter,
    pub(crate) retried: Counter,
    pub(crate) commits: Counter,
    pub(crate) largest_batch: Counter,
    pub(crate) lost_batches: Counter,
    pub(crate) checkpoints: Counter,
    pub(crate) waits: Counter,
    pub(crate) waited_micros: Counter,
    pub(crate) gets: Counter,
    pub(crate) lists: Counter,
    pub(crate) too_long: Counter,
    pub(crate) jobs_succeeded: Counter,
    pub(crate) jobs_failed: Counter,
    pub(crate) jobs_buried: Counter,
    pub(crate) jobs_dead: Counter,
    pub(crate) jobs_delay_seconds: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn raise_to(&self, value: usize) {
        self.0.fetch_max(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For what rises and falls.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn waited(&self, time: Duration) {
        self.waits.count();
        self.waited_micros.0.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            committed: self.committed.get(),
            rolled_back: self.rolled_back.get(),
            retried: self.retried.get(),
            commits: self.commits.get(),
            largest_batch: self.largest_batch.get(),
            lost_batches: self.lost_batches.get(),
            checkpoints: self.checkpoints.get(),
            waits: self.waits.get(),
            waited_micros: self.waited_micros.get(),
            gets: self.gets.get(),
            lists: self.lists.get(),
            too_long: self.too_long.get(),
            jobs_succeeded: self.jobs_succeeded.get(),
            jobs_failed: self.jobs_failed.get(),
            jobs_buried: self.jobs_buried.get(),
            jobs_dead: self.jobs_dead.get(),
            jobs_delay_seconds: self.jobs_delay_seconds.get(),
        }
    }
}
