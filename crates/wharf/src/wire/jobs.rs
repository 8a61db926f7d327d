//! What is done later: who hears of which events, and who does which job. Each is one list, a line per subscriber and job.

use wharf_db::{Db, Subscription, Worker, WorkerSettings};
use wharf_governance::{Governance, search, webhook};

/// Who hears of which events: each gets a job in the transaction that announces one.
pub(super) fn subscriptions() -> Vec<Subscription> {
    vec![webhook::job::subscription(), search::index::subscription()]
}

/// What takes the jobs of any node and runs them.
pub(super) fn worker(db: Db, governance: &Governance) -> Worker {
    let (fanning, indexing) = (governance.clone(), governance.clone());
    Worker::new(db, WorkerSettings::default())
        .handle(webhook::job::JOB, move |job| {
            let governance = fanning.clone();
            async move { governance.fan_out(&job).await }
        })
        .handle(search::index::JOB, move |job| {
            let governance = indexing.clone();
            async move { governance.index(&job).await }
        })
}
