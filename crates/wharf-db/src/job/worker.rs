//! Runs jobs: takes what is due, renews leases, tries again what failed.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::{Job, store};
use crate::backoff;
use crate::db::{Db, Isolation};
use crate::error::Error;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;
type Handler = Arc<dyn Fn(Job) -> Running + Send + Sync>;

/// How far this node's clock may be behind the database's.
const SKEW: Duration = Duration::from_secs(5);

/// How jobs are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Jobs that run at the same time at most.
    pub parallel: usize,
    /// How often to look for jobs of other nodes, and for those that are to run later.
    pub poll: Duration,
    /// After how long without a sign of life another worker takes a job over.
    pub lease: Duration,
    /// How often a job is tried before it is given up.
    pub attempts: u32,
    /// How long to wait after the first failure; twice as long after each further one.
    pub first_pause: Duration,
    /// How long to wait at most.
    pub longest_pause: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            parallel: 8,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(60),
            attempts: 16,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3600),
        }
    }
}

/// Takes jobs of the kinds that it has handlers for, and runs them.
#[derive(Clone)]
pub struct Worker {
    db: Db,
    settings: WorkerSettings,
    handlers: BTreeMap<&'static str, Handler>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("settings", &self.settings).field("kinds", &self.handlers.keys()).finish()
    }
}

impl Worker {
    /// A worker without handlers.
    pub fn new(db: Db, settings: WorkerSettings) -> Self {
        Self { db, settings, handlers: BTreeMap::new() }
    }

    /// Runs jobs of `kind` with `handler`. What it fails with stands in the list of dead jobs in the end.
    #[must_use]
    pub fn handle<H, R, E>(mut self, kind: &'static str, handler: H) -> Self
    where
        H: Fn(Job) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure>,
    {
        let handler: Handler = Arc::new(move |job| {
            let running = handler(job);
            Box::pin(async { running.await.map_err(Into::into) })
        });
        self.handlers.insert(kind, handler);
        self
    }

    /// Runs jobs until `stop` is ready; then takes no more and waits for those that run.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut poll = interval(self.settings.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut enqueued = self.db.enqueued();
        let mut stop = pin!(stop);
        loop {
            self.start_due(&mut running).await;
            let has_room = running.len() < self.settings.parallel;
            tokio::select! {
                () = &mut stop => break,
                _ = running.join_next(), if !running.is_empty() => {}
                _ = poll.tick() => self.measure().await,
                _ = enqueued.changed(), if has_room => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Brings the figures of what waits up to date, for whoever shows them.
    async fn measure(&self) {
        let counters = self.db.counters();
        if let Ok(delay) = self.db.job_delay(self.db.rough_now()).await {
            counters.jobs_delay_seconds.set(delay.as_secs());
        }
        if let Ok(dead) = store::count_dead(&self.db).await {
            counters.jobs_dead.set(dead);
        }
    }

    /// Takes as many jobs as there is room for.
    async fn start_due(&self, running: &mut JoinSet<()>) {
        let room = u32::try_from(self.settings.parallel.saturating_sub(running.len())).unwrap_or(u32::MAX);
        if room == 0 {
            return;
        }
        match self.take(room).await {
            Ok(jobs) => {
                for job in jobs {
                    running.spawn(self.clone().run_one(job));
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for jobs; trying again"),
        }
    }

    async fn take(&self, room: u32) -> Result<Vec<Job>, Error> {
        // A look that costs no transaction: most of the time there is nothing.
        let soon = self.db.rough_now().plus(SKEW);
        if store::first_due(&self.db).await?.is_none_or(|due| due > soon) {
            return Ok(Vec::new());
        }
        let kinds: Vec<&str> = self.handlers.keys().copied().collect();
        let kinds = serde_json::Value::from(kinds).to_string();
        let lease = self.settings.lease;
        let take = async |tx: &mut crate::Tx<'_>| store::take(tx, &kinds, room, lease).await;
        self.db.transaction_at(Isolation::ReadCommitted, take).await
    }

    async fn run_one(self, job: Job) {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else { return };
        let counters = self.db.counters();
        let ended = match self.guard(handler, &job).await {
            Ok(()) => self.complete(&job).await.inspect(|()| counters.jobs_succeeded.count()),
            Err(failure) => {
                self.failed(&job, &chain(failure.as_ref())).await.inspect(|()| counters.jobs_failed.count())
            }
        };
        if let Err(error) = ended {
            // The lease ends by itself, and the job is run again.
            tracing::warn!(%error, job = job.id, kind = job.kind, "cannot write down how a job ended");
        }
    }

    /// Runs the handler on a task of its own, so that a panic is only a failure, and renews the lease meanwhile.
    async fn guard(&self, handler: &Handler, job: &Job) -> Result<(), Failure> {
        let mut task = JoinSet::new();
        let (handler, own) = (Arc::clone(handler), job.clone());
        task.spawn(async move { handler(own).await });
        let mut renewal = interval(self.settings.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                ended = task.join_next() => return match ended {
                    Some(Ok(result)) => result,
                    Some(Err(error)) => Err(format!("the handler panicked: {error}").into()),
                    None => Err("the handler is gone".into()),
                },
                _ = renewal.tick() => self.renew(job).await?,
            }
        }
    }

    /// Only a lease that is lost ends the job: what else goes wrong may be better at the next renewal.
    async fn renew(&self, job: &Job) -> Result<(), Failure> {
        match self.db.renew(&job.lease, self.settings.lease).await {
            Err(error @ Error::LeaseLost { .. }) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, job = job.id, "cannot renew a job's lease; trying again");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Ends the job, unless its handler has done so.
    async fn complete(&self, job: &Job) -> Result<(), Error> {
        match self.db.transaction(async |tx| store::complete(tx, &job.lease).await).await {
            Err(Error::LeaseLost { .. }) => Ok(()),
            other => other,
        }
    }

    async fn failed(&self, job: &Job, why: &str) -> Result<(), Error> {
        if job.attempts >= self.settings.attempts {
            tracing::error!(job = job.id, kind = job.kind, why, "a job failed for the last time");
            self.db.counters().jobs_buried.count();
            return self.db.transaction(async |tx| store::bury(tx, job, why).await).await;
        }
        let pause = backoff::pause(self.settings.first_pause, self.settings.longest_pause, job.attempts - 1);
        tracing::warn!(job = job.id, kind = job.kind, why, ?pause, "a job failed and will be tried again");
        self.db.transaction(async |tx| store::postpone(tx, job, tx.now().plus(pause), why).await).await
    }
}

/// An error with its causes, without the NULs that the database would refuse.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|error| error.to_string().replace('\0', "")).collect::<Vec<_>>().join(": ")
}
