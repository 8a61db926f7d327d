//! `/api/v1/projects/{project}/assignments`: roles that were given within limits.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{Assignment, HolderName, Limits, NewAssignment, RoleName};
use wharf_oci::{EnvironmentName, RepositoryPattern, TagPattern};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A role that a user, a group or a robot has within limits. An empty list limits nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assignment)]
pub(crate) struct AssignmentBody {
    /// By which it is taken again.
    id: i64,
    /// `user:NAME`, `group:NAME` or `robot:NAME`.
    holder: String,
    /// Built-in or custom.
    role: String,
    /// Patterns of repositories, by their names in development.
    repositories: Vec<String>,
    environments: Vec<String>,
    /// Patterns of tags that may be pushed, moved and deleted.
    tags: Vec<String>,
    since: Moment,
}

/// A role to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAssignment)]
pub(crate) struct NewAssignmentBody {
    /// `user:NAME`, `group:NAME` or `robot:NAME`.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    holder: HolderName,
    /// Built-in or custom.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    role: RoleName,
    /// `payments/app`, `payments/team-*`, `payments/**`.
    #[serde(default, deserialize_with = "text::parse_all")]
    #[schema(value_type = Vec<String>)]
    repositories: Vec<RepositoryPattern>,
    #[serde(default, deserialize_with = "text::parse_all")]
    #[schema(value_type = Vec<String>)]
    environments: Vec<EnvironmentName>,
    /// `1.*`, `*-rc`.
    #[serde(default, deserialize_with = "text::parse_all")]
    #[schema(value_type = Vec<String>)]
    tags: Vec<TagPattern>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<AssignmentBody>, Problem> {
    Ok(Listed::of(api.identity.list_assignments(&ctx, &at.project, &query.into()).await?, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewAssignmentBody>,
) -> Result<Created<AssignmentBody>, Problem> {
    let NewAssignmentBody { holder, role, repositories, environments, tags } = new;
    let new = NewAssignment { holder, role, limits: Limits { repositories, environments, tags } };
    let given = api.identity.create_assignment(&ctx, &at.project, &new).await?;
    let location = format!("/api/v1/projects/{}/assignments/{}", at.project, given.id);
    Ok(Created { location, body: given.into() })
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Assignment>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_assignment(&ctx, &at.project, at.assignment).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Assignment> for AssignmentBody {
    fn from(assignment: Assignment) -> Self {
        let Limits { repositories, environments, tags } = assignment.limits;
        Self {
            id: assignment.id,
            holder: assignment.holder.to_string(),
            role: assignment.role.to_string(),
            repositories: repositories.into_iter().map(String::from).collect(),
            environments: environments.into_iter().map(String::from).collect(),
            tags: tags.into_iter().map(String::from).collect(),
            since: Moment(assignment.since),
        }
    }
}
