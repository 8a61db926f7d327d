//! `/api/v1/search`: which images are what a query says.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_governance::search::{Found, Position, Query};
use wharf_identity::{Page, PageRequest};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, SearchQuery};
use crate::authenticate::Caller;
use crate::moment::Moment;
use crate::problem::Problem;

/// An image that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundImage)]
pub(crate) struct FoundBody {
    repository: String,
    digest: String,
    /// Tags that point to it, at most 100.
    tags: Vec<String>,
    media_type: String,
    artifact_type: Option<String>,
    /// `os/architecture[/variant]`; empty where it has none.
    platform: String,
    /// Bytes of its config and layers.
    #[schema(minimum = 0)]
    size_bytes: i64,
    /// The commit that it says it was made from.
    revision: Option<String>,
    pushed_at: Moment,
    pushed_by: String,
    /// Whether it is in an archive, and not in the registry. Its tags are those that it had.
    is_archived: bool,
}

pub(crate) async fn list(
    State(api): State<Api>,
    Caller(ctx): Caller,
    Asked(asked, uri): Asked<SearchQuery>,
) -> Result<Listed<FoundBody>, Problem> {
    let query = Query::parse(&asked.q).map_err(|error| Problem::invalid(format!("the query is wrong: {error}")))?;
    let after = match &asked.after {
        Some(after) => {
            Position::parse(after).ok_or_else(|| Problem::invalid("`after` is `next` of the page before"))?
        }
        None => Position::START,
    };
    let limit = PageRequest { after: None, limit: asked.limit }.limit();
    let visibility = api.identity.visibility(&ctx).await?;
    let (found, next) = api.governance.search(&visibility, &query, (after, limit)).await?;
    Ok(Listed::of(Page { entries: found, next: next.map(Position::render) }, &uri))
}

impl From<Found> for FoundBody {
    fn from(found: Found) -> Self {
        Self {
            repository: found.repository,
            digest: found.digest.to_string(),
            tags: found.tags,
            media_type: found.media_type,
            artifact_type: found.artifact_type,
            platform: found.platform,
            size_bytes: found.size_bytes,
            revision: found.revision,
            pushed_at: Moment(found.pushed_at),
            pushed_by: found.pushed_by,
            is_archived: found.is_archived,
        }
    }
}
