//! The catalog's figures in the form that `/metrics` shows.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use wharf_db::{Db, Figures};

/// One figure: its name, what it counts, and where it is found.
type Line = (&'static str, &'static str, fn(&Figures) -> u64);

/// What only grows.
const COUNTERS: [Line; 14] = [
    ("wharf_db_transactions_committed", "Transactions that ended well", |figures| figures.committed),
    ("wharf_db_transactions_rolled_back", "Transactions that were rolled back", |figures| figures.rolled_back),
    ("wharf_db_transactions_retried", "Attempts that others got in the way of", |figures| figures.retried),
    ("wharf_db_commits", "Commits; on SQLite one serves many transactions", |figures| figures.commits),
    ("wharf_db_batches_lost", "Commits that failed", |figures| figures.lost_batches),
    ("wharf_db_checkpoints", "Times that the SQLite log was written back", |figures| figures.checkpoints),
    ("wharf_db_waits", "Waits for the writer or a connection", |figures| figures.waits),
    ("wharf_db_waited_microseconds", "How long these waits took together", |figures| figures.waited_micros),
    ("wharf_db_gets", "Point reads", |figures| figures.gets),
    ("wharf_db_lists", "Scans", |figures| figures.lists),
    ("wharf_db_statements_too_long", "Statements that were ended for taking too long", |figures| figures.too_long),
    ("wharf_jobs_succeeded", "Jobs that ended well", |figures| figures.jobs_succeeded),
    ("wharf_jobs_failed", "Attempts at jobs that failed", |figures| figures.jobs_failed),
    ("wharf_jobs_buried", "Jobs that were given up", |figures| figures.jobs_buried),
];

/// A registry with the catalog's figures.
pub(super) fn registry(db: Db) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Catalog(db)));
    registry
}

#[derive(Debug)]
struct Catalog(Db);

impl Collector for Catalog {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let figures = self.0.figures();
        for (name, help, read) in COUNTERS {
            let counter = ConstCounter::new(read(&figures));
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let largest = ConstGauge::new(i64::try_from(figures.largest_batch).unwrap_or(i64::MAX));
        let help = "Transactions that one commit served at most";
        largest.encode(encoder.encode_descriptor("wharf_db_largest_batch", help, None, largest.metric_type())?)
    }
}
