//! `/api/v1/projects/{project}/tags`: where a tag pointed, and who moved it.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_context::Permission;
use wharf_identity::Page;
use wharf_registry::tag::history::TagEntry;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, TagQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::bin::within;
use crate::moment::Moment;
use crate::problem::Problem;

/// A time during which a tag pointed to one manifest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TagEntry)]
pub(crate) struct TagEntryBody {
    /// What it pointed to.
    digest: String,
    /// What it was moved away from; `null` where it was made anew.
    from: Option<String>,
    /// Who pointed it there.
    changed_by: String,
    since: Moment,
    /// When it was moved on or deleted; `null` where it points there now.
    until: Option<Moment>,
}

pub(crate) async fn history(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<TagQuery>,
) -> Result<Listed<TagEntryBody>, Problem> {
    let repository = api.one_name(&query.repository);
    let ctx = within(&api, &ctx, (&at.project, &repository), Permission::Pull).await?;
    let tag = (&repository, &query.tag);
    let page = api.registry.tag_history(&ctx, tag, query.after.as_deref(), query.limit).await?;
    Ok(Listed::of(Page { entries: page.entries, next: page.next }, &uri))
}

impl From<TagEntry> for TagEntryBody {
    fn from(entry: TagEntry) -> Self {
        Self {
            digest: entry.digest.to_string(),
            from: entry.from.map(|from| from.to_string()),
            changed_by: entry.changed_by,
            since: Moment(entry.since),
            until: entry.until.map(Moment),
        }
    }
}
