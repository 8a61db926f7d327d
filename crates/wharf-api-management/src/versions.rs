//! `/api/v1/projects/{project}/versions`: date versions, given out in order.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::{Act, Context, Permission, Push, Warrant};
use wharf_governance::{AllocatedVersion, DateVersion, NewVersion, VersionState};
use wharf_identity::Scope;
use wharf_oci::{ProjectName, RepositoryName};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, VersionsQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::bin::within;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A version to be given out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVersion)]
pub(crate) struct NewVersionBody {
    /// For which repository; without it, in the sequence of the whole project.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// What for, in your words.
    #[serde(default)]
    #[schema(max_length = 500)]
    purpose: Option<String>,
}

/// A version that will be on no image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VoidVersion)]
pub(crate) struct VoidVersionBody {
    /// The repository that it was given out for; without it, in the sequence of the whole project.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, pattern = "^[0-9]{8}_[0-9]{2,6}$")]
    version: DateVersion,
    /// Why.
    #[schema(max_length = 500)]
    reason: String,
}

/// A version that was given out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionBody {
    /// Later ones have larger numbers.
    id: i64,
    /// `YYYYMMDD_NN`.
    version: String,
    /// Whose sequence it is of; `null`: the project's.
    repository: Option<String>,
    state: VersionStateWord,
    /// Since when it is used or void.
    since: Option<Moment>,
    allocated_by: String,
    allocated_at: Moment,
    /// Until when it waits for an image.
    expires_at: Moment,
    purpose: Option<String>,
    /// Who made it void; `null` where nobody used it in time.
    voided_by: Option<String>,
    /// Why it is void.
    reason: Option<String>,
}

/// What has become of a version.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VersionState)]
pub(crate) enum VersionStateWord {
    /// It waits for its image.
    Allocated,
    /// It is on an image.
    Used,
    /// It will be on none.
    Void,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<VersionsQuery>,
) -> Result<Listed<VersionBody>, Problem> {
    let repository = query.repository.map(|repository| api.one_name(&repository));
    let warrant = warrant(&api, &ctx, &at.project, repository.as_ref()).await?;
    let page = (query.after, query.limit);
    let page = api.governance.list_versions(&warrant, repository.as_ref(), page).await?;
    Ok(Listed::of_registry(page, &uri, |version| version.id.to_string()))
}

pub(crate) async fn allocate(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewVersionBody>,
) -> Result<Json<VersionBody>, Problem> {
    let repository = new.repository.map(|repository| api.one_name(&repository));
    let pusher = match &repository {
        Some(repository) => Some(within(&api, &ctx, (&at.project, repository), Permission::Push).await?),
        None => None,
    };
    let warrant = warrant(&api, &ctx, &at.project, repository.as_ref()).await?;
    let permit = |(ctx, repository): (Context, &RepositoryName)| ctx.authorize::<Push>(repository);
    let repository = pusher.zip(repository.as_ref()).map(permit).transpose().map_err(wharf_registry::Error::from)?;
    let new = NewVersion { repository, purpose: new.purpose };
    Ok(Json(api.governance.allocate_version(&ctx, &warrant, &new).await?.into()))
}

pub(crate) async fn void(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(void): body::Json<VoidVersionBody>,
) -> Result<Json<VersionBody>, Problem> {
    let repository = void.repository.map(|repository| api.one_name(&repository));
    let warrant = warrant(&api, &ctx, &at.project, repository.as_ref()).await?;
    let which = (repository.as_ref(), void.version);
    Ok(Json(api.governance.void_version(&ctx, &warrant, which, &void.reason).await?.into()))
}

/// The proof that the caller may do it in development: for one repository, or for the project as a whole.
async fn warrant<A: Act>(
    api: &Api,
    ctx: &Context,
    project: &ProjectName,
    repository: Option<&RepositoryName>,
) -> Result<Warrant<A>, Problem> {
    let environment = repository.map(|_| api.identity.settings().environments.development());
    Ok(api.identity.warrant_for(ctx, project, Scope { repository, environment }).await?)
}

impl From<AllocatedVersion> for VersionBody {
    fn from(allocated: AllocatedVersion) -> Self {
        let (state, since, voided_by, reason) = match allocated.state {
            VersionState::Allocated => (VersionStateWord::Allocated, None, None, None),
            VersionState::Used { since } => (VersionStateWord::Used, Some(since), None, None),
            VersionState::Void { by, since, reason } => (VersionStateWord::Void, Some(since), by, Some(reason)),
        };
        Self {
            id: allocated.id,
            version: allocated.version.to_string(),
            repository: allocated.repository.map(|repository| repository.to_string()),
            state,
            since: since.map(Moment),
            allocated_by: allocated.allocated_by,
            allocated_at: Moment(allocated.allocated_at),
            expires_at: Moment(allocated.expires_at),
            purpose: allocated.purpose,
            voided_by,
            reason,
        }
    }
}
