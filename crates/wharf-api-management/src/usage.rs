//! `/api/v1/usage`: which project, repository and tag holds how many bytes.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_identity::Page;
use wharf_registry::usage::{Usage, UsagePage};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery, RepositoryQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::problem::Problem;

/// What a project, a repository or a tag holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageBody {
    /// Its name.
    name: String,
    /// How many blobs.
    blobs: u64,
    /// How many bytes.
    size_bytes: u64,
    /// Of these, how many nothing else holds: they come back when it goes.
    alone_bytes: u64,
}

pub(crate) async fn list_projects(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<UsageBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    let page = api.registry.usage_of_projects(inspect, query.after.as_deref(), query.limit).await?;
    Ok(listed(page, &uri))
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<RepositoryQuery>,
) -> Result<Listed<UsageBody>, Problem> {
    let project = api.identity.see_content(&ctx, &at.project).await?;
    let (after, limit) = (query.after.as_deref(), query.limit);
    let page = match &query.repository.map(|repository| api.one_name(&repository)) {
        Some(repository) => api.registry.usage_of_tags(project, repository, (after, limit)).await?,
        None => api.registry.usage_of_repositories(project, after, limit).await?,
    };
    Ok(listed(page, &uri))
}

fn listed(page: UsagePage, uri: &axum::http::Uri) -> Listed<UsageBody> {
    Listed::of(Page { entries: page.entries, next: page.next }, uri)
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        let Usage { name, blobs, size_bytes, alone_bytes } = usage;
        Self { name, blobs, size_bytes, alone_bytes }
    }
}
