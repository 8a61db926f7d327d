//! The one place where parts meet: settings become parts, parts become routes.

use std::borrow::Cow;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::registry::Registry;

use crate::config::Config;
use crate::data::Folder;
use crate::server::Answers;
use crate::server::exchange::RouteLabel;
use crate::server::health::Health;

/// Opens every part and joins their routes. `/metrics` is the server's own.
pub(crate) async fn assemble(config: &Config, folder: &Folder) -> anyhow::Result<Answers> {
    let figures = Registry::default();
    let health = Health::default();
    let router = Router::new().merge(health.clone().router()).layer(axum::middleware::from_fn(label));
    tracing::debug!(data = %folder.path().display(), database = ?config.database.url, "parts are open");
    Ok(Answers { router, health, figures })
}

/// Tells the server which route answered.
async fn label(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(RouteLabel(Cow::Owned(path.as_str().to_owned())));
    }
    response
}
