//! What can go wrong between us and a registry, and what sort of failure it is.

use std::time::Duration;

use http::StatusCode;
use wharf_oci::{ContentError, ContentErrorKind, ErrorCode};

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings make no client.
    #[error(transparent)]
    Client(wharf_http::Error),
    /// The registry, or who it sent us to, cannot be reached.
    #[error("cannot {what}")]
    Reach {
        /// What was being done.
        what: String,
        /// Why not.
        source: wharf_http::Error,
    },
    /// The registry said no.
    #[error("cannot {what}: the registry answers {refusal}")]
    Refused {
        /// What was being done.
        what: String,
        /// What it said.
        refusal: Refusal,
    },
    /// The registry said yes and something that makes no sense beside it.
    #[error("cannot {what}: {reason}")]
    Answer {
        /// What was being done.
        what: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// The registry wants the log-in to go where it must not go.
    #[error("`{host}` wants the log-in sent to `{realm}`, which it may not ask for")]
    Realm {
        /// The registry.
        host: String,
        /// Where to.
        realm: String,
    },
    /// There is a name and a password, or a stored token, and the registry does not take them.
    #[error("`{host}` does not accept the log-in: {refusal}")]
    LogIn {
        /// The registry.
        host: String,
        /// What was said.
        refusal: Refusal,
    },
    /// What is copied failed on the other side.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// What a registry says instead of doing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status.
    pub status: StatusCode,
    /// The first error's code, where it is one that the specification knows.
    pub code: Option<ErrorCode>,
    /// The first error's message, without control characters; may be empty.
    pub message: String,
    /// How long it asks to wait before another try.
    pub retry_after: Option<Duration>,
}

/// How much of a message is shown.
const MAX_MESSAGE_CHARS: usize = 300;

impl Refusal {
    /// Reads an answer's body: the specification's errors, else that of OAuth2, else nothing.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Self {
        let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let first = &document["errors"][0];
        let texts = [&first["message"], &document["error_description"], &document["details"], &document["error"]];
        let message = texts.into_iter().find_map(serde_json::Value::as_str).unwrap_or_default();
        let shown =
            message.chars().take(MAX_MESSAGE_CHARS).map(|letter| if letter.is_control() { ' ' } else { letter });
        let code = first["code"].as_str().and_then(ErrorCode::parse);
        Self { status, code, message: shown.collect(), retry_after: None }
    }

    fn kind(&self) -> ContentErrorKind {
        use ContentErrorKind as Kind;
        match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, _) => Kind::Unauthenticated,
            (StatusCode::FORBIDDEN, _) => Kind::Denied,
            (StatusCode::NOT_FOUND, _) => Kind::NotFound,
            (StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED, _) => Kind::Conflict,
            (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INSUFFICIENT_STORAGE, _) => Kind::Exhausted,
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT, _) => Kind::Unavailable,
            (status, _) if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => Kind::Unavailable,
            // Docker's registry names a missing upload or blob so with other statuses.
            (_, Some(ErrorCode::BlobUploadUnknown | ErrorCode::ManifestUnknown | ErrorCode::NameUnknown)) => {
                Kind::NotFound
            }
            _ => Kind::Invalid,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        match self.message.as_str() {
            "" => write!(f, " {}", self.status.canonical_reason().unwrap_or_default()),
            message => write!(f, ", “{message}”"),
        }
    }
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> ContentErrorKind {
        match self {
            Self::Client(_) => ContentErrorKind::Internal,
            Self::Reach { source: wharf_http::Error::AnswerTooLarge { .. }, .. } | Self::Answer { .. } => {
                ContentErrorKind::Invalid
            }
            Self::Reach { .. } => ContentErrorKind::Unavailable,
            Self::Refused { refusal, .. } => refusal.kind(),
            Self::Realm { .. } => ContentErrorKind::Denied,
            Self::LogIn { refusal, .. } if refusal.kind() == ContentErrorKind::Unavailable => refusal.kind(),
            Self::LogIn { .. } => ContentErrorKind::Unauthenticated,
            Self::Content(error) => error.kind,
        }
    }

    /// Whether the same may pass later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Reach { source, .. } => source.is_transient(),
            Self::Refused { .. } | Self::LogIn { .. } | Self::Content(_) => {
                self.kind() == ContentErrorKind::Unavailable
            }
            Self::Client(_) | Self::Answer { .. } | Self::Realm { .. } => false,
        }
    }

    /// What the registry said, where it said no.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } | Self::LogIn { refusal, .. } => Some(refusal),
            Self::Client(_) | Self::Reach { .. } | Self::Answer { .. } | Self::Realm { .. } | Self::Content(_) => None,
        }
    }

    /// How long the registry asks to wait before another try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    pub(crate) fn answer(what: &str, reason: impl Into<String>) -> Self {
        Self::Answer { what: what.to_owned(), reason: reason.into() }
    }
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        if let Error::Content(error) = error {
            return error;
        }
        let (kind, message) = (error.kind(), error.to_string());
        match std::error::Error::source(&error) {
            Some(_) => Self::caused(kind, message, Cause(error)),
            None => Self::new(kind, message),
        }
    }
}

/// An error whose own sentence has been said: it stands for its cause.
#[derive(Debug)]
struct Cause(Error);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match std::error::Error::source(&self.0) {
            Some(source) => write!(f, "{source}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)?.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_code_and_message_and_nothing_that_moves_a_cursor() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\u001b[2J way"}]}"#;
        let refusal = Refusal::read(StatusCode::FORBIDDEN, body);
        assert_eq!(refusal.to_string(), "403 DENIED, “no [2J way”");
        let refusal = Refusal::read(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(refusal.to_string(), "502 Bad Gateway");
        let refusal =
            Refusal::read(StatusCode::UNAUTHORIZED, br#"{"error":"invalid_grant","error_description":"expired"}"#);
        assert_eq!(refusal.to_string(), "401, “expired”");
    }

    #[test]
    fn kinds_follow_statuses() {
        for (status, kind) in [
            (401, ContentErrorKind::Unauthenticated),
            (403, ContentErrorKind::Denied),
            (404, ContentErrorKind::NotFound),
            (409, ContentErrorKind::Conflict),
            (413, ContentErrorKind::Exhausted),
            (429, ContentErrorKind::Unavailable),
            (500, ContentErrorKind::Unavailable),
            (501, ContentErrorKind::Invalid),
            (507, ContentErrorKind::Exhausted),
            (400, ContentErrorKind::Invalid),
        ] {
            let refusal = Refusal::read(StatusCode::from_u16(status).expect("a status"), b"");
            let error = Error::Refused { what: "look".to_owned(), refusal };
            assert_eq!(error.kind(), kind, "{status}");
            assert_eq!(error.is_transient(), kind == ContentErrorKind::Unavailable, "{status}");
            assert_eq!(ContentError::from(error).kind, kind);
        }
    }
}
