//! `/api/v1/roles` and `/api/v1/projects/{project}/roles`: roles that somebody made.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::Power;
use wharf_identity::CustomRole;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A named set of what may be done: on content (`pull`, `push`, …) and in governance (`promotion.request`, …).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomRole)]
pub(crate) struct CustomRoleBody {
    name: String,
    powers: Vec<String>,
    created_at: Moment,
}

/// What a role allows from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomRolePowers)]
pub(crate) struct PowersBody {
    /// `pull`, `push`, `overwrite`, `delete`, `attach`, and actions such as `promotion.approve`.
    #[serde(deserialize_with = "text::parse_all")]
    #[schema(value_type = Vec<String>)]
    powers: Vec<Power>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<CustomRoleBody>, Problem> {
    Ok(Listed::of(api.identity.list_custom_roles(&ctx, None, &query.into()).await?, &uri))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Role>,
    body::Json(put): body::Json<PowersBody>,
) -> Result<Json<CustomRoleBody>, Problem> {
    let powers = put.powers.into_iter().collect();
    Ok(Json(api.identity.put_custom_role(&ctx, None, (&at.role, powers)).await?.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Role>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_custom_role(&ctx, None, &at.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn list_of_project(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<CustomRoleBody>, Problem> {
    Ok(Listed::of(api.identity.list_custom_roles(&ctx, Some(&at.project), &query.into()).await?, &uri))
}

pub(crate) async fn put_of_project(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::ProjectRole>,
    body::Json(put): body::Json<PowersBody>,
) -> Result<Json<CustomRoleBody>, Problem> {
    let powers = put.powers.into_iter().collect();
    Ok(Json(api.identity.put_custom_role(&ctx, Some(&at.project), (&at.role, powers)).await?.into()))
}

pub(crate) async fn delete_of_project(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::ProjectRole>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_custom_role(&ctx, Some(&at.project), &at.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<CustomRole> for CustomRoleBody {
    fn from(role: CustomRole) -> Self {
        Self {
            name: role.name.to_string(),
            powers: role.powers.iter().map(|power| power.name().to_owned()).collect(),
            created_at: Moment(role.created_at),
        }
    }
}
