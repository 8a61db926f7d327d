//! `/api/v1/me`: the caller.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::{Caller, CallerId};
use wharf_identity::{Secret, User};

use crate::api::Api;
use crate::authenticate::LoggedIn;
use crate::body;
use crate::problem::Problem;
use crate::words::SystemRoleWord;

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeBody {
    kind: CallerKind,
    /// What the caller logs in as.
    name: String,
    /// The role in the whole system, if any.
    system_role: Option<SystemRoleWord>,
}

/// What sort of account the caller has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallerKind {
    /// A person.
    User,
    /// A machine account of one project.
    Robot,
}

/// The caller's present password and the one to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub(crate) struct PasswordChangeBody {
    /// The present one.
    #[schema(value_type = String, format = Password)]
    present: Secret,
    /// The one to come.
    #[schema(value_type = String, format = Password, min_length = 8)]
    new: Secret,
}

pub(crate) async fn show(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<MeBody>, Problem> {
    let user = api.identity.me(&ctx).await?;
    Ok(Json(MeBody::of(ctx.caller, user.as_ref())))
}

pub(crate) async fn change_password(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(change): body::Json<PasswordChangeBody>,
) -> Result<StatusCode, Problem> {
    api.identity.change_password(&ctx, &change.present, &change.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl MeBody {
    fn of(caller: Caller, user: Option<&User>) -> Self {
        let kind = match caller.id {
            CallerId::Robot(_) => CallerKind::Robot,
            CallerId::User(_) | CallerId::Anonymous | CallerId::System => CallerKind::User,
        };
        Self { kind, name: caller.name, system_role: user.and_then(|user| user.system_role).map(Into::into) }
    }
}
