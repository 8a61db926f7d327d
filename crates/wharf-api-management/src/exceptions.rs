//! `/api/v1/projects/{project}/exceptions`: gates' noes that do not count for a while.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::{Exception, NewException};
use wharf_oci::{Digest, EnvironmentName, RepositoryName};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body::Json as Body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::text;

/// A gate's no that does not count.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exception)]
pub(crate) struct ExceptionBody {
    /// Its number.
    id: i64,
    /// Which gate's.
    gate: String,
    /// For this repository only.
    repository: Option<String>,
    /// For this digest only.
    digest: Option<String>,
    /// On the way into this environment only.
    environment: Option<String>,
    /// Why.
    reason: String,
    /// Who answers for it.
    owner: String,
    /// Who granted it.
    granted_by: String,
    /// When.
    granted_at: Moment,
    /// Until when it holds.
    until: Moment,
    /// When somebody took it back.
    revoked_at: Option<Moment>,
    /// Who.
    revoked_by: Option<String>,
}

/// What is to be let through.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewException)]
pub(crate) struct NewExceptionBody {
    /// Which gate's no.
    gate: String,
    /// For this repository only, by its name in development.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// For this digest only.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// On the way into this environment only.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
    /// Why.
    reason: String,
    /// Who answers for it.
    owner: String,
    /// Until when.
    until: Moment,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ExceptionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Listed::of_governance(api.governance.list_exceptions(&warrant, &query.into()).await?, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Body(new): Body<NewExceptionBody>,
) -> Result<Created<ExceptionBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let exception = api.governance.grant_exception(&ctx, &warrant, &new.into()).await?;
    let location = format!("/api/v1/projects/{}/exceptions/{}", at.project, exception.id);
    Ok(Created { location, body: exception.into() })
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Exception>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    api.governance.revoke_exception(&ctx, &warrant, at.exception).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<NewExceptionBody> for NewException {
    fn from(body: NewExceptionBody) -> Self {
        let NewExceptionBody { gate, repository, digest, environment, reason, owner, until } = body;
        Self { gate, repository, digest, environment, reason, owner, until: until.0 }
    }
}

impl From<Exception> for ExceptionBody {
    fn from(exception: Exception) -> Self {
        Self {
            id: exception.id,
            gate: exception.gate,
            repository: exception.repository.map(|name| name.to_string()),
            digest: exception.digest.map(|digest| digest.to_string()),
            environment: exception.environment.map(|name| name.to_string()),
            reason: exception.reason,
            owner: exception.owner,
            granted_by: exception.granted_by,
            granted_at: Moment(exception.granted_at),
            until: Moment(exception.until),
            revoked_at: exception.revoked_at.map(Moment),
            revoked_by: exception.revoked_by,
        }
    }
}
