//! `/api/v1/users`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{NewUser, Secret, User, UserChange, UserName};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::SystemRoleWord;
use crate::{body, text};

/// A person who logs in with a name and a password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    name: String,
    /// The role in the whole system, if any.
    system_role: Option<SystemRoleWord>,
    /// Whether log-in is refused.
    is_disabled: bool,
    /// Whether there is a password to log in with.
    has_password: bool,
    created_at: Moment,
}

/// A user to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct NewUserBody {
    /// The log-in name, kept in lower case; never changes.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    name: UserName,
    /// Without one, nobody can log in until it is set.
    #[schema(value_type = Option<String>, format = Password, min_length = 8)]
    password: Option<Secret>,
    /// The role in the whole system, if any.
    system_role: Option<SystemRoleWord>,
}

/// What of a user is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(crate) struct UserChangeBody {
    /// The role in the whole system; `null` for none.
    #[serde(default, deserialize_with = "text::present")]
    #[schema(value_type = Option<SystemRoleWord>)]
    system_role: Option<Option<SystemRoleWord>>,
    /// Whether log-in is refused. Refresh tokens end with it.
    is_disabled: Option<bool>,
}

/// A password to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPassword)]
pub(crate) struct PasswordBody {
    /// The password.
    #[schema(value_type = String, format = Password, min_length = 8)]
    password: Secret,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<UserBody>, Problem> {
    let page = api.identity.list_users(&ctx, &query.into()).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(new): body::Json<NewUserBody>,
) -> Result<Created<UserBody>, Problem> {
    let user = api.identity.create_user(&ctx, &new.into()).await?;
    Ok(Created { location: format!("/api/v1/users/{}", user.name), body: user.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::User>,
) -> Result<Json<UserBody>, Problem> {
    let user = api.identity.get_user(&ctx, &at.user).await?;
    Ok(Json(user.into()))
}

pub(crate) async fn update(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::User>,
    body::Json(change): body::Json<UserChangeBody>,
) -> Result<Json<UserBody>, Problem> {
    let user = api.identity.update_user(&ctx, &at.user, &change.into()).await?;
    Ok(Json(user.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::User>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_user(&ctx, &at.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn set_password(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::User>,
    body::Json(set): body::Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    api.identity.set_password(&ctx, &at.user, &set.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke_refresh_tokens(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::User>,
) -> Result<StatusCode, Problem> {
    api.identity.revoke_refresh_tokens(&ctx, &at.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            name: user.name.to_string(),
            system_role: user.system_role.map(Into::into),
            is_disabled: user.is_disabled,
            has_password: user.has_password,
            created_at: Moment(user.created_at),
        }
    }
}

impl From<NewUserBody> for NewUser {
    fn from(body: NewUserBody) -> Self {
        Self { name: body.name, password: body.password, system_role: body.system_role.map(Into::into) }
    }
}

impl From<UserChangeBody> for UserChange {
    fn from(body: UserChangeBody) -> Self {
        let system_role = body.system_role.map(|role| role.map(Into::into));
        Self { system_role, is_disabled: body.is_disabled }
    }
}
