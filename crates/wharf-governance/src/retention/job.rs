//! The jobs of retention: going on with a run, and beginning one when it is time.

use serde::Deserialize;
use wharf_context::{Caller, Context, Event, Grants, ProjectId, RequestId, Timestamp};
use wharf_db::{Job, NewJob};
use wharf_oci::ProjectName;

use super::run::{NewRun, Run, RunState};
use super::{schedule, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::policy;

/// Judges the tags of a run or a plan.
pub const JUDGE: &str = "retention.judge";
/// Executes what a run has judged.
pub const EXECUTE: &str = "retention.execute";
/// Begins a run, and asks for the next one.
pub const DUE: &str = "retention.due";

/// After how many attempts a run is given up: what fails so often fails for ever, and the next run begins anew.
const ATTEMPTS: u32 = 6;
/// How many runs of a project are kept with their verdicts.
const KEPT_RUNS: i64 = 20;

#[derive(Debug, Deserialize)]
struct Running {
    run: i64,
    project: i64,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Due {
    project: i64,
    name: String,
    due_at: i64,
}

/// Wharf itself.
fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}

/// Why a run is given up whose policy is not in force any more.
const CHANGED: &str = "the policy has changed since it began; begin another run";

impl Governance {
    /// Handles [`JUDGE`].
    pub async fn judge_retention(&self, job: &Job) -> Result<(), Error> {
        let Some((run, project, name)) = self.open_run(job).await? else { return Ok(()) };
        let judged = self.judge(job, (&run, project, &name)).await;
        self.give_up_at_last(job, (&run, project, &name), judged).await
    }

    async fn judge(&self, job: &Job, (run, project, name): (&Run, ProjectId, &str)) -> Result<(), Error> {
        let policy = self.db.transaction(async |tx| policy::in_force(tx, project).await).await?;
        if policy.revision != run.policy_revision {
            return self.end((run, project, name), RunState::GivenUp, Some(CHANGED)).await;
        }
        self.judge_run(run, project, &policy.policy).await?;
        if run.wanted == NewRun::Plan {
            return self.end((run, project, name), RunState::Done, None).await;
        }
        self.db
            .transaction(async |tx| {
                store::move_on(tx, run.id).await?;
                let (payload, run_at) = (job.payload.clone(), tx.now());
                tx.enqueue(NewJob { kind: EXECUTE, payload, run_at }).await?;
                tx.complete(job).await?;
                Ok(())
            })
            .await
    }

    /// Handles [`EXECUTE`].
    pub async fn execute_retention(&self, job: &Job) -> Result<(), Error> {
        let Some((run, project, name)) = self.open_run(job).await? else { return Ok(()) };
        let executed = self.execute_all((&run, project, &name)).await;
        self.give_up_at_last(job, (&run, project, &name), executed).await
    }

    async fn execute_all(&self, (run, project, name): (&Run, ProjectId, &str)) -> Result<(), Error> {
        let retention = self.db.transaction(async |tx| policy::in_force(tx, project).await).await?.policy.retention;
        if self.execute_run(&system(), (run, project), &retention).await? {
            return self.end((run, project, name), RunState::Done, None).await;
        }
        self.end((run, project, name), RunState::GivenUp, Some(CHANGED)).await
    }

    /// The run that a job is about, unless it has ended.
    async fn open_run(&self, job: &Job) -> Result<Option<(Run, ProjectId, String)>, Error> {
        let Running { run, project, name } = job.decode()?;
        let project = ProjectId(project);
        let run = store::find(&self.db, project, run).await?.filter(|run| run.ended_at.is_none());
        Ok(run.map(|run| (run, project, name)))
    }

    async fn give_up_at_last(
        &self,
        job: &Job,
        run: (&Run, ProjectId, &str),
        done: Result<(), Error>,
    ) -> Result<(), Error> {
        match done {
            Err(error) if job.attempts >= ATTEMPTS => self.end(run, RunState::GivenUp, Some(&error.to_string())).await,
            done => done,
        }
    }

    async fn end(
        &self,
        (run, project, name): (&Run, ProjectId, &str),
        state: RunState,
        why: Option<&str>,
    ) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                store::end(tx, run.id, (state, why)).await?;
                store::forget_runs(tx, project, KEPT_RUNS).await?;
                if run.wanted == NewRun::Run {
                    tx.announce(Event::RetentionEnded { project: name.to_owned(), run: run.id }).await?;
                }
                Ok(())
            })
            .await
    }

    /// Handles [`DUE`].
    pub async fn begin_due_retention(&self, job: &Job) -> Result<(), Error> {
        let Due { project, name, due_at } = job.decode()?;
        let malformed = |_| Error::MalformedRow { what: "a job of retention" };
        let (project, name): (_, ProjectName) = (ProjectId(project), name.parse().map_err(malformed)?);
        let fill_percent = self.fill_percent(project, &name).await?;
        self.db
            .transaction(async |tx| {
                let is_due = schedule::next(tx, (project, &name), Timestamp(due_at)).await?;
                // One that is going on does what this one would.
                if is_due && !store::is_going_on(tx, project).await? {
                    super::run::begin(tx, &system(), (project, &name), (NewRun::Run, fill_percent)).await?;
                }
                tx.complete(job).await?;
                Ok(())
            })
            .await
    }
}
