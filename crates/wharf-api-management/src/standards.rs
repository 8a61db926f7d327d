//! `/api/v1/projects/{project}/standards/checks`: whether images are as the project's standards say.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::standard::{Complaint, StandardCheck, StandardChecks, StandardResult};
use wharf_oci::{Reference, RepositoryName};

use crate::api::Api;
use crate::asked::{Asked, LineageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// What is known of the images of a reference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandardChecks)]
pub(crate) struct ChecksBody {
    /// What the reference names.
    digest: String,
    /// The standards that are for the repository now.
    standards: Vec<String>,
    /// An entry for each image that was checked.
    checks: Vec<CheckBody>,
    /// Images that are still to be checked.
    open: Vec<String>,
}

/// How an image was compared with the standards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandardCheck)]
pub(crate) struct CheckBody {
    digest: String,
    /// Whether all standards are kept.
    passes: bool,
    results: Vec<ResultBody>,
    /// Why the image could not be read.
    problem: Option<String>,
    checked_at: Moment,
    /// Whether the standards are still the same.
    is_current: bool,
}

/// How an image was compared with one standard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandardResult)]
pub(crate) struct ResultBody {
    standard: String,
    /// The rules that are not kept.
    complaints: Vec<ComplaintBody>,
}

/// A rule that is not kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandardComplaint)]
pub(crate) struct ComplaintBody {
    /// A member of the standard.
    rule: String,
    reason: String,
}

/// What to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StandardCheckWish)]
pub(crate) struct WishBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// A tag or a digest.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    reference: Reference,
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<LineageQuery>,
) -> Result<Json<ChecksBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let checks = api.governance.get_standard_checks(&warrant, &query.repository, &query.reference).await?;
    Ok(Json(checks.into()))
}

pub(crate) async fn ask(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(wish): body::Json<WishBody>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    api.governance.ask_standard_check(&ctx, &warrant, &wish.repository, &wish.reference).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<StandardChecks> for ChecksBody {
    fn from(checks: StandardChecks) -> Self {
        Self {
            digest: checks.digest.to_string(),
            standards: checks.standards,
            checks: checks.checks.into_iter().map(Into::into).collect(),
            open: checks.open.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<StandardCheck> for CheckBody {
    fn from(check: StandardCheck) -> Self {
        Self {
            digest: check.digest.to_string(),
            passes: check.passes,
            results: check.results.into_iter().map(Into::into).collect(),
            problem: check.problem,
            checked_at: Moment(check.checked_at),
            is_current: check.is_current,
        }
    }
}

impl From<StandardResult> for ResultBody {
    fn from(result: StandardResult) -> Self {
        let StandardResult { standard, complaints } = result;
        Self { standard, complaints: complaints.into_iter().map(Into::into).collect() }
    }
}

impl From<Complaint> for ComplaintBody {
    fn from(complaint: Complaint) -> Self {
        let Complaint { rule, reason } = complaint;
        Self { rule, reason }
    }
}
