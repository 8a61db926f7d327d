//! Runs and plans of retention: begun by people or by the schedule, judged and executed by a job, kept with every verdict.

use serde_json::json;
use wharf_context::{Context, Govern, InspectProject, ProjectId, RunRetention, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, NewJob, Tx};
use wharf_oci::{Digest, ProjectName, RepositoryName, Tag};

use super::docket::{Bench, Docket, Fates, JUDGED, Judged, ReadBefore};
use super::rule::{Action, Moment, Verdict};
use super::{job, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::policy::{self, Policy};

/// How many repositories are listed at a time.
const REPOSITORIES: usize = 200;
/// How many items or runs a page has where nothing is said, and at most.
const PAGE_ENTRIES: usize = 100;
const MAX_PAGE_ENTRIES: usize = 1_000;

/// What is wanted of retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewRun {
    /// Only to be told what would go.
    Plan,
    /// That it goes.
    Run,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Tags are being judged.
    Judging,
    /// What goes is being retired.
    Executing,
    /// It has ended.
    Done,
    /// It has ended early; `why` says why.
    GivenUp,
}

impl RunState {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judging => "judging",
            Self::Executing => "executing",
            Self::Done => "done",
            Self::GivenUp => "given_up",
        }
    }
}

/// A run, or a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// What was wanted.
    pub wanted: NewRun,
    /// How far it is.
    pub state: RunState,
    /// The policy that it goes by.
    pub policy_revision: i64,
    /// Who began it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// The moment that ages are taken at.
    pub judged_at: Timestamp,
    /// How much of the bytes that the project may use it used then.
    pub fill_percent: Option<u32>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended early.
    pub why: Option<String>,
    /// Tags so far.
    pub counts: Counts,
}

/// How many tags of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Stay.
    pub keep: i64,
    /// Are to go to the bin.
    pub delete: i64,
    /// Of these, have gone.
    pub done: i64,
    /// Of these, were left because something about them had changed.
    pub left: i64,
}

/// What was decided about a tag, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place in the run, from 1.
    pub position: i64,
    /// Where.
    pub repository: RepositoryName,
    /// The tag.
    pub tag: Tag,
    /// What it pointed to.
    pub digest: Digest,
    /// Since when.
    pub since: Timestamp,
    /// The verdict.
    pub verdict: Verdict,
    /// What came of it; `None` where nothing was to be done, or has been yet.
    pub outcome: Option<Outcome>,
}

/// What came of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was left, and why.
    Left(String),
}

/// Which verdicts of a run are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemsQuery {
    /// Those with this action.
    pub action: Option<Action>,
    /// Those after this position.
    pub after: Option<i64>,
    /// How many.
    pub limit: Option<usize>,
}

impl Governance {
    /// Begins a run or a plan; a job goes on with it. Of runs, one at a time goes on in a project.
    pub async fn start_retention(
        &self,
        ctx: &Context,
        warrant: &Warrant<RunRetention>,
        wanted: NewRun,
    ) -> Result<Run, Error> {
        let fill_percent = self.fill_percent(warrant.project(), warrant.name()).await?;
        let project = (warrant.project(), warrant.name());
        self.db.transaction(async |tx| begin(tx, ctx, project, (wanted, fill_percent)).await).await
    }

    /// A run or a plan.
    pub async fn get_retention(&self, warrant: &Warrant<SeeGovernance>, id: i64) -> Result<Run, Error> {
        store::find(&self.db, warrant.project(), id).await?.ok_or(Error::RetentionUnknown { id })
    }

    /// A page of a project's runs and plans, the newest first, and where the next one begins.
    pub async fn list_retention(
        &self,
        warrant: &Warrant<SeeGovernance>,
        (before, limit): (Option<i64>, Option<usize>),
    ) -> Result<(Vec<Run>, Option<i64>), Error> {
        let limit = limit.unwrap_or(PAGE_ENTRIES).clamp(1, MAX_PAGE_ENTRIES);
        let mut runs = store::list(&self.db, warrant.project(), before.unwrap_or(i64::MAX), limit + 1).await?;
        let has_more = runs.len() > limit;
        runs.truncate(limit);
        let next = runs.last().filter(|_| has_more).map(|run| run.id);
        Ok((runs, next))
    }

