//! `/api/v1/audit`: who did what.

use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wharf_identity::AuditRecord;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, AuditQuery};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;

/// One thing that somebody did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordBody {
    /// Later ones have larger numbers; there may be gaps.
    id: i64,
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

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<AuditQuery>,
) -> Result<Listed<RecordBody>, Problem> {
    let (resource, page) = query.split();
    let page = api.identity.list_audit(&ctx, resource.as_deref(), &page).await?;
    Ok(Listed::of(page, &uri))
}

impl From<AuditRecord> for RecordBody {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id,
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
