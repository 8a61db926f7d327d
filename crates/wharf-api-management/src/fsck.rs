//! `/api/v1/fsck`: whether everything is where it should be, and as it should be.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_registry::{Finding, FsckOptions, FsckRun, FsckState};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, FindingsQuery};
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::route::PREFIX;

/// How to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FsckOptions)]
pub(crate) struct OptionsBody {
    /// Whether the bytes of all blobs are read and hashed; without it only their sizes are looked at.
    #[serde(default = "yes")]
    reads_bytes: bool,
    /// How many bytes are read in a second at most; without it, as many as the server's setting says. 0 is no limit.
    bytes_per_second: Option<u64>,
}

/// A check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fsck)]
pub(crate) struct RunBody {
    /// Its number.
    run: i64,
    state: StateWord,
    started_by: String,
    started_at: Moment,
    ended_at: Option<Moment>,
    reads_bytes: bool,
    /// 0 is no limit.
    bytes_per_second: u64,
    looked_at: CountsBody,
    /// How many blobs there were when it began.
    expected_blobs: u64,
    /// How many bytes they had.
    expected_bytes: u64,
    findings: FindingsBody,
}

/// Whether it goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FsckState)]
pub(crate) enum StateWord {
    Running,
    Done,
    Cancelled,
}

/// What has been looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FsckCounts)]
pub(crate) struct CountsBody {
    manifests: u64,
    tags: u64,
    blobs: u64,
    read_bytes: u64,
    /// Things in the blob store.
    stored: u64,
    uploads: u64,
}

/// How many things were found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FsckFindings)]
pub(crate) struct FindingsBody {
    /// Somebody has to see to them.
    open: u64,
    /// As they should be again.
    repaired: u64,
    /// Kept, and served to nobody.
    quarantined: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FsckFinding)]
pub(crate) struct FindingBody {
    id: i64,
    /// `manifest_digest`, `blob_unknown`, `tag_dangling`, `blob_missing`, `blob_size`, `blob_digest`, `bytes_unknown` or
    /// `upload_lost`.
    problem: String,
    /// The digest, tag, upload or storage key that it is about.
    subject: String,
    repository: Option<String>,
    details: String,
    /// `open`, `repaired` or `quarantined`.
    resolution: String,
    found_at: Moment,
}

fn yes() -> bool {
    true
}

pub(crate) async fn show(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<RunBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    Ok(Json(api.registry.get_fsck(inspect).await?.into()))
}

pub(crate) async fn start(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(options): body::Json<OptionsBody>,
) -> Result<Created<RunBody>, Problem> {
    let maintain = api.identity.maintain(&ctx).await?;
    let bytes_per_second = options.bytes_per_second.unwrap_or(api.settings.fsck_bytes_per_second);
    let options = FsckOptions { reads_bytes: options.reads_bytes, bytes_per_second };
    let run = api.registry.start_fsck(maintain, &ctx, options).await?;
    Ok(Created { location: format!("{PREFIX}/fsck"), body: run.into() })
}

pub(crate) async fn cancel(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<axum::http::StatusCode, Problem> {
    let maintain = api.identity.maintain(&ctx).await?;
    api.registry.cancel_fsck(maintain, &ctx).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

pub(crate) async fn list_findings(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<FindingsQuery>,
) -> Result<Listed<FindingBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    let run = match query.run {
        Some(run) => run,
        None => api.registry.get_fsck(inspect).await?.id,
    };
    let page = api.registry.list_fsck_findings(inspect, run, query.after.unwrap_or(0), query.limit).await?;
    Ok(Listed::of_registry(page, &uri, |finding| finding.id.to_string()))
}

impl From<FsckRun> for RunBody {
    fn from(run: FsckRun) -> Self {
        let counts = run.counts;
        Self {
            run: run.id,
            state: match run.state {
                FsckState::Running => StateWord::Running,
                FsckState::Done => StateWord::Done,
                FsckState::Cancelled => StateWord::Cancelled,
            },
            started_by: run.started_by,
            started_at: Moment(run.started_at),
            ended_at: run.ended_at.map(Moment),
            reads_bytes: run.options.reads_bytes,
            bytes_per_second: run.options.bytes_per_second,
            looked_at: CountsBody {
                manifests: counts.manifests,
                tags: counts.tags,
                blobs: counts.blobs,
                read_bytes: counts.read_bytes,
                stored: counts.stored,
                uploads: counts.uploads,
            },
            expected_blobs: run.expected_blobs,
            expected_bytes: run.expected_bytes,
            findings: FindingsBody { open: run.open, repaired: run.repaired, quarantined: run.quarantined },
        }
    }
}

impl From<Finding> for FindingBody {
    fn from(finding: Finding) -> Self {
        Self {
            id: finding.id,
            problem: finding.problem.name().to_owned(),
            subject: finding.subject,
            repository: finding.repository,
            details: finding.details,
            resolution: finding.resolution.name().to_owned(),
            found_at: Moment(finding.found_at),
        }
    }
}
