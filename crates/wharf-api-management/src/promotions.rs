//! `/api/v1/projects/{project}/promotions`, and what begins one: `rollbacks`, `emergencies`; `eligibility`.

mod body;
mod wishes;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::ETAG;
use wharf_context::{Act, Context, Warrant};
use wharf_governance::Promotion;
use wharf_governance::promotion::{
    Asked as Wanted, NewDecision, NewEmergency, NewPromotion, NewRollback, PromotionFilter,
};
use wharf_identity::Scope;
use wharf_oci::{EnvironmentName, ProjectName};

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

fn created(project: &ProjectName, promotion: Promotion) -> Created<PromotionBody> {
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
    let new: NewPromotion = new.try_into()?;
    let warrant = warrant_for(&api, &ctx, &at.project, (&new.what, &new.to)).await?;
    let promotion = api.governance.request_promotion(&ctx, &warrant, &new).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn roll_back(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewRollbackBody>,
) -> Result<Created<PromotionBody>, Problem> {
    let new: NewRollback = new.into();
    let repository = api.one_name(&new.repository);
    let scope = Scope { repository: Some(&repository), environment: Some(&new.environment) };
    let warrant = api.identity.warrant_for(&ctx, &at.project, scope).await?;
    let promotion = api.governance.request_rollback(&ctx, &warrant, &new).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn raise(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewEmergencyBody>,
) -> Result<Created<PromotionBody>, Problem> {
    let new: NewEmergency = new.try_into()?;
    let warrant = warrant_for(&api, &ctx, &at.project, (&new.promotion.what, &new.promotion.to)).await?;
    let promotion = api.governance.request_emergency(&ctx, &warrant, &new).await?;
    Ok(created(&at.project, promotion))
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = warrant_of(&api, &ctx, &at).await?;
    Ok(answer(api.governance.get_promotion(&warrant, &at.promotion).await?))
}

pub(crate) async fn approve(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    IfMatch(expected): IfMatch,
    Body(decision): Body<DecisionBody>,
) -> Result<Answer, Problem> {
    let warrant = warrant_of(&api, &ctx, &at).await?;
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
    let warrant = warrant_of(&api, &ctx, &at).await?;
    let decision = NewDecision { digest: decision.digest, comment: decision.comment, expected };
    Ok(answer(api.governance.reject_promotion(&ctx, &warrant, &at.promotion, &decision).await?))
}

pub(crate) async fn cancel(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = warrant_of(&api, &ctx, &at).await?;
    Ok(answer(api.governance.cancel_promotion(&ctx, &warrant, &at.promotion).await?))
}

pub(crate) async fn check(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
) -> Result<Answer, Problem> {
    let warrant = warrant_of(&api, &ctx, &at).await?;
    Ok(answer(api.governance.check_promotion(&ctx, &warrant, &at.promotion).await?))
}

pub(crate) async fn execute(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Promotion>,
    IfMatch(expected): IfMatch,
) -> Result<Answer, Problem> {
    let warrant = warrant_of(&api, &ctx, &at).await?;
    Ok(answer(api.governance.execute_promotion(&ctx, &warrant, &at.promotion, expected).await?))
}

pub(crate) async fn eligibility(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<EligibilityQuery>,
) -> Result<Json<EligibilityBody>, Problem> {
    let wanted: NewPromotion = query.try_into()?;
    let warrant = warrant_for(&api, &ctx, &at.project, (&wanted.what, &wanted.to)).await?;
    Ok(Json(api.governance.eligibility(&warrant, &wanted).await?.into()))
}

/// The proof that the caller may do it with what they name. Who may only for some repositories names one of these.
async fn warrant_for<A: Act>(
    api: &Api,
    ctx: &Context,
    project: &ProjectName,
    (what, to): (&Wanted, &EnvironmentName),
) -> Result<Warrant<A>, Problem> {
    let repository = match what {
        Wanted::Image { repository, .. } => Some(api.one_name(repository)),
        Wanted::Release { .. } => None,
    };
    let scope = Scope { repository: repository.as_ref(), environment: Some(to) };
    Ok(api.identity.warrant_for(ctx, project, scope).await?)
}

/// The proof that the caller may do it with a promotion: with all that it is about, where it leads.
async fn warrant_of<A: Act>(api: &Api, ctx: &Context, at: &at::Promotion) -> Result<Warrant<A>, Problem> {
    let (repositories, to) = api.governance.promotion_scope(&at.promotion).await?.unzip();
    let mut proof = None;
    for repository in repositories.iter().flatten() {
        let scope = Scope { repository: Some(repository), environment: to.as_ref() };
        proof = Some(api.identity.warrant_for(ctx, &at.project, scope).await?);
    }
    match proof {
        Some(proof) => Ok(proof),
        None => Ok(api.identity.warrant(ctx, &at.project).await?),
    }
}
