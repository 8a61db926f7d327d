//! `/api/v1/projects/{project}/promotions`, and what begins one: `rollbacks`, `emergencies`; `eligibility`.

mod body;
mod wishes;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::ETAG;
use wharf_governance::Promotion;
use wharf_governance::promotion::{NewDecision, PromotionFilter};

pub(crate) use self::body::{DecisionBody, EligibilityBody, PromotionBody, StateWord};
pub(crate) use self::wishes::{EligibilityQuery, NewEmergencyBody, NewPromotionBody, NewRollbackBody};
use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PromotionsQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body::Json as Body;
use crate::if_match::IfMatch;
use crate::problem::Problem;

type Answer = ([(HeaderName, String); 1], Json<PromotionBody>);

fn answer(promotion: Promotion) -> Answer {
    ([(ETAG, format!("\"{}\"", promotion.revision))], Json(promotion.into()))
}

fn created(project: &wharf_oci::ProjectName, promotion: Promotion) -> Created<PromotionBody> {
    let location = format!("/api/v1/projects/{project}/promotions/{}", promotion.id);
    Created { location, body: promotion.into() }
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PromotionsQuery>,
) -> Result<Listed<PromotionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let filter = PromotionFilter { state: query.state.map(Into::into) };
    let page = api.governance.list_promotions(&warrant, &filter, &query.page()).await?;
    Ok(Listed::of_governance(page, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewPromotionBody>,
) -> Result<Created<PromotionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let promotion = api.governance.request_promotion(&ctx, &warrant, &new.try_into()?).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn roll_back(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewRollbackBody>,
) -> Result<Created<PromotionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let promotion = api.governance.request_rollback(&ctx, &warrant, &new.into()).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn raise(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewEmergencyBody>,
) -> Result<Created<PromotionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let promotion = api.governance.request_emergency(&ctx, &warrant, &new.try_into()?).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.get_promotion(&warrant, &at.promotion).await?))
}

pub(crate) async fn approve(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    IfMatch(expected): IfMatch,
    Body(decision): Body<DecisionBody>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let decision = NewDecision { digest: decision.digest, comment: decision.comment, expected };
    Ok(answer(api.governance.approve_promotion(&ctx, &warrant, &at.promotion, &decision).await?))
}

pub(crate) async fn reject(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    IfMatch(expected): IfMatch,
    Body(decision): Body<DecisionBody>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let decision = NewDecision { digest: decision.digest, comment: decision.comment, expected };
    Ok(answer(api.governance.reject_promotion(&ctx, &warrant, &at.promotion, &decision).await?))
}

pub(crate) async fn cancel(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.cancel_promotion(&ctx, &warrant, &at.promotion).await?))
}

pub(crate) async fn check(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.check_promotion(&ctx, &warrant, &at.promotion).await?))
}

pub(crate) async fn execute(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    IfMatch(expected): IfMatch,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.execute_promotion(&ctx, &warrant, &at.promotion, expected).await?))
}

pub(crate) async fn eligibility(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<EligibilityQuery>,
) -> Result<Json<EligibilityBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.eligibility(&warrant, &query.try_into()?).await?.into()))
}
