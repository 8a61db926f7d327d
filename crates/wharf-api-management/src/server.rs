//! `/api/v1/server`: which server this is. Whether it is well is told by `/livez` and `/readyz`, which are not ours.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::authenticate::LoggedIn;

/// Which server this is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Server)]
pub(crate) struct ServerBody {
    /// The program's version.
    version: String,
    /// The name of the service that tokens are for.
    service: String,
    /// The environments in order; the first is development.
    environments: Vec<String>,
    /// Whether everybody may pull, push and delete without logging in.
    is_open: bool,
}

pub(crate) async fn show(State(api): State<Api>, LoggedIn(_): LoggedIn) -> Json<ServerBody> {
    let settings = api.identity.settings();
    Json(ServerBody {
        version: api.settings.version,
        service: settings.service.clone(),
        environments: settings.environments.iter().map(ToString::to_string).collect(),
        is_open: settings.is_open,
    })
}
