//! What runs where: containers as engines and Kubernetes agents report them, by robot token.
//!
//! What runs is never removed. A host that reports no more may be cut off while its containers go on, so what it reported last
//! counts as running for a time that the policy says ([`crate::retention::Retention::running_lease`]).

pub(crate) mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use wharf_context::{Context, Govern, Inspect, ProjectId, ReportRunning, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, RepositoryName};
use wharf_registry::Registry;

use crate::error::Error;
use crate::governance::Governance;
use crate::policy;

/// The most containers of one report.
pub const MAX_REPORTS: usize = 1_000;
/// The longest name of a host or a container, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// How far a host's clock may be ahead.
const SKEW: Duration = Duration::from_secs(24 * 3600);
/// For how long it is told what has stopped.
const STOPPED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many containers a page has where nothing is said, and at most.
const PAGE_ENTRIES: usize = 100;
const MAX_PAGE_ENTRIES: usize = 1_000;

/// What a host says of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningReport {
    /// The manifest that it runs: an image, or the index that it was chosen from.
    pub digest: Digest,
    /// The repository that the image came from.
    pub repository: Option<RepositoryName>,
    /// The host.
    pub host: String,
    /// The container, unique on its host.
    pub container: String,
    /// What happened.
    pub what: Happened,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It runs since then; said again, it still does.
    Started(Timestamp),
    /// It stopped then.
    Stopped(Timestamp),
}

/// A container as it was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The project that reported it.
    pub project: i64,
    /// The host.
    pub host: String,
    /// The container.
    pub container: String,
    /// What it runs.
    pub digest: Digest,
    /// The repository that it came from.
    pub repository: Option<String>,
    /// Since when.
    pub started_at: Timestamp,
    /// When its host said so last.
    pub seen_at: Timestamp,
    /// When it stopped; it has not where nothing is said.
    pub stopped_at: Option<Timestamp>,
    /// Which account said so.
    pub reported_by: String,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// How many containers run, or run on.
    pub running: usize,
    /// How many stopped.
    pub stopped: usize,
}

/// Which containers are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningQuery {
    /// Those that run this.
    pub digest: Option<Digest>,
    /// The last one of the page before: host and container.
    pub after: Option<(String, String)>,
    /// How many.
    pub limit: Option<usize>,
}

impl Governance {
    /// Takes a host's report, all or nothing.
    pub async fn report_running(
        &self,
        ctx: &Context,
        warrant: &Warrant<ReportRunning>,
        reports: &[RunningReport],
    ) -> Result<Reported, Error> {
        check(reports)?;
        let project = warrant.project();
        self.db
            .transaction(async |tx| {
                let now = tx.now();
                if let Some(late) = reports.iter().find(|report| moment(report) > now.plus(SKEW)) {
                    let reason = format!("container `{}` started or stopped in the future", late.container);
                    return Err(Error::ReportInvalid { reason });
                }
                let (started, stopped) = split(reports);
                let known = store::known(tx, project, &started).await?;
                store::start(tx, ctx, project, &started).await?;
                let stopped = store::stop(tx, ctx, project, &stopped).await?;
                store::forget(tx, project, now.minus(STOPPED_KEPT)).await?;
                let reported = Reported { running: started.len(), stopped };
                // That all is as it was before is no change, and hosts say it every minute.
                if started.len() > known || stopped > 0 {
                    let details =
                        json!({ "running": reported.running, "new": started.len() - known, "stopped": stopped });
                    let entry = AuditEntry::new(ctx, "running.report", warrant.name().as_str());
                    tx.audit(&entry.with_details(details)).await?;
                }
                Ok(reported)
            })
            .await
    }

    /// A page of a project's containers in the order of their hosts, and whether more follow.
    pub async fn list_running(
        &self,
        warrant: &Warrant<SeeGovernance>,
        query: &RunningQuery,
    ) -> Result<(Vec<Running>, bool), Error> {
        let limit = query.limit.unwrap_or(PAGE_ENTRIES).clamp(1, MAX_PAGE_ENTRIES);
        let mut running = store::list_page(&self.db, warrant.project(), query, limit + 1).await?;
        let has_more = running.len() > limit;
        running.truncate(limit);
        Ok((running, has_more))
    }

    /// The containers of all projects that run a digest, the first thousand.
    pub async fn find_running(&self, _: Inspect, digest: &Digest) -> Result<Vec<Running>, Error> {
        store::everywhere(&self.db, digest, MAX_PAGE_ENTRIES).await
    }
}

/// Whether a manifest, or something that stands on it, runs.
pub(crate) async fn is_any(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<bool, Error> {
    if !store::is_any_reported(tx, project).await? {
        return Ok(false);
    }
    let lease = policy::in_force(tx, project).await?.policy.retention.running_lease;
    let since = tx.now().minus(lease.duration());
    let kin = Registry::kin(tx, (Govern::decided(project), repository), digest).await?;
    Ok(!store::among(tx, project, &kin, since).await?.is_empty())
}

fn check(reports: &[RunningReport]) -> Result<(), Error> {
    let invalid = |reason: String| Err(Error::ReportInvalid { reason });
    if reports.is_empty() || reports.len() > MAX_REPORTS {
        return invalid(format!("a report is about 1 to {MAX_REPORTS} containers"));
    }
    let is_name = |name: &str| {
        let is_printable = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|');
        (1..=MAX_NAME_BYTES).contains(&name.len()) && is_printable
    };
    match reports.iter().find(|report| !is_name(&report.host) || !is_name(&report.container)) {
        Some(report) => invalid(format!(
            "the names of host `{}` and container `{}` have 1 to {MAX_NAME_BYTES} printable characters of ASCII, no blank and no `|`",
            report.host.escape_debug(),
            report.container.escape_debug()
        )),
        None => Ok(()),
    }
}

fn moment(report: &RunningReport) -> Timestamp {
    match report.what {
        Happened::Started(at) | Happened::Stopped(at) => at,
    }
}

/// Each container once, as the report's last word on it.
fn split(reports: &[RunningReport]) -> (Vec<&RunningReport>, Vec<&RunningReport>) {
    let mut last: BTreeMap<(&str, &str, bool), &RunningReport> = BTreeMap::new();
    for report in reports {
        let is_stop = matches!(report.what, Happened::Stopped(_));
        last.insert((&report.host, &report.container, is_stop), report);
    }
    last.into_values().partition(|report| matches!(report.what, Happened::Started(_)))
}
