//! The list of repositories that the caller may see: `_catalog` of the older Docker registry API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wharf_registry::RepositoriesQuery;

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::tags::next;

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: Vec<&'a str>,
}

pub(crate) async fn list(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    if !call.ctx.reach().catalog || (call.ctx.caller.is_anonymous() && !api.identity.settings().is_open) {
        let scope = vec!["registry:catalog:*".to_owned()];
        return Err(OciError::unauthorized("ask for a token that covers the catalog", scope));
    }
    let visible = api.identity.visibility(&call.ctx).await?;
    let wanted = call.parameters.entries()?;
    let last = call.parameters.get("last")?.map(|last| call.names.place(last));
    let query = RepositoriesQuery { environment: call.names.environment, last: last.as_deref(), wanted };
    let page = api.registry.list_repositories(&visible, query).await?;
    let repositories: Vec<&str> = page.entries.iter().map(|name| call.names.outward(name)).collect();
    let next = next("/v2/_catalog", wanted, repositories.last().copied().filter(|_| page.has_more));
    Ok((next, Json(Catalog { repositories })).into_response())
}
