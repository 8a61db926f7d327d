//! `/api/v1/running`: what runs where, as engines and agents report it by robot token.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::running::Reported;
use wharf_governance::{Happened, Running, RunningQuery, RunningReport};
use wharf_identity::Page;
use wharf_oci::{Digest, ProjectName, RepositoryName};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, RunningAsked};
use crate::authenticate::LoggedIn;
use crate::body::{self, FILE_BYTES};
use crate::moment::Moment;
use crate::problem::Problem;
use crate::text;

/// A container as its host reported it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Running)]
pub(crate) struct RunningBody {
    host: String,
    container: String,
    /// What it runs.
    digest: String,
    repository: Option<String>,
    started_at: Moment,
    /// When its host said so last.
    seen_at: Moment,
    /// When it stopped; nothing where it runs.
    stopped_at: Option<Moment>,
    reported_by: String,
}

/// What the hosts of a project say of their containers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunningReports)]
pub(crate) struct ReportsBody {
    /// The project.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    project: ProjectName,
    /// 1 to 1,000 containers.
    containers: Vec<ReportBody>,
}

/// What a host says of one container: that it runs since then, or that it stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunningReport)]
pub(crate) struct ReportBody {
    host: String,
    container: String,
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    digest: Digest,
    /// The repository that the image came from.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// Since when it runs. Said again and again, so that it is known to run on.
    started_at: Option<Moment>,
    /// When it stopped.
    stopped_at: Option<Moment>,
}

/// What came of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunningReported)]
pub(crate) struct ReportedBody {
    /// How many containers run, or run on.
    running: usize,
    /// How many stopped.
    stopped: usize,
}

pub(crate) async fn report(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(reports): body::Json<ReportsBody, FILE_BYTES>,
) -> Result<Json<ReportedBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &reports.project).await?;
    let project = reports.project;
    let reports: Vec<_> =
        reports.containers.into_iter().map(|report| report.read(&api, &project)).collect::<Result<_, _>>()?;
    let Reported { running, stopped } = api.governance.report_running(&ctx, &warrant, &reports).await?;
    Ok(Json(ReportedBody { running, stopped }))
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(asked, uri): Asked<RunningAsked>,
) -> Result<Listed<RunningBody>, Problem> {
    let (entries, next) = match (asked.project, asked.digest) {
        (Some(project), digest) => {
            let warrant = api.identity.warrant(&ctx, &project).await?;
            let after = asked.after.map(|after| split(&after)).transpose()?;
            let query = RunningQuery { digest, after, limit: asked.limit };
            let (entries, has_more) = api.governance.list_running(&warrant, &query).await?;
            let last = entries.last().filter(|_| has_more);
            let next = last.map(|last| format!("{}|{}", last.host, last.container));
            (entries, next)
        }
        (None, Some(digest)) => {
            let inspect = api.identity.inspect(&ctx).await?;
            (api.governance.find_running(inspect, &digest).await?, None)
        }
        (None, None) => return Err(Problem::invalid("name a `project`, a `digest`, or both")),
    };
    Ok(Listed::of(Page { entries, next }, &uri))
}

fn split(after: &str) -> Result<(String, String), Problem> {
    let parts = after.split_once('|').map(|(host, container)| (host.to_owned(), container.to_owned()));
    parts.ok_or_else(|| Problem::invalid("`after` is what `next` of the page before said"))
}

impl ReportBody {
    fn read(self, api: &Api, project: &ProjectName) -> Result<RunningReport, Problem> {
        let repository = self.repository.map(|repository| api.own_repository(project, &repository)).transpose()?;
        let what = match (self.started_at, self.stopped_at) {
            (_, Some(stopped)) => Happened::Stopped(stopped.0),
            (Some(started), None) => Happened::Started(started.0),
            (None, None) => return Err(Problem::invalid("say `started_at` or `stopped_at` of each container")),
        };
        Ok(RunningReport { digest: self.digest, repository, host: self.host, container: self.container, what })
    }
}

impl From<Running> for RunningBody {
    fn from(running: Running) -> Self {
        Self {
            host: running.host,
            container: running.container,
            digest: running.digest.to_string(),
            repository: running.repository,
            started_at: Moment(running.started_at),
            seen_at: Moment(running.seen_at),
            stopped_at: running.stopped_at.map(Moment),
            reported_by: running.reported_by,
        }
    }
}
