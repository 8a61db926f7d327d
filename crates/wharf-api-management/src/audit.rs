//! `/api/v1/audit`: who did what, and that nobody has changed what is written about it.

mod query;

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wharf_identity::{AuditKey, AuditRecord, Checkpoint, PageRequest, Verified};

use self::query::{AfterQuery, AuditQuery, RangeQuery};
use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;

/// One thing that somebody did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordBody {
    /// The row. It says nothing about the order.
    id: i64,
    /// Its number in the chain; `null` until it is sealed, which takes a second at most.
    sequence: Option<i64>,
    at: Moment,
    request_id: String,
    /// `anonymous`, `user`, `robot` or `system`.
    caller_kind: String,
    /// The name at that time.
    caller: String,
    /// The address, where it came over a network.
    remote: Option<String>,
    /// What was done: `noun.verb`.
    action: String,
    /// To what.
    resource: String,
    /// `succeeded`, `denied` or `failed`.
    outcome: String,
    /// More about it.
    #[schema(value_type = Object)]
    details: Option<Box<RawValue>>,
}

/// One row of the chain, with all that its hash covers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChainedRecord)]
pub(crate) struct ChainedBody {
    /// 1, 2, 3, without gaps.
    sequence: i64,
    at: Moment,
    request_id: String,
    caller_kind: String,
    /// The row of a user or a robot.
    caller_id: Option<i64>,
    caller: String,
    remote: Option<String>,
    action: String,
    resource: String,
    outcome: String,
    #[schema(value_type = Object)]
    details: Option<Box<RawValue>>,
    /// SHA-256 over all this and the hash of the row before.
    hash: String,
}

/// A signed statement of where the chain stood.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkpoint)]
pub(crate) struct CheckpointBody {
    /// The number of the last row that it covers.
    sequence: i64,
    /// That row's hash.
    hash: String,
    at: Moment,
    /// The key that signed it.
    key: String,
    /// The statement itself: a JWS.
    document: String,
}

/// The last checkpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastCheckpoint)]
pub(crate) struct LastCheckpointBody {
    /// `null` where the log is empty.
    checkpoint: Option<CheckpointBody>,
}

/// The keys that ever signed checkpoints; there are few.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditKeys)]
pub(crate) struct AuditKeysBody {
    entries: Vec<AuditKeyBody>,
}

/// The public half of a key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditKey)]
pub(crate) struct AuditKeyBody {
    /// Its id: the thumbprint of the key (RFC 7638).
    id: String,
    /// The key, in base64url.
    x: String,
}

/// Rows of the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRange)]
pub(crate) struct RangeBody {
    /// The number of the first.
    first: i64,
    /// The number of the last; less than `first` where there is none.
    last: i64,
}

/// What a stretch of the log is worth.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditVerified)]
pub(crate) struct VerifiedBody {
    /// Whether all that was looked at is as it was written.
    is_whole: bool,
    /// The first thing that is wrong.
    fault: Option<String>,
    /// How many rows were looked at.
    rows: u64,
    /// How many checkpoints were verified.
    checkpoints: u64,
    /// The last row that was looked at.
    last: i64,
    /// The last row of these that a checkpoint covers.
    proven_to: Option<i64>,
    /// What `after` takes to go on; `null` at the end of the log, and where something is wrong.
    next: Option<i64>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<AuditQuery>,
) -> Result<Listed<RecordBody>, Problem> {
    let (filter, page) = query.split();
    let page = api.identity.list_audit(&ctx, &filter, &page).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn list_chain(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ChainedBody>, Problem> {
    let page = api.identity.list_chain(&ctx, &PageRequest::from(query)).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn list_checkpoints(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<CheckpointBody>, Problem> {
    let page = api.identity.list_checkpoints(&ctx, &PageRequest::from(query)).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn create_checkpoint(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
) -> Result<Json<LastCheckpointBody>, Problem> {
    let checkpoint = api.identity.create_checkpoint(&ctx).await?;
    Ok(Json(LastCheckpointBody { checkpoint: checkpoint.map(Into::into) }))
}

pub(crate) async fn list_keys(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<AuditKeysBody>, Problem> {
    let keys = api.identity.list_audit_keys(&ctx).await?;
    Ok(Json(AuditKeysBody { entries: keys.into_iter().map(Into::into).collect() }))
}

pub(crate) async fn range(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, _): Asked<RangeQuery>,
) -> Result<Json<RangeBody>, Problem> {
    let range = api.identity.audit_range(&ctx, query.from, query.to).await?;
    Ok(Json(RangeBody { first: *range.start(), last: *range.end() }))
}

pub(crate) async fn verify(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, _): Asked<AfterQuery>,
) -> Result<Json<VerifiedBody>, Problem> {
    let verified = api.identity.verify_audit(&ctx, query.after.unwrap_or(0)).await?;
    Ok(Json(verified.into()))
}

impl From<AuditRecord> for RecordBody {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id,
            sequence: record.link.map(|link| link.sequence),
            at: Moment(record.at),
            request_id: record.request_id,
            caller_kind: record.caller_kind,
            caller: record.caller_name,
            remote: record.remote,
            action: record.action,
            resource: record.resource,
            outcome: record.outcome,
            details: RawValue::from_string(record.details).ok(),
        }
    }
}

impl From<AuditRecord> for ChainedBody {
    fn from(record: AuditRecord) -> Self {
        let link = record.link.unwrap_or(wharf_identity::Link::ORIGIN);
        Self {
            sequence: link.sequence,
            at: Moment(record.at),
            request_id: record.request_id,
            caller_kind: record.caller_kind,
            caller_id: record.caller_id,
            caller: record.caller_name,
            remote: record.remote,
            action: record.action,
            resource: record.resource,
            outcome: record.outcome,
            details: RawValue::from_string(record.details).ok(),
            hash: link.hash.to_string(),
        }
    }
}

impl From<Checkpoint> for CheckpointBody {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            sequence: checkpoint.sequence,
            hash: checkpoint.hash.to_string(),
            at: Moment(checkpoint.at),
            key: checkpoint.key_id,
            document: checkpoint.document,
        }
    }
}

impl From<AuditKey> for AuditKeyBody {
    fn from(key: AuditKey) -> Self {
        Self { id: key.id, x: BASE64URL_NOPAD.encode(&key.public_key) }
    }
}

impl From<Verified> for VerifiedBody {
    fn from(verified: Verified) -> Self {
        let Verified { last, proof, fault, next } = verified;
        Self {
            is_whole: fault.is_none(),
            fault: fault.map(|fault| fault.to_string()),
            rows: proof.rows,
            checkpoints: proof.checkpoints,
            last,
            proven_to: proof.proven_to,
            next,
        }
    }
}
