//! `/api/v1/collection`: what collection does, what it will take and why, and what holds a digest.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_identity::Page;
use wharf_registry::collection::forecast::{Forecast, Reason};
use wharf_registry::collection::holders::{BlobLink, Holders, HoldingManifest, StoredBytes};
use wharf_registry::collection::status::{CollectionStatus, CollectionWorker};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;

/// How far collection is, on all nodes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Collection)]
pub(crate) struct StatusBody {
    is_running: bool,
    /// What is due now.
    backlog: BacklogBody,
    /// Rows that are dealt with in a second: now, or in the last pass that had something to do.
    rows_per_second: u64,
    /// How long the rest takes at this rate; nothing where nobody can tell.
    remaining_seconds: Option<u64>,
    /// Processes whose last pass was in the last days, the latest first.
    workers: Vec<WorkerBody>,
}

/// What is due now. Numbers end at 100,000.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionBacklog)]
pub(crate) struct BacklogBody {
    /// Blobs to be looked at.
    reviews: u64,
    /// Blobs whose bytes are to be deleted.
    deleting: u64,
    /// How many bytes these are.
    deleting_bytes: u64,
    /// Manifests whose time in the bin is over.
    manifests: u64,
}

/// One process's last pass.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionWorker)]
pub(crate) struct WorkerBody {
    /// The process.
    id: String,
    started_at: Moment,
    seen_at: Moment,
    ended_at: Option<Moment>,
    /// Uploads that were given up.
    uploads: usize,
    /// Manifests that left the bin for good.
    manifests: usize,
    /// Manifests that went to the bin because nothing needed them.
    untagged: usize,
    /// Blobs that were looked at.
    reviewed: usize,
    /// Blobs whose bytes were deleted.
    blobs: usize,
    /// How many bytes these were.
    size_bytes: u64,
}

/// A pass that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionAsked)]
pub(crate) struct AskedBody {
    /// A worker whose pass started later has done what was asked for.
    asked_at: Moment,
}

/// Something that collection takes, if nothing changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionForecast)]
pub(crate) struct ForecastBody {
    /// `deleting`: no repository links the blob; `upload_expires`; `binned`: the manifest was deleted; `untagged`: the
    /// manifest has no tag and nothing else needs it; `unused`: no manifest names the blob.
    reason: &'static str,
    digest: Option<String>,
    upload: Option<String>,
    repository: Option<String>,
    size_bytes: u64,
    /// Not before this moment.
    due_at: Moment,
}

/// What holds a digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Holders)]
pub(crate) struct HoldersBody {
    digest: String,
    /// Its bytes, where it is a blob's; several where some are being deleted.
    stored: Vec<StoredBody>,
    /// When collection looks at it; nothing where nobody suspects it.
    review_after: Option<Moment>,
    /// Repositories that link the blob.
    links: Vec<LinkBody>,
    /// Manifests that name it, or that it is the digest of.
    manifests: Vec<HoldingBody>,
    /// Whether there are more links or manifests than the hundred of each that are told.
    has_more: bool,
}

/// Bytes in the store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredBytes)]
pub(crate) struct StoredBody {
    size_bytes: u64,
    /// Whether they can be read; else they are lost, withdrawn, or being deleted.
    is_present: bool,
    deleting_since: Option<Moment>,
    /// Not before this moment they go.
    delete_after: Option<Moment>,
}

/// A repository's link to a blob.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BlobLink)]
pub(crate) struct LinkBody {
    repository: String,
    linked_at: Moment,
    /// Whether a manifest of the repository names the blob. A link alone goes at the review.
    is_named: bool,
}

/// A manifest that holds a digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldingManifest)]
pub(crate) struct HoldingBody {
    repository: String,
    digest: String,
    media_type: String,
    /// Tags that point to it; ten at most.
    tags: Vec<String>,
    /// Until when it can be restored, where it is in the bin.
    binned_until: Option<Moment>,
}

pub(crate) async fn show(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<StatusBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    Ok(Json(api.registry.collection_status(inspect).await?.into()))
}

