//! `/api/v1/projects/{project}/hooks` and `…/commits`: what Git servers and build systems tell.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::hook::{Hook, KeptCommit, Proof, Taken};
use wharf_identity::PageRequest;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, CommitsQuery, PageQuery};
use crate::at::{self, At};
use crate::authenticate::{Caller, LoggedIn};
use crate::body::read;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::SenderWord;

/// The largest body that a hook takes: a push of GitHub with two thousand commits has less.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// A hook: a place that commits are told to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hook)]
pub(crate) struct HookBody {
    name: String,
    sender: SenderWord,
    created_by: String,
    created_at: Moment,
    /// When it last took something.
    taken_at: Option<Moment>,
}

/// A hook to be made, or to be given another secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HookChange)]
pub(crate) struct HookChangeBody {
    sender: SenderWord,
}

/// A hook with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HookSecret)]
pub(crate) struct HookSecretBody {
    hook: HookBody,
    /// Where the sender posts to, below the server's own address.
    path: String,
    /// It is shown this one time.
    secret: String,
}

/// What became of a body.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HookTaken)]
pub(crate) struct TakenBody {
    /// How many commits it told of.
    #[schema(minimum = 0)]
    commits: usize,
    /// Whether the same body was taken before; then nothing was done.
    was_known: bool,
}

/// A commit that a project was told of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Commit)]
pub(crate) struct CommitBody {
    id: i64,
    /// The Git repository: host and path.
    source: String,
    revision: String,
    /// The ref that it was pushed to.
    git_ref: String,
    author: String,
    title: String,
    made_at: Option<Moment>,
    received_at: Moment,
    /// The hook that took it.
    hook: String,
    /// Images of the project that say they were made from it: `REPOSITORY@DIGEST`, the newest first.
    images: Vec<String>,
}

/// A body as it came: what is signed are its bytes.
#[derive(Debug)]
pub(crate) struct Raw(HeaderMap, Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Ok(Self(parts.headers, read(body, MAX_BYTES).await?))
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<HookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let page = PageRequest::from(query);
    let hooks = api.governance.list_hooks(&warrant, page.after(), page.rows()).await?;
    Ok(Listed::of(page.cut(hooks, |hook| hook.name.to_string()), &uri))
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Hook>,
) -> Result<Json<HookBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.get_hook(&warrant, &at.hook).await?.into()))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Hook>,
    crate::body::Json(change): crate::body::Json<HookChangeBody>,
) -> Result<Json<HookSecretBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let (hook, secret) = api.governance.put_hook(&ctx, &warrant, (&at.hook, change.sender.into())).await?;
    let path = format!("/api/v1/projects/{}/hooks/{}", at.project, at.hook);
    Ok(Json(HookSecretBody { hook: hook.into(), path, secret: secret.expose() }))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Hook>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    api.governance.delete_hook(&ctx, &warrant, &at.hook).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn take(
    State(api): State<Api>,
    Caller(ctx): Caller,
    At(at): At<at::Hook>,
    Raw(headers, body): Raw,
) -> Result<Json<TakenBody>, Problem> {
    let taken = api.governance.take(&ctx, (&at.project, &at.hook), &proof(&headers), &body).await?;
    Ok(Json(taken.into()))
}

pub(crate) async fn list_commits(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<CommitsQuery>,
) -> Result<Listed<CommitBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let page = PageRequest { after: None, limit: query.limit };
    let part = (query.after, page.rows());
    let commits = api.governance.list_commits(&warrant, query.revision.as_deref(), part).await?;
    Ok(Listed::of(page.cut(commits, |commit| commit.id.to_string()), &uri))
}

fn proof(headers: &HeaderMap) -> Proof<'_> {
    // A header that stands twice proves nothing: who reads the other one would be deceived.
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next()?.to_str().ok();
        first.filter(|_| values.next().is_none())
    };
    Proof {
        hub_signature: one("x-hub-signature-256"),
        gitlab_token: one("x-gitlab-token"),
        id: one("webhook-id"),
        timestamp: one("webhook-timestamp"),
        signature: one("webhook-signature"),
        event: one("x-github-event").or_else(|| one("x-gitea-event")),
    }
}

impl From<Hook> for HookBody {
    fn from(hook: Hook) -> Self {
        Self {
            name: hook.name.to_string(),
            sender: hook.sender.into(),
            created_by: hook.created_by,
            created_at: Moment(hook.created_at),
            taken_at: hook.taken_at.map(Moment),
        }
    }
}

impl From<Taken> for TakenBody {
    fn from(taken: Taken) -> Self {
        Self { commits: taken.commits, was_known: taken.was_known }
    }
}

impl From<KeptCommit> for CommitBody {
    fn from(kept: KeptCommit) -> Self {
        Self {
            id: kept.id,
            source: kept.commit.source,
            revision: kept.commit.revision,
            git_ref: kept.commit.git_ref,
            author: kept.commit.author,
            title: kept.commit.title,
            made_at: kept.commit.made_at.map(Moment),
            received_at: Moment(kept.received_at),
            hook: kept.hook,
            images: kept.images,
        }
    }
}
