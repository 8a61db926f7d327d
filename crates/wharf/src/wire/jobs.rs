//! What is done later: who hears of which events, and who does which job. Each is one list, a line per subscriber and job.

use std::pin::Pin;

use wharf_archive::{Archives, archive};
use wharf_db::{Db, Job, Subscription, Worker, WorkerSettings};
use wharf_governance::{Error, Governance, lineage, promotion, rebuild, retention, search, standard, webhook};

/// Who hears of which events: each gets a job in the transaction that announces one.
pub(super) fn subscriptions() -> Vec<Subscription> {
    vec![
        lineage::job::subscription(),
        standard::job::subscription(),
        webhook::job::subscription(),
        search::index::subscription(),
    ]
}

/// What takes the jobs of any node and runs them.
pub(super) fn worker(db: Db, governance: &Governance, archives: &Archives) -> Worker {
    let see = by(governance, |it, job| Box::pin(async move { it.see(&job).await }));
    let catch_up = by(governance, |it, job| Box::pin(async move { it.catch_up(&job).await }));
    let open_rebuild = by(governance, |it, job| Box::pin(async move { it.open_rebuild(&job).await }));
    let check = by(governance, |it, job| Box::pin(async move { it.check_standards(&job).await }));
    let fan_out = by(governance, |it, job| Box::pin(async move { it.fan_out(&job).await }));
    let index = by(governance, |it, job| Box::pin(async move { it.index(&job).await }));
    let advance = by(governance, |it, job| Box::pin(async move { it.advance_promotion(&job).await }));
    let transfer = by(governance, |it, job| Box::pin(async move { it.transfer(&job).await }));
    let judge = by(governance, |it, job| Box::pin(async move { it.judge_retention(&job).await }));
    let execute = by(governance, |it, job| Box::pin(async move { it.execute_retention(&job).await }));
    let begin_due = by(governance, |it, job| Box::pin(async move { it.begin_due_retention(&job).await }));
    let store = of(archives, |it, job| Box::pin(async move { it.store_archive(&job).await }));
    let bring_back = of(archives, |it, job| Box::pin(async move { it.bring_back_archive(&job).await }));
    Worker::new(db, WorkerSettings::default())
        .handle(lineage::job::SEE, see)
        .handle(lineage::catch_up::CATCH_UP, catch_up)
        .handle(rebuild::job::OPEN, open_rebuild)
        .handle(standard::job::CHECK, check)
        .handle(webhook::job::JOB, fan_out)
        .handle(search::index::JOB, index)
        .handle(promotion::job::ADVANCE, advance)
        .handle(promotion::transfer::TRANSFER, transfer)
        .handle(retention::job::JUDGE, judge)
        .handle(retention::job::EXECUTE, execute)
        .handle(retention::job::DUE, begin_due)
        .handle(archive::job::STORE, store)
        .handle(archive::job::RESTORE, bring_back)
}

type Running = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A handler by a use case of governance.
fn by(governance: &Governance, run: fn(Governance, Job) -> Running) -> impl Fn(Job) -> Running + Send + Sync + 'static {
    let governance = governance.clone();
    move |job| run(governance.clone(), job)
}

type Moving = Pin<Box<dyn Future<Output = Result<(), wharf_archive::Error>> + Send>>;

/// A handler by a use case of archives.
fn of(archives: &Archives, run: fn(Archives, Job) -> Moving) -> impl Fn(Job) -> Moving + Send + Sync + 'static {
    let archives = archives.clone();
    move |job| run(archives.clone(), job)
}
