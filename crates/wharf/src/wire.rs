//! The one place where parts meet: settings become parts, parts become routes.

use axum::Router;
use prometheus_client::registry::Registry;

use crate::config::Config;
use crate::data::Folder;
use crate::server::Answers;
use crate::server::health::Health;

/// Opens every part and joins their routes. `/livez`, `/readyz` and `/metrics` are the server's own.
pub(crate) async fn assemble(config: &Config, folder: &Folder) -> anyhow::Result<Answers> {
    let figures = Registry::default();
    let health = Health::default();
    let router = Router::new();
    tracing::debug!(data = %folder.path().display(), database = ?config.database.url, "parts are open");
    Ok(Answers { router, health, figures })
}
