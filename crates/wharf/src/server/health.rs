//! `/livez`: the process runs. `/readyz`: it may be sent requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures_util::future::BoxFuture;
use http::StatusCode;

use super::mode::Mode;

/// How long a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks one part whether it can work.
pub(crate) type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Whether requests should come here.
#[derive(Clone, Default)]
pub(crate) struct Health {
    is_stopping: Arc<AtomicBool>,
    checks: Vec<(&'static str, Check)>,
    mode: Mode,
}

impl Health {
    /// Adds what must work for the server to be ready.
    pub(crate) fn require(mut self, name: &'static str, check: Check) -> Self {
        self.checks.push((name, check));
        self
    }

    /// Tells whether writes are refused. Reads go on then, so the server stays ready.
    pub(crate) fn tell(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// From now on no new requests should come.
    pub(crate) fn set_stopping(&self) {
        self.is_stopping.store(true, Relaxed);
    }

    /// The routes.
    pub(crate) fn router(self) -> Router {
        Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(self)
    }
}

/// Every check on a line of its own, so that a person sees what is missing.
async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if health.is_stopping.load(Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    let (mut status, mut text) = (StatusCode::OK, String::new());
    for (name, check) in &health.checks {
        let verdict = match tokio::time::timeout(CHECK_TIMEOUT, check()).await {
            Ok(Ok(())) => "ok",
            Ok(Err(why)) => {
                tracing::warn!(check = name, why, "not ready");
                "failed"
            }
            Err(_) => "does not answer",
        };
        if verdict != "ok" {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        text.extend([*name, ": ", verdict, "\n"]);
    }
    if let Some(reason) = health.mode.read_only() {
        text.extend(["read-only: ", reason, "\n"]);
    }
    text.push_str(if status.is_success() { "ok\n" } else { "not ready\n" });
    (status, text)
}
