//! Whether the server takes writes: while the registry is being moved it only answers reads, and says so.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use tokio::sync::watch;

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// What requests may do. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mode(Arc<watch::Sender<Option<&'static str>>>);

impl Mode {
    /// From now on only reads are answered, because of `reason`.
    pub(crate) fn set_read_only(&self, reason: &'static str) {
        self.0.send_replace(Some(reason));
    }

    /// `reason` is no reason any more. Another one stays.
    pub(crate) fn clear(&self, reason: &'static str) {
        self.0.send_if_modified(|present| {
            let is_it = *present == Some(reason);
            *present = present.filter(|_| !is_it);
            is_it
        });
    }

    /// Everything is answered again.
    pub(crate) fn set_serving(&self) {
        self.0.send_replace(None);
    }

    /// Why only reads are answered, if so.
    pub(crate) fn read_only(&self) -> Option<&'static str> {
        *self.0.borrow()
    }
}

/// Refuses what would write. Tokens are given out, as pulling takes one.
pub(crate) async fn refuse_writes(State(mode): State<Mode>, request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    match mode.read_only().filter(|_| !is_read && request.uri().path() != "/token") {
        Some(reason) => refusal(reason),
        None => next.run(request).await,
    }
}

/// In the form that the distribution-spec gives errors; our own command line reads it, too.
fn refusal(reason: &str) -> Response {
    let message = format!("writes are refused for now: {reason}");
    let body = serde_json::json!({ "errors": [{ "code": "UNAVAILABLE", "message": message }] });
    let headers =
        [(header::RETRY_AFTER, RETRY_AFTER), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body.to_string()).into_response()
}
