//! `/api/v1/jobs/dead`: what was to be done later, failed too often, and waits for people to decide.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wharf_identity::DeadJob;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;

/// A job that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadJob)]
pub(crate) struct DeadJobBody {
    id: i64,
    /// What sort of job it is: `noun.verb`.
    kind: String,
    /// What it is about: an event, or what the part that enqueued it wrote down.
    #[schema(value_type = Object)]
    payload: Option<Box<RawValue>>,
    /// How often it was tried.
    attempts: i64,
    /// Why it failed the last time.
    last_error: String,
    /// When it was given up.
    dead_at: Moment,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<DeadJobBody>, Problem> {
    Ok(Listed::of(api.identity.list_dead_jobs(&ctx, &query.into()).await?, &uri))
}

pub(crate) async fn retry(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Job>,
) -> Result<StatusCode, Problem> {
    api.identity.retry_job(&ctx, at.job).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn discard(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Job>,
) -> Result<StatusCode, Problem> {
    api.identity.discard_job(&ctx, at.job).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<DeadJob> for DeadJobBody {
    fn from(job: DeadJob) -> Self {
        let DeadJob { id, kind, payload, attempts, last_error, dead_at } = job;
        Self { id, kind, payload: RawValue::from_string(payload).ok(), attempts, last_error, dead_at: Moment(dead_at) }
    }
}
