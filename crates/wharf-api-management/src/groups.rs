//! `/api/v1/groups`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{Group, GroupName, UserName};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A set of users that have roles in projects together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct GroupBody {
    name: String,
    created_at: Moment,
}

/// A user of a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupUser)]
pub(crate) struct GroupUserBody {
    name: String,
}

/// A group to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewGroup)]
pub(crate) struct NewGroupBody {
    /// Kept in lower case; never changes.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    name: GroupName,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<GroupBody>, Problem> {
    let page = api.identity.list_groups(&ctx, &query.into()).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(new): body::Json<NewGroupBody>,
) -> Result<Created<GroupBody>, Problem> {
    let group = api.identity.create_group(&ctx, &new.name).await?;
    Ok(Created { location: format!("/api/v1/groups/{}", group.name), body: group.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Group>,
) -> Result<Json<GroupBody>, Problem> {
    let group = api.identity.get_group(&ctx, &at.group).await?;
    Ok(Json(group.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Group>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_group(&ctx, &at.group).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn list_users(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Group>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<GroupUserBody>, Problem> {
    let page = api.identity.list_group_users(&ctx, &at.group, &query.into()).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn add_user(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::GroupUser>,
) -> Result<StatusCode, Problem> {
    api.identity.add_group_user(&ctx, &at.group, &at.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove_user(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::GroupUser>,
) -> Result<StatusCode, Problem> {
    api.identity.remove_group_user(&ctx, &at.group, &at.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        Self { name: group.name.to_string(), created_at: Moment(group.created_at) }
    }
}

impl From<UserName> for GroupUserBody {
    fn from(name: UserName) -> Self {
        Self { name: name.to_string() }
    }
}
