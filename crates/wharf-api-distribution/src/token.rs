//! The token endpoint: `GET /token` and `POST /token`.
//!
//! Spec: distribution, "Token Authentication Specification" and "OAuth2 Token Authentication". A grant of less than
//! was asked for is no error; wrong credentials are.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use wharf_context::RequestId;
use wharf_identity::{Credentials, IssuedToken, Secret, TokenRequest};
use wharf_oci::code::ErrorCode;
use wharf_oci::scope::Scope;

use crate::api::Api;
use crate::authenticate::{self, Door};
use crate::error::OciError;
use crate::names::Names;
use crate::parameters::Parameters;

/// The longest form that a client may post.
const MAX_FORM_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Answer {
    token: String,
    access_token: String,
    expires_in: u64,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

pub(crate) async fn get(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    answer(&api, request, from_query).await
}

pub(crate) async fn post(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    answer(&api, request, from_form).await
}

async fn answer<F>(api: &Api, request: Request<Body>, read: impl FnOnce(Request<Body>) -> F) -> Response
where
    F: Future<Output = Result<TokenRequest, OciError>>,
{
    let request_id = request.extensions().get().copied().unwrap_or_else(RequestId::generate);
    let door = Door::of(&request);
    let names = api.settings.naming.at(door.host());
    match issue(api, names, read(request)).await {
        Ok(answer) => ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response(),
        Err(error) => error.into_response_for(&door.origin(&api.settings), request_id),
    }
}

async fn issue(
    api: &Api,
    names: Names<'_>,
    asked: impl Future<Output = Result<TokenRequest, OciError>>,
) -> Result<Answer, OciError> {
    let asked = asked.await?;
    let scope = asked.scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ");
    let scopes = asked.scopes.into_iter().map(|scope| names.scope(scope)).collect();
    let issued: IssuedToken = api.identity.issue_token(TokenRequest { scopes, ..asked }).await?;
    let token = issued.token.expose().to_owned();
    Ok(Answer {
        access_token: token.clone(),
        token,
        expires_in: issued.expires_in.as_secs(),
        issued_at: rfc3339(issued.issued_at),
        refresh_token: issued.refresh_token.map(|secret| secret.expose().to_owned()),
        scope: (!scope.is_empty()).then_some(scope),
    })
}

async fn from_query(request: Request<Body>) -> Result<TokenRequest, OciError> {
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default())?;
    let offline = matches!(parameters.get("offline_token")?, Some("true" | "1"));
    token_request(&request, &parameters, authenticate::credentials(request.headers())?, offline)
}

async fn from_form(request: Request<Body>) -> Result<TokenRequest, OciError> {
    let (parts, body) = request.into_parts();
    let malformed =
        |_| OciError::new(ErrorCode::Unsupported, "the form is too long or did not arrive whole").bad_request();
    let form = Limited::new(body, MAX_FORM_BYTES).collect().await.map_err(malformed)?.to_bytes();
    let form = std::str::from_utf8(&form)
        .map_err(|_| OciError::new(ErrorCode::Unsupported, "the form is not UTF-8").bad_request())?;
    let parameters = Parameters::parse(form)?;
    let request = Request::from_parts(parts, Body::empty());
    let required = |name: &'static str| {
        parameters
            .get(name)?
            .ok_or_else(|| OciError::new(ErrorCode::Unsupported, format!("the form needs `{name}`")).bad_request())
    };
    let credentials = match required("grant_type")? {
        "password" => Credentials::Basic {
            username: required("username")?.to_owned(),
            password: Secret::new(required("password")?),
        },
        "refresh_token" => Credentials::RefreshToken(Secret::new(required("refresh_token")?)),
        _ => {
            return Err(
                OciError::new(ErrorCode::Unsupported, "`grant_type` is `password` or `refresh_token`").bad_request()
            );
        }
    };
    let offline = parameters.get("access_type")? == Some("offline");
    token_request(&request, &parameters, credentials, offline)
}

fn token_request(
    request: &Request<Body>,
    parameters: &Parameters,
    credentials: Credentials,
    offline: bool,
) -> Result<TokenRequest, OciError> {
    let mut scopes = Vec::new();
    for text in parameters.all("scope") {
        let parsed = Scope::parse_list(text);
        scopes.extend(
            parsed.map_err(|error| OciError::new(ErrorCode::Unsupported, format!("`scope`: {error}")).bad_request())?,
        );
    }
    let service = parameters.get("service")?.map(str::to_owned);
    Ok(TokenRequest { credentials, remote: authenticate::remote(request), service, scopes, offline })
}

fn rfc3339(at: wharf_context::Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).map(|at| at.to_string()).unwrap_or_default()
}
