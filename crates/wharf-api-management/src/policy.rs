//! `/api/v1/projects/{project}/policy`: what a project demands of its images.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::ETAG;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::{Policy, PolicyRevision};

use crate::api::Api;
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body::{self, FILE_BYTES};
use crate::if_match::IfMatch;
use crate::moment::Moment;
use crate::problem::Problem;

/// A policy, and since when and by whom it is in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyRevision)]
pub(crate) struct PolicyRevisionBody {
    /// Counted from 1; 0 is the default policy of a project that has none of its own. Also the entity tag.
    #[schema(minimum = 0)]
    revision: i64,
    /// The document.
    #[schema(value_type = Object)]
    policy: Policy,
    /// The digest of the document, which promotions are bound to.
    hash: String,
    /// Who made it.
    changed_by: Option<String>,
    /// Since when it is in force.
    since: Option<Moment>,
}

/// A policy to be put in force. Sections that are left out are as they are by default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyChange)]
pub(crate) struct PolicyChangeBody {
    /// The document.
    #[schema(value_type = Object)]
    policy: Policy,
}

type Answer = ([(HeaderName, String); 1], Json<PolicyRevisionBody>);

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.get_policy(&warrant).await?))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    IfMatch(expected): IfMatch,
    body::Json(change): body::Json<PolicyChangeBody, FILE_BYTES>,
) -> Result<Answer, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(answer(api.governance.put_policy(&ctx, &warrant, &change.policy, expected).await?))
}

fn answer(policy: PolicyRevision) -> Answer {
    let tag = format!("\"{}\"", policy.revision);
    ([(ETAG, tag)], Json(policy.into()))
}

impl From<PolicyRevision> for PolicyRevisionBody {
    fn from(policy: PolicyRevision) -> Self {
        let PolicyRevision { revision, policy, hash, changed_by, since } = policy;
        Self { revision, policy, hash, changed_by, since: since.map(Moment) }
    }
}
