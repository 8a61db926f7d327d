//! `/api/v1/projects/{project}/quota`: what a project may use, and what it uses.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::quota::{Limit, Limits, Quota, Resource};

use crate::api::Api;
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body;
use crate::problem::Problem;

/// What a project may use and what it uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quota)]
pub(crate) struct QuotaBody {
    /// Bytes of the blobs that its repositories link, each once, and of its manifests.
    bytes: UsageBody,
    /// Manifests that are not in the bin.
    manifests: UsageBody,
    /// Whether all that it has was counted: not yet, shortly after the upgrade of a catalog that had no figures.
    is_counted: bool,
}

/// Usage and limits of one resource.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageBody {
    used: i64,
    /// More than this is refused; `null` is no limit.
    hard: Option<i64>,
    /// More than this is told to people; `null` is no limit.
    warn: Option<i64>,
}

/// Limits to be set; what is left out has none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Limits)]
pub(crate) struct LimitsBody {
    /// Bytes of the blobs that its repositories link, each once, and of its manifests.
    #[serde(default)]
    bytes: LimitBody,
    /// Manifests that are not in the bin.
    #[serde(default)]
    manifests: LimitBody,
}

/// The limits of one resource; what is left out is no limit.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Limit)]
pub(crate) struct LimitBody {
    /// More than this is refused.
    #[schema(minimum = 0)]
    hard: Option<i64>,
    /// More than this is told to people: in the audit log, in metrics, and to whoever pushes. At most `hard`.
    #[schema(minimum = 0)]
    warn: Option<i64>,
}

/// What a count has found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recount)]
pub(crate) struct RecountBody {
    quota: QuotaBody,
    /// How many bytes more there are than the counter said.
    bytes_off: i64,
    /// How many manifests more there are than the counter said.
    manifests_off: i64,
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<Json<QuotaBody>, Problem> {
    let project = api.identity.inspect_project(&ctx, &at.project).await?;
    Ok(Json(api.registry.get_quota(&project).await?.into()))
}

pub(crate) async fn set(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(limits): body::Json<LimitsBody>,
) -> Result<Json<QuotaBody>, Problem> {
    let project = api.identity.maintain_project(&ctx, &at.project).await?;
    Ok(Json(api.registry.set_quota(&ctx, &project, &limits.into()).await?.into()))
}

pub(crate) async fn recount(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<Json<RecountBody>, Problem> {
    let project = api.identity.maintain_project(&ctx, &at.project).await?;
    let (quota, drift) = api.registry.recount_quota(&ctx, &project).await?;
    Ok(Json(RecountBody { quota: quota.into(), bytes_off: drift.bytes, manifests_off: drift.manifests }))
}

impl From<Quota> for QuotaBody {
    fn from(quota: Quota) -> Self {
        let usage = |resource| {
            let Limit { hard, warn } = *quota.limits.of(resource);
            UsageBody { used: *quota.usage.of(resource), hard, warn }
        };
        Self { bytes: usage(Resource::Bytes), manifests: usage(Resource::Manifests), is_counted: quota.is_counted }
    }
}

impl From<LimitsBody> for Limits {
    fn from(limits: LimitsBody) -> Self {
        let limit = |limit: LimitBody| Limit { hard: limit.hard, warn: limit.warn };
        Self { bytes: limit(limits.bytes), manifests: limit(limits.manifests) }
    }
}
