//! `/api/v1/projects/{project}/members`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::Member;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::RoleWord;

/// A user or a group with its role in a project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberBody {
    /// `user:NAME` or `group:NAME`.
    member: String,
    role: RoleWord,
    /// Since when in this role.
    since: Moment,
}

/// A role to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberRole)]
pub(crate) struct MemberRoleBody {
    role: RoleWord,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<MemberBody>, Problem> {
    let page = api.identity.list_members(&ctx, &at.project, &query.into()).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Member>,
    body::Json(put): body::Json<MemberRoleBody>,
) -> Result<Json<MemberBody>, Problem> {
    let member = api.identity.put_member(&ctx, &at.project, &at.member, put.role.into()).await?;
    Ok(Json(member.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Member>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_member(&ctx, &at.project, &at.member).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        Self { member: member.name.to_string(), role: member.role.into(), since: Moment(member.since) }
    }
}
