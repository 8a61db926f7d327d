//! `/api/v1/projects/{project}/remotes`: registries beyond this one that environments may be at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::remote::{Remote, RemoteChange};

use crate::api::Api;
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;

/// A registry beyond this one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Remote)]
pub(crate) struct RemoteBody {
    name: String,
    /// `https://HOST[/PREFIX]`; the project's repositories stand below the prefix.
    url: String,
    /// The account there; nobody logs in where there is none.
    account: Option<String>,
    changed_by: String,
    changed_at: Moment,
}

/// A project's remotes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Remotes)]
pub(crate) struct RemotesBody {
    entries: Vec<RemoteBody>,
}

/// What a remote is to be, all of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoteChange)]
pub(crate) struct RemoteChangeBody {
    /// `https://HOST[/PREFIX]`, of a host that the server's operator allows.
    url: String,
    /// The account there.
    #[serde(default)]
    account: Option<String>,
    /// Its secret, which is shown to nobody.
    #[serde(default)]
    secret: Option<String>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<Json<RemotesBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let entries = api.governance.list_remotes(&warrant).await?.into_iter().map(Into::into).collect();
    Ok(Json(RemotesBody { entries }))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Remote>,
    body::Json(change): body::Json<RemoteChangeBody>,
) -> Result<Json<RemoteBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let RemoteChangeBody { url, account, secret } = change;
    let login = match (account, secret) {
        (Some(account), Some(secret)) => Some((account, secret.into())),
        (None, None) => None,
        _ => return Err(Problem::invalid("an `account` comes with a `secret`, and no `secret` without an `account`")),
    };
    let remote = api.governance.put_remote(&ctx, &warrant, &at.remote, &RemoteChange { url, login }).await?;
    Ok(Json(remote.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Remote>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    api.governance.delete_remote(&ctx, &warrant, &at.remote).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Remote> for RemoteBody {
    fn from(remote: Remote) -> Self {
        let Remote { name, url, account, changed_by, changed_at } = remote;
        Self { name: name.to_string(), url, account, changed_by, changed_at: Moment(changed_at) }
    }
}
