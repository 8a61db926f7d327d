//! Errors as the distribution-spec writes them, and the one table from kinds and errors to status codes.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wharf_context::{AuthorizeError, Kind, RequestId};
use wharf_oci::code::ErrorCode;
use wharf_registry::Error as RegistryError;

/// An error on its way to a client: a code, a status, a sentence, and sometimes a header.
#[derive(Debug)]
pub struct OciError {
    code: ErrorCode,
    status: StatusCode,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The scopes that a token for the request needs; set where the client should log in or ask for another token.
    challenge: Option<Vec<String>>,
    /// Set where the answer hides that there is something that the caller may not know.
    is_hidden_refusal: bool,
    /// The cause, for the log alone.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl OciError {
    /// An error with the usual status of its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status: status_of(code),
            message: message.into(),
            headers: Vec::new(),
            challenge: None,
            is_hidden_refusal: false,
            cause: None,
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same as 400.
    #[must_use]
    pub fn bad_request(self) -> Self {
        self.with_status(StatusCode::BAD_REQUEST)
    }

    /// A handler was given a path of another endpoint: the route table and the dispatch disagree.
    pub(crate) fn misrouted() -> Self {
        Self::new(ErrorCode::Unknown, "the server could not route the request")
            .with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 401: the client has to log in, or to ask for a token with these scopes.
    pub(crate) fn unauthorized(message: impl Into<String>, scopes: Vec<String>) -> Self {
        Self { challenge: Some(scopes), ..Self::new(ErrorCode::Unauthorized, message) }
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the caller is known and may not, whatever they are told.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status == StatusCode::FORBIDDEN || self.is_hidden_refusal
    }

    /// Completes a challenge with the scopes that the request needs, unless it names its own.
    pub(crate) fn for_scopes(mut self, scopes: impl FnOnce() -> Vec<String>) -> Self {
        if let Some(challenge) = self.challenge.as_mut().filter(|challenge| challenge.is_empty()) {
            *challenge = scopes();
        }
        self
    }

    /// The answer. `origin` is the server's URL as this client knows it.
    pub(crate) fn into_response_for(self, origin: &Origin, request_id: RequestId) -> Response {
        if self.status.is_server_error() {
            let cause = self.cause.as_deref().map(|cause| cause as &dyn std::error::Error);
            tracing::error!(%request_id, code = self.code.as_str(), error = cause, "{}", self.message);
        }
        let body = json!({"errors": [{
            "code": self.code.as_str(),
            "message": self.message,
            "detail": {"request_id": request_id.to_string()},
        }]});
        let mut response = (self.status, Json(body)).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        if let Some(scopes) = self.challenge
            && let Ok(value) = HeaderValue::from_str(&origin.challenge(&scopes))
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// The server as a client knows it: where the token endpoint is, and which service tokens are for.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) url: String,
    pub(crate) service: String,
}

impl Origin {
    fn challenge(&self, scopes: &[String]) -> String {
        let mut text = format!(r#"Bearer realm="{}/token",service="{}""#, self.url, self.service);
        if !scopes.is_empty() {
            text.push_str(&format!(r#",scope="{}""#, scopes.join(" ")));
        }
        text
    }
}

impl From<RegistryError> for OciError {
    fn from(error: RegistryError) -> Self {
        let code = code_of(&error);
        let kind = error.kind();
        let mut this = Self::new(code, error.to_string()).with_status(status(kind));
        if let RegistryError::ChunkOutOfOrder { offset_bytes, .. } = &error {
            let range = crate::headers::value(crate::headers::upload_range(*offset_bytes));
            this = this.with_status(StatusCode::RANGE_NOT_SATISFIABLE).with_header(header::RANGE, range);
        }
        if let RegistryError::PreconditionFailed { .. } = &error {
            this = this.with_status(StatusCode::PRECONDITION_FAILED);
        }
        if let RegistryError::Authorize(denied) = &error
            && denied.kind() == Kind::Unauthenticated
        {
            this.challenge = Some(Vec::new());
        }
        this.is_hidden_refusal = matches!(error, RegistryError::Authorize(AuthorizeError::NotFound(_)));
        this.hide_internals(kind, error)
    }
}

impl From<wharf_identity::Error> for OciError {
    fn from(error: wharf_identity::Error) -> Self {
        let kind = error.kind();
        let mut this = Self::new(code_of_kind(kind), error.to_string()).with_status(status(kind));
        if kind == Kind::Unauthenticated {
            this.challenge = Some(Vec::new());
        }
        if let Some(wait) = error.retry_after() {
            this = this.with_header(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        this.hide_internals(kind, error)
    }
}

impl OciError {
    /// What is our fault is told to the log; the client gets the request id to ask about.
    fn hide_internals(self, kind: Kind, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = match kind {
            Kind::Internal => "the server failed; its log says more under this request id".to_owned(),
            Kind::Unavailable => "a part of the server does not answer; try again".to_owned(),
            Kind::Exhausted => "the server has no space left for this; what was sent is not stored".to_owned(),
            Kind::NotFound
            | Kind::Denied
            | Kind::Unauthenticated
            | Kind::Invalid
            | Kind::Conflict
            | Kind::Throttled => return self,
        };
        Self { message, cause: Some(Box::new(error)), ..self }
    }
}

/// The table from kinds to status codes.
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

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is the client's mistake")]
/// The status that a code has where we find the error ourselves, while decoding.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BlobUnknown | ErrorCode::BlobUploadUnknown | ErrorCode::ManifestUnknown | ErrorCode::NameUnknown => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Denied => StatusCode::FORBIDDEN,
        ErrorCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the error is non-exhaustive; what is not listed is told by its kind"
)]
fn code_of(error: &RegistryError) -> ErrorCode {
    match error {
        RegistryError::Authorize(AuthorizeError::NotFound(_)) | RegistryError::RepositoryUnknown(_) => {
            ErrorCode::NameUnknown
        }
        RegistryError::BlobUnknown(_) | RegistryError::BlobLost(_) => ErrorCode::BlobUnknown,
        RegistryError::UploadUnknown(_) => ErrorCode::BlobUploadUnknown,
        RegistryError::ChunkOutOfOrder { .. } => ErrorCode::RangeInvalid,
        RegistryError::ChunkSize { .. } => ErrorCode::SizeInvalid,
        RegistryError::UploadBusy(_) | RegistryError::Store { .. } => store_code(error.kind()),
        RegistryError::DigestMismatch { .. } => ErrorCode::DigestInvalid,
        RegistryError::ManifestUnknown { .. }
        | RegistryError::ManifestAway { .. }
        | RegistryError::NotAcceptable { .. } => ErrorCode::ManifestUnknown,
        RegistryError::ManifestInvalid(_) | RegistryError::SizeMismatch { .. } => ErrorCode::ManifestInvalid,
        RegistryError::ManifestBlobUnknown(_) => ErrorCode::ManifestBlobUnknown,
        RegistryError::TagExists { .. } | RegistryError::TagNotCovered { .. } => ErrorCode::Denied,
        RegistryError::PreconditionFailed { .. } => ErrorCode::ManifestInvalid,
        _ => code_of_kind(error.kind()),
    }
}

fn store_code(kind: Kind) -> ErrorCode {
    if matches!(kind, Kind::Invalid | Kind::Conflict) { ErrorCode::BlobUploadInvalid } else { code_of_kind(kind) }
}

fn code_of_kind(kind: Kind) -> ErrorCode {
    match kind {
        Kind::NotFound => ErrorCode::NameUnknown,
        Kind::Denied => ErrorCode::Denied,
        Kind::Unauthenticated => ErrorCode::Unauthorized,
        Kind::Throttled => ErrorCode::TooManyRequests,
        Kind::Invalid | Kind::Conflict => ErrorCode::Unsupported,
        Kind::Exhausted | Kind::Unavailable => ErrorCode::Unavailable,
        Kind::Internal => ErrorCode::Unknown,
    }
}
