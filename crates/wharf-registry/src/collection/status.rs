//! How far collection is: what is due, who is at it, how fast, how long it will take.

use std::time::Duration;

use uuid::Uuid;
use wharf_context::{Inspect, Timestamp};

use super::store::status as store;
use super::{Collected, LEASE};
use crate::error::Error;
use crate::registry::Registry;

/// Counting stops here: what is behind is told as "more than".
pub(super) const COUNTED_TO: u64 = 100_000;
/// How often it is counted for metrics.
const WATCHED_EVERY: Duration = Duration::from_secs(5);

/// One process's last pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionWorker {
    /// The process.
    pub id: Uuid,
    /// When the pass began.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it gave back so far.
    pub collected: Collected,
}

/// What waits to be collected. Numbers end at 100,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Blobs that are due to be looked at.
    pub reviews: u64,
    /// Blobs whose bytes are to be deleted.
    pub deleting: u64,
    /// How many bytes these are.
    pub deleting_bytes: u64,
    /// Manifests whose time in the bin is over.
    pub manifests: u64,
}

/// How far collection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionStatus {
    /// Processes whose last pass was in the last days, the latest first.
    pub workers: Vec<CollectionWorker>,
    /// What is due now.
    pub backlog: Backlog,
    /// Whether some worker is at it.
    pub is_running: bool,
    /// Rows that are dealt with in a second: by those at it now, else in the last pass that had something to do.
    pub rows_per_second: u64,
    /// How long the rest will take at this rate; `None` where nobody can tell.
    pub remaining: Option<Duration>,
}

impl Backlog {
    /// Rows to be dealt with: a blob that is looked at may have to be deleted, too.
    pub fn rows(&self) -> u64 {
        self.reviews + self.deleting + self.manifests
    }
}

impl CollectionWorker {
    fn is_running(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.seen_at.plus(LEASE) > now
    }

    /// Rows in a second.
    fn rate(&self) -> u64 {
        let micros = u64::try_from(self.seen_at.0 - self.started_at.0).unwrap_or(0);
        self.collected.rate(Duration::from_micros(micros))
    }
}

impl Registry {
    /// How far collection is, on all nodes.
    pub async fn collection_status(&self, _: Inspect) -> Result<CollectionStatus, Error> {
        let workers = store::workers(&self.db).await?;
        Ok(judge(workers, self.backlog().await?, self.clock.now()))
    }

    /// Counts what waits, again and again, for whoever shows metrics, until the future is dropped.
    pub(super) async fn watch_backlog(&self) {
        loop {
            match self.backlog().await {
                Ok(backlog) => self.counters.waits(backlog),
                // Collection, which needs the catalog, too, tells about it.
                Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "cannot count what waits"),
            }
            tokio::time::sleep(WATCHED_EVERY).await;
        }
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        let now = self.clock.now();
        store::backlog(&self.db, (now, now.minus(self.settings.bin_keep)), COUNTED_TO).await
    }
}

/// What the figures come to. Pure.
fn judge(workers: Vec<CollectionWorker>, backlog: Backlog, now: Timestamp) -> CollectionStatus {
    let running: u64 = workers.iter().filter(|worker| worker.is_running(now)).map(CollectionWorker::rate).sum();
    let before = || workers.iter().find(|worker| worker.collected.rows() > 0).map_or(0, CollectionWorker::rate);
    let rows_per_second = if running > 0 { running } else { before() };
    let remaining = match (backlog.rows(), rows_per_second) {
        (0, _) => Some(Duration::ZERO),
        (_, 0) => None,
        (rows, rate) => Some(Duration::from_secs(rows.div_ceil(rate))),
    };
    let is_running = workers.iter().any(|worker| worker.is_running(now));
    CollectionStatus { workers, backlog, is_running, rows_per_second, remaining }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(started: i64, seen: i64, ended: Option<i64>, blobs: usize) -> CollectionWorker {
        CollectionWorker {
            id: Uuid::nil(),
            started_at: Timestamp(started * 1_000_000),
            seen_at: Timestamp(seen * 1_000_000),
            ended_at: ended.map(|ended| Timestamp(ended * 1_000_000)),
            collected: Collected { blobs, ..Collected::default() },
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_rate_says() {
        let now = Timestamp(10_000_000);
        let backlog = Backlog { deleting: 3_000, ..Backlog::default() };
        let status = judge(vec![worker(0, 10, None, 10_000), worker(5, 10, None, 10_000)], backlog, now);
        assert_eq!((status.rows_per_second, status.remaining), (3_000, Some(Duration::from_secs(1))));
        assert!(status.is_running);
        let status = judge(vec![worker(5, 6, Some(6), 0), worker(0, 10, Some(10), 1_000)], backlog, now);
        assert_eq!((status.rows_per_second, status.remaining), (100, Some(Duration::from_secs(30))));
        assert!(!status.is_running);
        assert_eq!(judge(Vec::new(), backlog, now).remaining, None);
        assert_eq!(judge(Vec::new(), Backlog::default(), now).remaining, Some(Duration::ZERO));
    }

    #[test]
    fn a_worker_that_is_not_heard_of_is_no_worker() {
        let status = judge(vec![worker(0, 1, None, 5)], Backlog::default(), Timestamp(400_000_000));
        assert!(!status.is_running);
    }
}
