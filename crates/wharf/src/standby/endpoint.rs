//! What a primary answers its standby. The routes are there only where a token is configured, and only for who has it.
//!
//! They are between two processes of this program and no API: a request of another version is refused in words.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use uuid::Uuid;
use wharf_blob::StorageKey;

use super::hub::{BASE, Hub};
use super::message::{Done, Epoch, Fence, Hello, POSITION, PREFIX, StoredBlob, Welcome};
use super::secret::Token;
use crate::server::exchange::{RouteLabel, Unlogged};

/// How often a standby hears that nothing has happened.
const BEAT: Duration = Duration::from_secs(1);
/// Keys of one page.
const PAGE: usize = 1000;

/// The ids of the master keys that the catalog's keys are wrapped by.
pub(crate) type Masters =
    Arc<dyn Fn() -> futures_util::future::BoxFuture<'static, anyhow::Result<Vec<String>>> + Send + Sync>;

/// A refusal in words.
struct Refusal(StatusCode, String);

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        tracing::warn!(error = format!("{error:#}"), "the standby was refused something");
        Self(StatusCode::CONFLICT, format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

/// The routes of a primary.
pub(crate) fn router(hub: Hub, token: Token, masters: Masters) -> Router {
    let router = Router::new()
        .route("/hello", post(hello))
        .route("/log", get(log))
        .route("/done", post(done))
        .route("/base", get(base))
        .route("/blobs", get(list))
        .route("/blobs/{key}", get(blob))
        .route("/fence", post(fence))
        .route("/epoch", get(epoch))
        .with_state(hub)
        .layer(Extension(masters));
    Router::new().nest(PREFIX, guarded(router, token))
}

/// Only for who has the token; and not written down one by one.
pub(super) fn guarded(router: Router, token: Token) -> Router {
    router.layer(from_fn_with_state(token, admit))
}

async fn admit(State(token): State<Token>, request: Request, next: Next) -> Response {
    let mut response = if token.is_in(request.headers()) {
        next.run(request).await
    } else {
        let sentence = "the token is not the one of `standby.token_file`";
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], sentence).into_response()
    };
    response.extensions_mut().insert(RouteLabel(PREFIX.into()));
    if response.status().is_success() {
        response.extensions_mut().insert(Unlogged);
    }
    response
}

/// Why a standby that says this cannot follow.
fn refuse(hello: &Hello, hub: &Hub) -> anyhow::Result<()> {
    let role = hub.role();
    let (version, catalog) = (env!("CARGO_PKG_VERSION"), wharf_db::migrations::fingerprint());
    anyhow::ensure!(
        hello.version == version && hello.catalog == catalog,
        "the primary is wharf {version} and the standby is wharf {}, or another build of it: both must be the same",
        hello.version
    );
    anyhow::ensure!(!hub.is_fenced(), "another server has taken over from this one");
    let is_ours = hello.history.is_none_or(|history| history == role.history);
    anyhow::ensure!(is_ours, "the standby's data folder holds another registry: give it an empty one");
    anyhow::ensure!(
        hello.epoch <= role.epoch,
        "the standby is at epoch {} and this primary at {}: it has taken over, or follows one that has",
        hello.epoch,
        role.epoch
    );
    Ok(())
}

async fn hello(
    State(hub): State<Hub>,
    Extension(masters): Extension<Masters>,
    Json(hello): Json<Hello>,
) -> Result<Json<Welcome>, Refusal> {
    refuse(&hello, &hub)?;
    hub.note_standby(hello.url.clone())?;
    let masters = masters().await?;
    let (session, lineage, goes_on) = hub.open_session(hello.lineage, hello.done);
    let role = hub.role();
    tracing::info!(%session, goes_on, "a standby has come");
    Ok(Json(Welcome { history: role.history, epoch: role.epoch, session, lineage, goes_on, masters }))
}

#[derive(Deserialize)]
struct Since {
    session: Uuid,
    number: u64,
}

/// Ends the session when the answer is dropped.
struct Streaming {
    hub: Hub,
    session: Uuid,
    number: u64,
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.hub.end_session(self.session);
    }
}

/// What happens, for as long as the standby listens.
async fn log(State(hub): State<Hub>, Query(since): Query<Since>) -> Result<Body, Refusal> {
    if !hub.is_session(since.session) {
        return Err(Refusal(StatusCode::GONE, "another session has begun".to_owned()));
    }
    let streaming = Streaming { hub, session: since.session, number: since.number };
    let pieces = stream::unfold(streaming, |mut streaming: Streaming| async move {
        let (piece, reached) = streaming.hub.next(streaming.session, streaming.number, BEAT).await?;
        streaming.number = reached;
        Some((Ok::<_, std::io::Error>(piece), streaming))
    });
    Ok(Body::from_stream(pieces.boxed()))
}

async fn done(State(hub): State<Hub>, Json(done): Json<Done>) -> Result<StatusCode, Refusal> {
    hub.confirm(done)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A copy of the catalog, and which items are in it.
async fn base(State(hub): State<Hub>) -> Result<Response, Refusal> {
    let made = async {
        let folder = tempfile::Builder::new().prefix(BASE).tempdir_in(hub.folder()).context("make a folder")?;
        let path = folder.path().join("base.db");
        let marker = hub.clone();
        let number = hub.db()?.copy_base(&path, move || marker.last()).await.context("copy the catalog")?;
        let file = std::fs::File::open(&path).context("open the copy of the catalog")?;
        let size_bytes = file.metadata().context("open the copy of the catalog")?.len();
        anyhow::Ok((number, size_bytes, super::file::stream(file)))
    };
    let (number, size_bytes, pieces) = made.await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size_bytes));
    headers.insert(POSITION, HeaderValue::from(number));
    Ok((headers, Body::from_stream(pieces)).into_response())
}

#[derive(Deserialize)]
struct After {
    after: Option<StorageKey>,
}

async fn list(State(hub): State<Hub>, Query(after): Query<After>) -> Result<Json<Vec<StoredBlob>>, Refusal> {
    let page = hub.store().list(after.after, PAGE).await.context("list the blobs")?;
    Ok(Json(page.iter().map(|stored| StoredBlob { key: stored.key, size_bytes: stored.size_bytes }).collect()))
}

async fn blob(State(hub): State<Hub>, Path(key): Path<String>) -> Result<Response, Refusal> {
    let unknown = || Refusal(StatusCode::NOT_FOUND, "there are no such bytes".to_owned());
    let key: StorageKey = key.parse().map_err(|_| unknown())?;
    match hub.store().open(&key, None).await {
        Ok(reader) => {
            let headers = [(header::CONTENT_LENGTH, HeaderValue::from(reader.size_bytes()))];
            Ok((headers, Body::from_stream(reader)).into_response())
        }
        Err(wharf_blob::Error::BlobNotFound { .. }) => Err(unknown()),
        Err(error) => Err(anyhow::Error::from(error).context("open a blob").into()),
    }
}

async fn fence(State(hub): State<Hub>, Json(fence): Json<Fence>) -> Result<Response, Refusal> {
    // It goes on when the one who asked has gone.
    let fenced = tokio::spawn(async move { hub.fence(&fence).await });
    let fenced = fenced.await.context("the fence ended unexpectedly")??;
    Ok(Json(fenced).into_response())
}

async fn epoch(State(hub): State<Hub>) -> Json<Epoch> {
    let role = hub.role();
    Json(Epoch { history: role.history, epoch: role.epoch, is_primary: role.primary().is_some() })
}
