//! What a standby answers: that it is one, how far it is, and where its primary is.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};

use super::Standby;
use super::endpoint::guarded;
use super::message::{Epoch, PREFIX};
use super::secret::Token;
use crate::server::exchange::RouteLabel;

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// The routes of a standby. `/metrics` is the server's own.
pub(crate) fn router(standby: Standby, token: Token) -> Router {
    let told = Router::new().route("/epoch", get(epoch)).with_state(standby.clone());
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(refuse)
        .with_state(standby)
        .nest(PREFIX, guarded(told, token))
}

async fn epoch(State(standby): State<Standby>) -> Json<Option<Epoch>> {
    let role = standby.role().clone();
    Json(role.map(|role| Epoch { history: role.history, epoch: role.epoch, is_primary: role.primary().is_some() }))
}

/// Not ready: what is pushed and pulled goes to the primary.
async fn ready(State(standby): State<Standby>) -> (StatusCode, String) {
    let status = standby.status();
    let copy = if status.is_whole { "whole" } else { "not whole yet" };
    let following = if status.is_following { "ok" } else { "failed" };
    let text = format!("standby of: {}\nfollowing: {following}\ncopy: {copy}\nnot ready\n", status.of);
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

/// In the form that the distribution-spec gives errors; our own command line reads it, too.
async fn refuse(State(standby): State<Standby>, _: Request) -> Response {
    let message = format!("this server is a standby: push to and pull from `{}`", standby.inner.peer.url());
    let body = serde_json::json!({ "errors": [{ "code": "UNAVAILABLE", "message": message }] });
    let headers =
        [(header::RETRY_AFTER, RETRY_AFTER), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, headers, body.to_string()).into_response();
    response.extensions_mut().insert(RouteLabel("standby".into()));
    response
}