    /// A page of a run's verdicts, in their order, and where the next one begins.
    pub async fn list_retention_items(
        &self,
        warrant: &Warrant<SeeGovernance>,
        id: i64,
        query: ItemsQuery,
    ) -> Result<(Vec<Item>, Option<i64>), Error> {
        self.get_retention(warrant, id).await?;
        let limit = query.limit.unwrap_or(PAGE_ENTRIES).clamp(1, MAX_PAGE_ENTRIES);
        let mut items = store::items(&self.db, id, query, limit + 1).await?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|item| item.position);
        Ok((items, next))
    }

    /// What the rules in force say of one tag at this moment, and why.
    pub async fn explain_retention(
        &self,
        warrant: &Warrant<SeeGovernance>,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Verdict, Error> {
        let (project, name) = (warrant.project(), warrant.name());
        let policy = self.get_policy(warrant).await?.policy;
        let moment = Moment { now: self.db.clock().now(), fill_percent: self.fill_percent(project, name).await? };
        let bench = self.bench(&policy, moment);
        let mut docket = Docket::open(&self.db, Govern::decided(project), repository).await?;
        let judge = docket.judge(bench);
        docket.only(tag);
        let mut fates = Fates::of(&docket);
        let (db, tags, by) = (&self.db, docket.ordinary(), (bench, &judge));
        let read = docket.read_before(self, by, tags).await?;
        let judged = db.transaction(async |tx| docket.judge_some(tx, by, (tags, &read)).await).await?;
        judged.iter().for_each(|judged| fates.note(judged));
        let attached = docket.judge_attached((db, bench), &fates).await?;
        let found = judged.into_iter().chain(attached).find(|(tagged, _)| tagged.tag == *tag);
        let unknown = || Error::TagUnknown { repository: repository.clone(), tag: tag.clone() };
        Ok(found.ok_or_else(unknown)?.1)
    }

    /// How much of the bytes that a project may use it uses, in percent.
    pub(super) async fn fill_percent(&self, id: ProjectId, name: &ProjectName) -> Result<Option<u32>, Error> {
        let quota = self.registry.get_quota(&InspectProject { id, name: name.clone() }).await?;
        let Some(limit) = quota.limits.bytes.hard else { return Ok(None) };
        let percent = i128::from(quota.usage.bytes.max(0)) * 100 / i128::from(limit.max(1));
        Ok(Some(u32::try_from(percent).unwrap_or(u32::MAX)))
    }

    /// Judges all tags of a project and writes the verdicts down. Begins anew what was broken off.
    pub(super) async fn judge_run(&self, run: &Run, project: ProjectId, policy: &Policy) -> Result<(), Error> {
        self.db.transaction(async |tx| store::forget_items(tx, run.id).await).await?;
        let govern = Govern::decided(project);
        let moment = Moment { now: run.judged_at, fill_percent: run.fill_percent };
        let bench = self.bench(policy, moment);
        let (mut last, mut position) = (String::new(), 0);
        loop {
            let (registry, after) = (&self.registry, &last);
            let (repositories, next) = self
                .db
                .transaction(async |tx| {
                    Ok::<_, Error>(registry.governed_repositories(tx, govern, (after, REPOSITORIES)).await?)
                })
                .await?;
            for repository in &repositories {
                let docket = Docket::open(&self.db, govern, repository).await?;
                position = self.judge_repository((run.id, position), &docket, bench).await?;
            }
            match next {
                Some(next) => last = next.to_string(),
                None => return Ok(()),
            }
        }
    }

    fn bench<'a>(&'a self, policy: &'a Policy, moment: Moment) -> Bench<'a> {
        Bench { registry: &self.registry, retention: &policy.retention, forms: &policy.tags, moment }
    }

    /// Judges one repository. Gives the last position.
    async fn judge_repository(
        &self,
        (run, mut position): (i64, i64),
        docket: &Docket,
        bench: Bench<'_>,
    ) -> Result<i64, Error> {
        let judge = &docket.judge(bench);
        let mut fates = Fates::of(docket);
        for some in docket.ordinary().chunks(JUDGED) {
            let from = position;
            let read: &[ReadBefore] = &docket.read_before(self, (bench, judge), some).await?;
            let judged = self
                .db
                .transaction(async |tx| {
                    let judged = docket.judge_some(tx, (bench, judge), (some, read)).await?;
                    store::insert_items(tx, (run, from), &docket.repository, &judged).await?;
                    Ok::<Vec<Judged<'_>>, Error>(judged)
                })
                .await?;
            position += i64::try_from(judged.len()).unwrap_or(0);
            judged.iter().for_each(|judged| fates.note(judged));
        }
        let attached = docket.judge_attached((&self.db, bench), &fates).await?;
        for some in attached.chunks(JUDGED) {
            let from = position;
            self.db
                .transaction(async |tx| store::insert_items(tx, (run, from), &docket.repository, some).await)
                .await?;
            position += i64::try_from(some.len()).unwrap_or(0);
        }
        Ok(position)
    }
}

/// Begins a run or a plan in a transaction.
pub(super) async fn begin(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (project, name): (ProjectId, &ProjectName),
    (wanted, fill_percent): (NewRun, Option<u32>),
) -> Result<Run, Error> {
    if wanted == NewRun::Run && store::is_going_on(tx, project).await? {
        return Err(Error::RetentionRunning { project: name.clone() });
    }
    let revision = policy::in_force(tx, project).await?.revision;
    let now = tx.now();
    let run = Run {
        id: 0,
        wanted,
        state: RunState::Judging,
        policy_revision: revision,
        started_by: ctx.caller.name.clone(),
        started_at: now,
        judged_at: now,
        fill_percent,
        ended_at: None,
        why: None,
        counts: Counts::default(),
    };
    let run = Run { id: store::insert(tx, project, &run).await?, ..run };
    let payload = json!({ "run": run.id, "project": project.0, "name": name.as_str() }).to_string();
    tx.enqueue(NewJob { kind: job::JUDGE, payload, run_at: now }).await?;
    let details = json!({ "run": run.id, "is_plan": wanted == NewRun::Plan, "policy_revision": revision });
    tx.audit(&AuditEntry::new(ctx, "retention.start", name.as_str()).with_details(details)).await?;
    Ok(run)
}
