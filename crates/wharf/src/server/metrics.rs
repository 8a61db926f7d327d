//! The server's own figures, and `/metrics`, where all figures of the process are read.
//!
//! Parts register their figures in the same [`Registry`]; `wire.rs` hands it to them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode, header};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::connections::Connections;
use super::exchange::{Ended, RouteLabel};

/// How `/metrics` itself is counted.
const ROUTE: RouteLabel = RouteLabel(Cow::Borrowed("/metrics"));

/// Bounds of latencies in seconds: from a HEAD out of memory to a layer over a slow line.
const BUCKETS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1800.0];

/// Headers by which a proxy shows itself.
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// A method as a label: a client cannot make new ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MethodLabel(Method);

impl EncodeLabelValue for MethodLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.0.as_str())
    }
}

impl From<&Method> for MethodLabel {
    fn from(method: &Method) -> Self {
        let known =
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
        let other = || Method::from_bytes(b"other").expect("a method's name");
        Self(if known.contains(method) { method.clone() } else { other() })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: Cow<'static, str>,
    method: MethodLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCode {
    route: Cow<'static, str>,
    method: MethodLabel,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

type Latencies = Family<ByRoute, Histogram, fn() -> Histogram>;

/// Figures of requests and connections.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<ByCode, Counter>,
    durations: Latencies,
    times_to_headers: Latencies,
    received_bytes: Counter,
    sent_bytes: Counter,
    accepted: Counter,
    refused: Family<ByReason, Counter>,
}

impl Metrics {
    /// Makes the figures and registers them.
    pub(crate) fn register(registry: &mut Registry, connections: &Arc<Connections>) -> Self {
        let latencies = || Latencies::new_with_constructor(|| Histogram::new(BUCKETS));
        let metrics = Self {
            requests: Family::default(),
            durations: latencies(),
            times_to_headers: latencies(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            accepted: Counter::default(),
            refused: Family::default(),
        };
        let http = registry.sub_registry_with_prefix("wharf_http");
        http.register("requests", "Requests that were answered", metrics.requests.clone());
        let name = "request_duration";
        http.register_with_unit(name, "Until the answer's last byte", Unit::Seconds, metrics.durations.clone());
        let name = "time_to_headers";
        http.register_with_unit(name, "Until the answer's headers", Unit::Seconds, metrics.times_to_headers.clone());
        http.register_with_unit("received", "In request bodies", Unit::Bytes, metrics.received_bytes.clone());
        http.register_with_unit("sent", "In response bodies", Unit::Bytes, metrics.sent_bytes.clone());
        http.register("connections_accepted", "Connections that were let in", metrics.accepted.clone());
        http.register("connections_refused", "Connections that were turned away", metrics.refused.clone());
        registry.register_collector(Box::new(OpenConnections(Arc::clone(connections))));
        metrics
    }

    pub(crate) fn accepted(&self) {
        self.accepted.inc();
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ByReason { reason }).inc();
    }

    /// Counts a request whose answer has ended.
    pub(crate) fn ended(&self, ended: &Ended<'_>) {
        let method = MethodLabel::from(ended.method);
        let route = &ended.route.0;
        let by_route = ByRoute { route: route.clone(), method: method.clone() };
        let by_code = ByCode { route: route.clone(), method, code: ended.status.as_u16() };
        self.requests.get_or_create(&by_code).inc();
        self.durations.get_or_create(&by_route).observe(ended.duration.as_secs_f64());
        self.times_to_headers.get_or_create(&by_route).observe(ended.time_to_headers.as_secs_f64());
        self.received_bytes.inc_by(ended.bytes_in);
        self.sent_bytes.inc_by(ended.bytes_out);
    }
}

/// Counts connections when somebody asks.
#[derive(Debug)]
struct OpenConnections(Arc<Connections>);

impl Collector for OpenConnections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let open = ConstGauge::new(i64::try_from(self.0.count()).unwrap_or(i64::MAX));
        let metric =
            encoder.encode_descriptor("wharf_http_connections", "Open connections", None, open.metric_type())?;
        open.encode(metric)
    }
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever reaches the address.
    Everyone,
    /// Callers on this machine that did not come through a proxy.
    ThisMachine,
}

/// The route `/metrics`.
pub(crate) fn router(registry: Arc<Registry>, readers: Readers) -> Router {
    Router::new().route("/metrics", get(show)).with_state((registry, readers))
}

async fn show(
    State((registry, readers)): State<(Arc<Registry>, Readers)>,
    client: Option<Extension<SocketAddr>>,
    request: Request,
) -> Response {
    let client = client.map(|Extension(client)| client);
    if readers == Readers::ThisMachine && !is_of_this_machine(client, request.headers()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (Extension(ROUTE), [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Whether a request was sent on this machine, as far as can be seen. A local socket has no address.
fn is_of_this_machine(client: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let is_local = client.is_none_or(|client| client.ip().to_canonical().is_loopback());
    is_local && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_not_of_this_machine() {
        let none = HeaderMap::new();
        let forwarded = HeaderMap::from_iter([(header::FORWARDED, "for=192.0.2.1".parse().expect("a value"))]);
        let address = |text: &str| Some(text.parse::<SocketAddr>().expect("an address"));
        assert!(is_of_this_machine(address("127.0.0.1:1"), &none));
        assert!(is_of_this_machine(address("[::ffff:127.0.0.1]:1"), &none));
        assert!(is_of_this_machine(None, &none));
        assert!(!is_of_this_machine(address("192.0.2.1:1"), &none));
        assert!(!is_of_this_machine(address("127.0.0.1:1"), &forwarded));
    }
}
