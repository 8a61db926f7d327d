//! `/api/v1/projects/{project}/archives`: images that left for the cold place, and bringing them back.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::ETAG;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_archive::archive::Contents;
use wharf_archive::{Archive, ArchiveState, ArchivesQuery, NewArchive};
use wharf_oci::{Reference, RepositoryName};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{ArchivesAsked, Asked};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::if_match::IfMatch;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::words;
use crate::{body, text};

words! {
    /// How far an archive is.
    ArchiveStateWord as ArchiveState for ArchiveState {
        /// It is being copied; the image is still in the registry.
        Storing,
        /// It is in the cold place, and not in the registry.
        Archived,
        /// It is being brought back.
        Restoring,
        /// It is in the registry again.
        Restored,
        /// It was not archived; the image is where it was.
        Failed
    }
}

/// An image that left, or is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Archive)]
pub(crate) struct ArchiveBody {
    /// Its number.
    archive: i64,
    repository: String,
    digest: String,
    state: ArchiveStateWord,
    /// Counted up with every change; the entity tag.
    revision: i64,
    reason: String,
    requested_by: String,
    requested_at: Moment,
    /// Where its OCI layout is.
    place: Option<String>,
    archived_at: Option<Moment>,
    restored_by: Option<String>,
    restored_at: Option<Moment>,
    /// Why it failed, or which tags were left as they are.
    explanation: String,
    /// The image, what it lists, and what refers to these.
    manifests: i64,
    blobs: i64,
    size_bytes: i64,
}

/// An archive, and what it has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArchiveWithContents)]
pub(crate) struct WholeArchiveBody {
    #[serde(flatten)]
    archive: ArchiveBody,
    /// The tags that pointed to it or to what belongs to it.
    tags: Vec<ArchivedTagBody>,
    /// Its manifests, the oldest first.
    members: Vec<MemberBody>,
}

/// A tag that left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArchivedTag)]
pub(crate) struct ArchivedTagBody {
    tag: String,
    digest: String,
}

/// A manifest that left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArchivedManifest)]
pub(crate) struct MemberBody {
    digest: String,
    media_type: String,
    size_bytes: u64,
    pushed_by: String,
    pushed_at: Moment,
}

/// What is to be archived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewArchive)]
pub(crate) struct NewArchiveBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// A tag or a digest. All tags of what it names leave.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    reference: Reference,
    /// Why.
    #[serde(default)]
    reason: String,
}

type Answer<T> = ([(HeaderName, String); 1], Json<T>);

fn etag(archive: &Archive) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{}\"", archive.revision))]
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<ArchivesAsked>,
) -> Result<Listed<ArchiveBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let page = query.page();
    let query = ArchivesQuery { repository: query.repository, state: query.state.map(Into::into) };
    let page = api.archives.list_archives(&warrant, &query, &page).await?;
    Ok(Listed::of_governance(page, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewArchiveBody>,
) -> Result<Created<ArchiveBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let repository = api.own_repository(&at.project, &new.repository)?;
    let new = NewArchive { repository, reference: new.reference, reason: new.reason };
    let archive = api.archives.request_archive(&ctx, &warrant, &new).await?;
    let location = format!("/api/v1/projects/{}/archives/{}", at.project, archive.id);
    Ok(Created { location, body: archive.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Archive>,
) -> Result<Answer<WholeArchiveBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let (archive, contents) = api.archives.get_archive(&warrant, at.archive).await?;
    Ok((etag(&archive), Json(whole(archive, contents))))
}

pub(crate) async fn restore(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Archive>,
    IfMatch(expected): IfMatch,
) -> Result<Answer<ArchiveBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let archive = api.archives.restore_archive(&ctx, &warrant, (at.archive, expected)).await?;
    Ok((etag(&archive), Json(archive.into())))
}

fn whole(archive: Archive, contents: Contents) -> WholeArchiveBody {
    let tags = contents.tags.into_iter();
    let members = contents.manifests.into_iter().map(|member| MemberBody {
        digest: member.digest.to_string(),
        media_type: member.media_type,
        size_bytes: member.size_bytes,
        pushed_by: member.pushed_by,
        pushed_at: Moment(wharf_context::Timestamp(member.pushed_at)),
    });
    WholeArchiveBody {
        archive: archive.into(),
        tags: tags.map(|tag| ArchivedTagBody { tag: tag.tag.to_string(), digest: tag.digest.to_string() }).collect(),
        members: members.collect(),
    }
}

impl From<Archive> for ArchiveBody {
    fn from(archive: Archive) -> Self {
        Self {
            archive: archive.id,
            repository: archive.repository.to_string(),
            digest: archive.digest.to_string(),
            state: archive.state.into(),
            revision: archive.revision,
            reason: archive.reason,
            requested_by: archive.requested_by,
            requested_at: Moment(archive.requested_at),
            place: archive.place,
            archived_at: archive.archived_at.map(Moment),
            restored_by: archive.restored_by,
            restored_at: archive.restored_at.map(Moment),
            explanation: archive.explanation,
            manifests: archive.figures.manifests,
            blobs: archive.figures.blobs,
            size_bytes: archive.figures.size_bytes,
        }
    }
}
