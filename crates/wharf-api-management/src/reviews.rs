//! `/api/v1/projects/{project}/reviews`: uses of the emergency passage that somebody else looks at.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::Review;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body::Json as Body;
use crate::moment::Moment;
use crate::problem::Problem;

/// A look at a use of the emergency passage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub(crate) struct ReviewBody {
    /// The promotion that it is about.
    promotion: String,
    /// Where it led.
    environment: String,
    /// Who asked for it.
    requested_by: String,
    /// Why.
    reason: String,
    /// Since when somebody is to look.
    opened_at: Moment,
    /// When somebody did.
    closed_at: Option<Moment>,
    /// Who.
    closed_by: Option<String>,
    /// What they say.
    conclusion: String,
}

/// What there is to say after looking.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Conclusion)]
pub(crate) struct ConclusionBody {
    /// In words.
    conclusion: String,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ReviewBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Listed::of_governance(api.governance.list_reviews(&warrant, &query.into()).await?, &uri))
}

pub(crate) async fn close(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    Body(body): Body<ConclusionBody>,
) -> Result<Json<ReviewBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let review = api.governance.close_review(&ctx, &warrant, &at.promotion, &body.conclusion).await?;
    Ok(Json(review.into()))
}

impl From<Review> for ReviewBody {
    fn from(review: Review) -> Self {
        Self {
            promotion: review.promotion,
            environment: review.environment,
            requested_by: review.requested_by,
            reason: review.reason,
            opened_at: Moment(review.opened_at),
            closed_at: review.closed_at.map(Moment),
            closed_by: review.closed_by,
            conclusion: review.conclusion,
        }
    }
}
