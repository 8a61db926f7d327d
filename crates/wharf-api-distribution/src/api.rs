//! The router: finds the endpoint, authenticates, calls its handler.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http_body::Body as _;
use url::Url;
use wharf_context::{Context, RequestId};
use wharf_identity::{Identity, Wanted};
use wharf_registry::Registry;

use crate::authenticate::Door;
use crate::authenticate::Knock;
use crate::error::OciError;
use crate::names::{Names, Naming};
use crate::redirect::Redirect;
use crate::refusal::Asker;
use crate::route::{Endpoint, Operation, Target};
use crate::{authenticate, blobs, catalog, manifests, parameters::Parameters, referrers, tags, token, uploads};

/// What an operator may choose.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The URL that clients know the server by; without it, the one that they used.
    pub public_url: Option<Url>,
    /// The name of the service in tokens.
    pub service: String,
    /// Who is sent to the storage for a blob's bytes; without it, nobody.
    pub redirect: Option<Redirect>,
    /// How repositories are named.
    pub naming: Naming,
}

/// What every handler needs. Shared by all requests: a copy of it for each would cost more than some of the answers.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) registry: Registry,
    pub(crate) identity: Identity,
    pub(crate) settings: Settings,
}

/// One request, decoded so far.
pub(crate) struct Call<'a> {
    pub(crate) ctx: Context,
    /// How the client names repositories.
    pub(crate) names: Names<'a>,
    pub(crate) target: Target,
    pub(crate) parameters: Parameters,
    pub(crate) request: Request<Body>,
}

/// What a request's line asks for.
struct Asked<'w> {
    names: Names<'w>,
    target: Target,
    parameters: Parameters,
    wanted: &'w [Wanted],
}

/// `/v2/…` and `/token`.
pub fn router(registry: Registry, identity: Identity, settings: Settings) -> Router {
    let api = Arc::new(Api { registry, identity, settings });
    Router::new()
        .route("/token", get(token::get).post(token::post))
        .route("/v2", any(serve))
        .route("/v2/", any(serve))
        .route("/v2/{*path}", any(serve))
        .with_state(api)
}

async fn serve(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    let request_id = request.extensions().get().copied().unwrap_or_else(RequestId::generate);
    let door = Door::of(&request);
    let is_head = request.method() == Method::HEAD;
    let mut endpoint = None;
    let names = api.settings.naming.at(door.host());
    let answer = dispatch(&api, names, (request, request_id), &mut endpoint).await;
    let mut response = answer.unwrap_or_else(|error| error.into_response_for(&door.origin(&api.settings), request_id));
    response.headers_mut().insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if let Some(endpoint) = endpoint {
        response.extensions_mut().insert(endpoint);
    }
    if is_head { without_body(response) } else { response }
}

/// What HEAD is answered with: the headers of GET, also the length, and no body.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

/// Finds the endpoint, tells it through `found` for the access log, and calls its handler.
async fn dispatch(
    api: &Api,
    names: Names<'_>,
    (request, request_id): (Request<Body>, RequestId),
    found: &mut Option<&'static Endpoint>,
) -> Result<Response, OciError> {
    let target = Target::parse(request.uri().path())?.named(names)?;
    let endpoint = target.endpoint(request.method())?;
    *found = Some(endpoint);
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default())?;
    let wanted = authenticate::wanted(endpoint, &target, &parameters, names)?;
    let answer = answer(api, endpoint, Asked { names, target, parameters, wanted: &wanted }, request, request_id).await;
    answer.map_err(|error| error.for_scopes(|| authenticate::scopes(endpoint, &wanted, names)))
}

async fn answer(
    api: &Api,
    endpoint: &'static Endpoint,
    asked: Asked<'_>,
    request: Request<Body>,
    request_id: RequestId,
) -> Result<Response, OciError> {
    let knock = Knock::read(&request, request_id)?;
    let ctx = authenticate::context(api, endpoint, asked.wanted, knock).await?;
    let asker = Asker::of(&ctx, request.method());
    let Asked { names, target, parameters, .. } = asked;
    let call = Call { ctx, names, target, parameters, request };
    let answer = handle(api, endpoint.operation, call).await;
    answer.inspect_err(|error| {
        let object = asked.wanted.first().map_or("registry", |wanted| wanted.repository.as_str());
        asker.note(api, endpoint, object, error);
    })
}

async fn handle(api: &Api, operation: Operation, call: Call<'_>) -> Result<Response, OciError> {
    match operation {
        Operation::Ping => Ok(axum::Json(serde_json::json!({})).into_response()),
        Operation::PullBlob => blobs::get(api, call).await,
        Operation::DeleteBlob => blobs::delete(api, call).await,
        Operation::OpenUpload => uploads::post(api, call).await,
        Operation::AppendUpload => uploads::patch(api, call).await,
        Operation::CommitUpload => uploads::put(api, call).await,
        Operation::GetUpload => uploads::get(api, call).await,
        Operation::DeleteUpload => uploads::delete(api, call).await,
        Operation::PullManifest => manifests::get(api, call).await,
        Operation::PutManifest => manifests::put(api, call).await,
        Operation::DeleteManifest => manifests::delete(api, call).await,
        Operation::ListTags => tags::list(api, call).await,
        Operation::ListReferrers => referrers::list(api, call).await,
        Operation::ListRepositories => catalog::list(api, call).await,
    }
}
