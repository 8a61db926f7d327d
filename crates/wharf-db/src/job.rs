//! What is to be done later, and at least once: rows that any node's [`Worker`] takes.
//!
//! A job is idempotent: a worker that dies leaves it to another, which may repeat what was done. One that fails is
//! tried again, later each time, and in the end stands in the list of dead jobs until people decide. What a job may do
//! only once is done in a transaction that calls [`Tx::complete`].

mod store;
mod worker;

use std::time::Duration;

use wharf_context::Timestamp;

pub use self::worker::{Worker, WorkerSettings};
use crate::db::Db;
use crate::error::Error;
use crate::lease::Lease;
use crate::transaction::Tx;

/// A job to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Whose it is: the name that the worker's handler is registered under.
    pub kind: &'static str,
    /// What the handler has to know, as JSON.
    pub payload: String,
    /// Not before this moment.
    pub run_at: Timestamp,
}

/// A job that was taken to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The job's number.
    pub id: i64,
    /// Whose it is.
    pub kind: String,
    /// What the handler has to know, as JSON.
    pub payload: String,
    /// Which attempt this is, from 1.
    pub attempts: u32,
    /// When the transaction ran that inserted it.
    pub created_at: Timestamp,
    /// The right to run it. Renewed while it runs.
    pub lease: Lease,
}

impl Job {
    /// The payload as a value.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.payload).map_err(|source| Error::Json { what: "a job's payload", source })
    }
}

/// A job that failed too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadJob {
    /// The job's number.
    pub id: i64,
    /// Whose it is.
    pub kind: String,
    /// What the handler had to know.
    pub payload: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed the last time.
    pub last_error: String,
    /// When it was given up.
    pub dead_at: Timestamp,
}

impl Tx<'_> {
    /// Inserts a job; it is there when the transaction is committed.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<i64, Error> {
        self.mark_enqueued();
        store::insert(self, &job).await
    }

    /// Ends a job inside the transaction that does its work. [`Error::LeaseLost`] if another worker has it by now.
    pub async fn complete(&mut self, job: &Job) -> Result<(), Error> {
        store::complete(self, &job.lease).await
    }

    /// Gives a dead job all its attempts again. False where there is no such dead job.
    pub async fn revive_job(&mut self, id: i64) -> Result<bool, Error> {
        self.mark_enqueued();
        store::revive(self, id).await
    }

    /// Forgets a dead job. False where there is no such dead job.
    pub async fn discard_job(&mut self, id: i64) -> Result<bool, Error> {
        store::discard(self, id).await
    }
}

impl Db {
    /// A page of the jobs that failed too often, oldest first, after the one numbered `after`.
    pub async fn dead_jobs(&self, after: i64, limit: u32) -> Result<Vec<DeadJob>, Error> {
        store::dead(self, after, limit).await
    }

    /// For how long the job that waits longest has been due; zero when none is.
    pub async fn job_delay(&self, now: Timestamp) -> Result<Duration, Error> {
        let due = store::first_due(self).await?.map_or(0, |due| now.0.saturating_sub(due.0));
        Ok(Duration::from_micros(u64::try_from(due).unwrap_or(0)))
    }
}
