//! `[metrics]` and `[telemetry]`: figures and traces for those who run Wharf.

use serde::{Deserialize, Serialize};
use url::Url;

use super::address::ListenAddress;

/// Keys of `[metrics]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// An address of their own for `/metrics`, open to whoever reaches it. Without it, `/metrics` stands on the main
    /// addresses and answers only callers on this machine, and nobody when `server.public_url` says that a proxy
    /// stands in front.
    pub(crate) listen: Option<ListenAddress>,
}

/// Keys of `[telemetry]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// OpenTelemetry collector that gets the traces by OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`.
    pub(crate) otlp_endpoint: Option<Url>,
    /// The share of requests that are traced, in percent.
    pub(crate) sample_percent: u8,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_percent: 100 }
    }
}
