//! `/api/v1/projects/{project}/bin`: what was deleted and can be restored.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::{Context, Permission, Permissions};
use wharf_identity::{Page, Wanted};
use wharf_oci::{Digest, ProjectName, RepositoryName, Tag};
use wharf_registry::Registry;
use wharf_registry::bin::{BinScope, Binned, BinnedItem, Overwriting, Restored};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, RepositoryQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A tag or a manifest that was deleted, or a tag as it was before it was moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Binned)]
pub(crate) struct BinnedBody {
    repository: String,
    /// The tag; nothing for a manifest.
    tag: Option<String>,
    /// The manifest, or what the tag pointed to.
    digest: String,
    /// A manifest's media type.
    media_type: Option<String>,
    /// What the tag points to now, where it is there again.
    tag_now: Option<String>,
    deleted_at: Moment,
    restorable_until: Moment,
}

/// What to restore: a tag, a manifest, or a tag as it once pointed to a manifest.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Restoration)]
pub(crate) struct RestorationBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// Whether a tag that points to something else by now is moved back.
    #[serde(default)]
    overwrite: bool,
}

/// What came back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Restored)]
pub(crate) struct RestoredBody {
    digest: String,
    /// How many manifests left the bin: it, its children, its referrers.
    manifests: usize,
}

/// Whose bin is emptied.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BinEmptying)]
pub(crate) struct EmptyingBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
}

/// What left the bin for good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BinEmptied)]
pub(crate) struct EmptiedBody {
    manifests: usize,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<RepositoryQuery>,
) -> Result<Listed<BinnedBody>, Problem> {
    let scope = match &query.repository.map(|repository| api.one_name(&repository)) {
        Some(repository) => {
            let ctx = within(&api, &ctx, (&at.project, repository), Permission::Delete).await?;
            Registry::bin_scope(&ctx, repository)?
        }
        None => BinScope::Project(api.identity.see_content(&ctx, &at.project).await?),
    };
    let page = api.registry.list_bin(&scope, query.after.as_deref(), query.limit).await?;
    Ok(Listed::of(Page { entries: page.entries, next: page.next }, &uri))
}

pub(crate) async fn restore(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(what): body::Json<RestorationBody>,
) -> Result<Json<RestoredBody>, Problem> {
    let repository = &api.one_name(&what.repository);
    let ctx = within(&api, &ctx, (&at.project, repository), Permission::Delete).await?;
    let overwriting = if what.overwrite { Overwriting::Allowed } else { Overwriting::Refused };
    let restored = match (&what.tag, &what.digest) {
        (Some(tag), digest) => api.registry.restore_tag(&ctx, (repository, tag), digest.as_ref(), overwriting).await?,
        (None, Some(digest)) => api.registry.restore_manifest(&ctx, repository, digest).await?,
        (None, None) => return Err(Problem::invalid("name a `tag`, a `digest`, or both")),
    };
    Ok(Json(restored.into()))
}

pub(crate) async fn empty(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(what): body::Json<EmptyingBody>,
) -> Result<Json<EmptiedBody>, Problem> {
    let repository = api.one_name(&what.repository);
    let ctx = within(&api, &ctx, (&at.project, &repository), Permission::Delete).await?;
    let manifests = api.registry.empty_bin(&ctx, &repository).await?;
    Ok(Json(EmptiedBody { manifests }))
}

/// The caller, with this right on a repository of the project in the path if it is theirs.
pub(crate) async fn within(
    api: &Api,
    ctx: &Context,
    (project, repository): (&ProjectName, &RepositoryName),
    permission: Permission,
) -> Result<Context, Problem> {
    api.own_repository(project, repository)?;
    let permissions = Permissions::of(&[permission]);
    let wanted = [Wanted { repository: repository.clone(), permissions }];
    Ok(api.identity.content_context(ctx, &wanted).await?)
}

impl From<Binned> for BinnedBody {
    fn from(binned: Binned) -> Self {
        let (tag, tag_now, media_type) = match binned.item {
            BinnedItem::Tag { name, now } => (Some(name.to_string()), now.map(|now| now.to_string()), None),
            BinnedItem::Manifest { media_type } => (None, None, Some(media_type)),
        };
        Self {
            repository: binned.repository.to_string(),
            tag,
            digest: binned.digest.to_string(),
            media_type,
            tag_now,
            deleted_at: Moment(binned.deleted_at),
            restorable_until: Moment(binned.restorable_until),
        }
    }
}

impl From<Restored> for RestoredBody {
    fn from(restored: Restored) -> Self {
        Self { digest: restored.digest.to_string(), manifests: restored.manifests }
    }
}
