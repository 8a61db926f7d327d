//! The list of repositories that the caller may see: `_catalog` of the older Docker registry API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wharf_oci::RepositoryName;

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::tags::next;

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: Vec<&'a str>,
}

pub(crate) async fn list(api: &Api, call: Call) -> Result<Response, OciError> {
    if !call.ctx.reach().catalog || (call.ctx.caller.is_anonymous() && !api.identity.settings().is_open) {
        let scope = vec!["registry:catalog:*".to_owned()];
        return Err(OciError::unauthorized("ask for a token that covers the catalog", scope));
    }
    let visible = api.identity.visibility(&call.ctx).await?;
    let wanted = call.parameters.entries()?;
    let page = api.registry.list_repositories(&visible, call.parameters.get("last")?, wanted).await?;
    let repositories: Vec<&str> = page.entries.iter().map(RepositoryName::as_str).collect();
    let next = next("/v2/_catalog", wanted, repositories.last().copied().filter(|_| page.has_more));
    Ok((next, Json(Catalog { repositories })).into_response())
}
