//! `/api/v1/projects/{project}/webhooks`: who outside is told of what happens in a project.

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use wharf_governance::webhook::DeliveryState;
use wharf_identity::{Page, PageRequest};

pub(crate) use self::body::{
    CreatedWebhookBody, DeliveryBody, DeliveryDocumentBody, EventKindsBody, NewWebhookBody, WebhookBody,
    WebhookChangeBody, WebhookSecretBody,
};
use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, DeliveriesQuery, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::problem::Problem;

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<WebhookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let page = PageRequest::from(query);
    let webhooks = api.governance.list_webhooks(&warrant, page.after(), page.rows()).await?;
    Ok(Listed::of(page.cut(webhooks, |webhook| webhook.name.to_string()), &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    crate::body::Json(new): crate::body::Json<NewWebhookBody>,
) -> Result<Created<CreatedWebhookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let (webhook, secret) = api.governance.create_webhook(&ctx, &warrant, &new.into()).await?;
    let location = format!("/api/v1/projects/{}/webhooks/{}", at.project, webhook.name);
    Ok(Created { location, body: CreatedWebhookBody { webhook: webhook.into(), secret: secret.expose() } })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
) -> Result<Json<WebhookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.get_webhook(&warrant, &at.webhook).await?.into()))
}

pub(crate) async fn update(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
    crate::body::Json(change): crate::body::Json<WebhookChangeBody>,
) -> Result<Json<WebhookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.update_webhook(&ctx, &warrant, &at.webhook, &change.into()).await?.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    api.governance.delete_webhook(&ctx, &warrant, &at.webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn rotate(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
) -> Result<Json<WebhookSecretBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let (webhook, secret) = api.governance.rotate_webhook_secret(&ctx, &warrant, &at.webhook).await?;
    Ok(Json(WebhookSecretBody::new(&webhook, &secret)))
}

pub(crate) async fn test(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
) -> Result<Json<DeliveryBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.test_webhook(&ctx, &warrant, &at.webhook).await?.into()))
}

pub(crate) async fn list_deliveries(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Webhook>,
    Asked(query, uri): Asked<DeliveriesQuery>,
) -> Result<Listed<DeliveryBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let page = PageRequest { after: None, limit: query.limit };
    let (state, part) = (query.state.map(DeliveryState::from), (query.after, page.rows()));
    let deliveries = api.governance.list_deliveries(&warrant, &at.webhook, state, part).await?;
    let page: Page<_> = page.cut(deliveries, |delivery| delivery.id.to_string());
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn show_delivery(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Delivery>,
) -> Result<Json<DeliveryDocumentBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.get_delivery(&warrant, &at.webhook, at.delivery).await?.into()))
}

pub(crate) async fn replay(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Delivery>,
) -> Result<Json<DeliveryBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.replay_delivery(&ctx, &warrant, &at.webhook, at.delivery).await?.into()))
}

pub(crate) async fn list_events(LoggedIn(_): LoggedIn) -> Json<EventKindsBody> {
    Json(EventKindsBody::all())
}
