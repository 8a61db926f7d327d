//! What is done later: who hears of which events, and who does which job. Each is one list, a line per subscriber and job.

use wharf_db::{Db, Subscription, Worker, WorkerSettings};

/// Who hears of which events: each gets a job in the transaction that announces one.
pub(super) fn subscriptions() -> Vec<Subscription> {
    Vec::new()
}

/// What takes the jobs of any node and runs them.
pub(super) fn worker(db: Db) -> Worker {
    Worker::new(db, WorkerSettings::default())
}