pub(crate) async fn start(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<AskedBody>, Problem> {
    let maintain = api.identity.maintain(&ctx).await?;
    let asked_at = api.registry.start_collection(maintain, &ctx).await?;
    Ok(Json(AskedBody { asked_at: Moment(asked_at) }))
}

pub(crate) async fn list_forecast(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ForecastBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    let page = api.registry.list_forecast(inspect, query.after.as_deref(), query.limit).await?;
    Ok(Listed::of(Page { entries: page.entries, next: page.next }, &uri))
}

pub(crate) async fn holders(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Digest>,
) -> Result<Json<HoldersBody>, Problem> {
    let inspect = api.identity.inspect(&ctx).await?;
    Ok(Json(api.registry.find_holders(inspect, &at.digest).await?.into()))
}

impl From<CollectionStatus> for StatusBody {
    fn from(status: CollectionStatus) -> Self {
        let backlog = status.backlog;
        Self {
            is_running: status.is_running,
            backlog: BacklogBody {
                reviews: backlog.reviews,
                deleting: backlog.deleting,
                deleting_bytes: backlog.deleting_bytes,
                manifests: backlog.manifests,
            },
            rows_per_second: status.rows_per_second,
            remaining_seconds: status.remaining.map(|remaining| remaining.as_secs()),
            workers: status.workers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CollectionWorker> for WorkerBody {
    fn from(worker: CollectionWorker) -> Self {
        let collected = worker.collected;
        Self {
            id: worker.id.to_string(),
            started_at: Moment(worker.started_at),
            seen_at: Moment(worker.seen_at),
            ended_at: worker.ended_at.map(Moment),
            uploads: collected.uploads,
            manifests: collected.manifests,
            untagged: collected.untagged,
            reviewed: collected.reviewed,
            blobs: collected.blobs,
            size_bytes: collected.size_bytes,
        }
    }
}

impl From<Forecast> for ForecastBody {
    fn from(forecast: Forecast) -> Self {
        Self {
            reason: match forecast.reason {
                Reason::Deleting => "deleting",
                Reason::UploadExpires => "upload_expires",
                Reason::Binned => "binned",
                Reason::Untagged => "untagged",
                Reason::Unused => "unused",
            },
            digest: forecast.digest.map(|digest| digest.to_string()),
            upload: forecast.upload.map(|upload| upload.to_string()),
            repository: forecast.repository.map(|repository| repository.to_string()),
            size_bytes: forecast.size_bytes,
            due_at: Moment(forecast.due_at),
        }
    }
}

impl From<Holders> for HoldersBody {
    fn from(holders: Holders) -> Self {
        Self {
            digest: holders.digest.to_string(),
            stored: holders.stored.into_iter().map(Into::into).collect(),
            review_after: holders.review_after.map(Moment),
            links: holders.links.into_iter().map(Into::into).collect(),
            manifests: holders.manifests.into_iter().map(Into::into).collect(),
            has_more: holders.has_more,
        }
    }
}

impl From<StoredBytes> for StoredBody {
    fn from(stored: StoredBytes) -> Self {
        Self {
            size_bytes: stored.size_bytes,
            is_present: stored.is_present,
            deleting_since: stored.deleting_since.map(Moment),
            delete_after: stored.delete_after.map(Moment),
        }
    }
}

impl From<BlobLink> for LinkBody {
    fn from(link: BlobLink) -> Self {
        let BlobLink { repository, linked_at, is_named } = link;
        Self { repository: repository.to_string(), linked_at: Moment(linked_at), is_named }
    }
}

impl From<HoldingManifest> for HoldingBody {
    fn from(manifest: HoldingManifest) -> Self {
        Self {
            repository: manifest.repository.to_string(),
            digest: manifest.digest.to_string(),
            media_type: manifest.media_type,
            tags: manifest.tags.iter().map(ToString::to_string).collect(),
            binned_until: manifest.binned_until.map(Moment),
        }
    }
}
