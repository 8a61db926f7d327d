//! `/api/v1/projects/{project}/releases`: sets that move together.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::ETAG;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::{NewRelease, Release};
use wharf_oci::{Reference, RepositoryName, Tag};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body::Json as Body;
use crate::if_match::IfMatch;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::text;

/// A set that moves together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Release)]
pub(crate) struct ReleaseBody {
    /// Its version.
    version: String,
    /// Counted up with every change. Also the entity tag.
    revision: i64,
    /// What there is to say about it.
    note: String,
    /// What moves.
    items: Vec<ReleaseItemBody>,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: Moment,
    /// Who sealed it.
    sealed_by: Option<String>,
    /// When; from then on its digests stand.
    sealed_at: Option<Moment>,
}

/// One thing of a release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReleaseItem)]
pub(crate) struct ReleaseItemBody {
    /// Its repository, by the name in development.
    repository: String,
    /// What.
    digest: String,
    /// The tags that point at it where it goes.
    tags: Vec<String>,
}

/// A release to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRelease)]
pub(crate) struct NewReleaseBody {
    /// Its version: unique in its project.
    version: String,
    /// What there is to say about it.
    #[serde(default)]
    note: String,
    /// What is to move.
    items: Vec<NewReleaseItemBody>,
}

/// What is to be in a release, instead of what is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseChange)]
pub(crate) struct ReleaseChangeBody {
    /// What there is to say about it.
    #[serde(default)]
    note: String,
    /// What is to move.
    items: Vec<NewReleaseItemBody>,
}

/// One thing that is to be in a release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReleaseItem)]
pub(crate) struct NewReleaseItemBody {
    /// Its repository, by the name in development.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// Its tag or digest. A tag is resolved now, and goes along.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    reference: Reference,
}

type Answer = ([(HeaderName, String); 1], Json<ReleaseBody>);

fn answer(release: Release) -> Answer {
    ([(ETAG, format!("\"{}\"", release.revision))], Json(release.into()))
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ReleaseBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Listed::of_governance(api.governance.list_releases(&warrant, &query.into()).await?, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewReleaseBody>,
) -> Result<Created<ReleaseBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let new = NewRelease { version: new.version, note: new.note, items: items(new.items) };
    let release = api.governance.create_release(&ctx, &warrant, &new).await?;
    let location = format!("/api/v1/projects/{}/releases/{}", at.project, release.version);
    Ok(Created { location, body: release.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Release>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.get_release(&warrant, &at.release).await?))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Release>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ReleaseChangeBody>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let new = NewRelease { version: at.release, note: change.note, items: items(change.items) };
    Ok(answer(api.governance.put_release(&ctx, &warrant, &new, expected).await?))
}

pub(crate) async fn seal(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Release>,
    IfMatch(expected): IfMatch,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.seal_release(&ctx, &warrant, &at.release, expected).await?))
}

fn items(bodies: Vec<NewReleaseItemBody>) -> Vec<(RepositoryName, Reference)> {
    bodies.into_iter().map(|item| (item.repository, item.reference)).collect()
}

impl From<Release> for ReleaseBody {
    fn from(release: Release) -> Self {
        let items = release.items.into_iter().map(|item| ReleaseItemBody {
            repository: item.repository.to_string(),
            digest: item.digest.to_string(),
            tags: item.tags.iter().map(Tag::to_string).collect(),
        });
        Self {
            version: release.version,
            revision: release.revision,
            note: release.note,
            items: items.collect(),
            created_by: release.created_by,
            created_at: Moment(release.created_at),
            sealed_by: release.sealed_by,
            sealed_at: release.sealed_at.map(Moment),
        }
    }
}
