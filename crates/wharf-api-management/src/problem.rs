//! Errors as problem documents (RFC 9457), and the one table from kinds to status codes.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use wharf_context::{Kind, RequestId};
use wharf_identity::Error;

use crate::authenticate::Origin;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    /// What to say in `WWW-Authenticate` about the token that was shown.
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
    /// The cause, for the log alone.
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Why the client is asked to say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Challenge {
    LogIn,
    Token(&'static str),
}

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `about:blank`: the title says what the status code says.
    #[serde(rename = "type")]
    kind_of_problem: &'static str,
    /// The status code in words.
    title: &'a str,
    /// The status code.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong with this request.
    detail: &'a str,
    /// Stands in the server's log, too.
    request_id: String,
}

impl Problem {
    /// A problem that is found while decoding.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), challenge: None, retry_after: None, cause: None }
    }

    /// 400.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self { challenge: Some(Challenge::LogIn), ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Writes the document into the answer that carried the problem.
    pub(crate) fn render(self, response: &mut Response, origin: &Origin, request_id: RequestId) {
        if self.status.is_server_error() {
            let cause = self.cause.as_deref().map(|cause| cause as &dyn StdError);
            tracing::error!(%request_id, status = self.status.as_u16(), error = cause, "{}", self.detail);
        }
        let body = ProblemBody {
            kind_of_problem: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id: request_id.to_string(),
        };
        let body = serde_json::to_vec(&body).expect("texts and a number become JSON");
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        let challenge = self.challenge.map(|challenge| origin.challenge(challenge.error()));
        if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
    }
}

impl Challenge {
    fn error(self) -> Option<&'static str> {
        match self {
            Self::LogIn => None,
            Self::Token(error) => Some(error),
        }
    }
}

/// The problem travels in an extension: only the frame around all handlers knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<wharf_registry::Error> for Problem {
    fn from(error: wharf_registry::Error) -> Self {
        let kind = error.kind();
        let challenge = (kind == Kind::Unauthenticated).then_some(Challenge::LogIn);
        let problem = Self::new(status(kind), detail(kind, error.to_string()));
        Self { challenge, cause: Some(Arc::new(error)), ..problem }
    }
}

impl From<wharf_governance::Error> for Problem {
    fn from(error: wharf_governance::Error) -> Self {
        let kind = error.kind();
        let has_moved = matches!(
            error,
            wharf_governance::Error::PolicyChanged { .. }
                | wharf_governance::Error::PromotionMoved { .. }
                | wharf_governance::Error::ReleaseMoved { .. }
        );
        let status = if has_moved { StatusCode::PRECONDITION_FAILED } else { status(kind) };
        let problem = Self::new(status, detail(kind, error.to_string()));
        Self { cause: Some(Arc::new(error)), ..problem }
    }
}

impl From<wharf_archive::Error> for Problem {
    fn from(error: wharf_archive::Error) -> Self {
        if let wharf_archive::Error::Governance(error) = error {
            return error.into();
        }
        let kind = error.kind();
        let has_moved = matches!(error, wharf_archive::Error::ArchiveMoved { .. });
        let status = if has_moved { StatusCode::PRECONDITION_FAILED } else { status(kind) };
        let problem = Self::new(status, detail(kind, error.to_string()));
        Self { cause: Some(Arc::new(error)), ..problem }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        Self {
            status: status(kind),
            detail: detail(kind, error.to_string()),
            challenge: challenge(&error),
            retry_after: error.retry_after(),
            cause: Some(Arc::new(error)),
        }
    }
}

/// What is our fault is told to the log; the client gets the request id to ask about.
fn detail(kind: Kind, sentence: String) -> String {
    match kind {
        Kind::Internal => "the server failed; its log says more under this request id".to_owned(),
        Kind::Unavailable => "a part of the server does not answer; try again".to_owned(),
        Kind::Exhausted => "the server has no space left; nothing was changed".to_owned(),
        Kind::NotFound | Kind::Denied | Kind::Unauthenticated | Kind::Invalid | Kind::Conflict | Kind::Throttled => {
            sentence
        }
    }
}

fn challenge(error: &Error) -> Option<Challenge> {
    if matches!(error, Error::Token(_)) {
        return Some(Challenge::Token("invalid_token"));
    }
    if matches!(error, Error::InsufficientScope { .. }) {
        return Some(Challenge::Token("insufficient_scope"));
    }
    (error.kind() == Kind::Unauthenticated).then_some(Challenge::LogIn)
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Exhausted => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
