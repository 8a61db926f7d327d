//! Traces in a build without the feature `otel`: there are none, and a request's span only carries its id into the log.

use http::{HeaderMap, Method, StatusCode, Uri};
use tracing::Span;
use tracing_subscriber::layer::Identity;
use wharf_context::RequestId;

use crate::config::telemetry::Telemetry as Settings;

/// Nothing.
pub(crate) enum Traces {}

impl Traces {
    /// None: the configuration was refused if it names a collector.
    #[expect(clippy::unnecessary_wraps, reason = "the same as with the feature")]
    pub(super) fn start(_: &Settings) -> anyhow::Result<Option<Self>> {
        Ok(None)
    }

    pub(super) fn layer(&self) -> Identity {
        match *self {}
    }

    pub(super) fn finish(self) {
        match self {}
    }
}

/// The span in which a request is answered.
pub(crate) fn request_span(id: RequestId, method: &Method, uri: &Uri, _: &HeaderMap) -> Span {
    // At the highest level, so that the id stands in every line, whatever is filtered.
    tracing::error_span!("request", %id, http.request.method = %method, url.path = uri.path())
}

/// Tells the span how it went.
pub(crate) fn request_ended(_: &Span, _: &Method, _: &str, _: StatusCode) {}
