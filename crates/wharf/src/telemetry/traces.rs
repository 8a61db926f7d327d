//! Traces to an OpenTelemetry collector, by OTLP as protobuf over HTTP. Only with the feature `otel`.
//!
//! The spans are those of `tracing`; here they get the names that OpenTelemetry expects, and are sent in batches by a
//! thread of the SDK. A collector that does not answer costs traces, never requests.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Span, field};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use wharf_context::RequestId;

use crate::command::client::proxies;
use crate::command::serve::environment;
use crate::config::telemetry::Telemetry as Settings;

/// How long the collector may take for a batch, and the last one at the end.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Traces on their way to a collector.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send traces, if a collector is configured.
    pub(super) fn start(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let proxies = proxies(&environment());
        let settings = wharf_http::Settings { proxies, total_timeout: Some(TIMEOUT), ..Default::default() };
        let client = wharf_http::client(&settings);
        let client = Client { client: client.context("make a client for the collector")?, runtime: Handle::current() };
        let exporter = SpanExporter::builder().with_http().with_http_client(client).with_timeout(TIMEOUT);
        let exporter = exporter.with_endpoint(endpoint.as_str()).build().context("prepare sending traces")?;
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("wharf").build())
            .with_sampler(Sampler::TraceIdRatioBased(f64::from(settings.sample_percent) / 100.0))
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self { provider }))
    }

    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.provider.tracer("wharf"));
        layer.with_location(false).with_threads(false).with_target(false)
    }

    /// Sends what is left.
    pub(super) fn finish(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(TIMEOUT) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The process's HTTP client, for the SDK's thread, which is none of the runtime's.
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl HttpClient for Client {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> BoxFuture<'async_trait, Result<Response<Bytes>, HttpError>>
    where
        'life0: 'async_trait,
    {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(answer.headers().clone());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        async move { sent.await? }.boxed()
    }
}

/// The span in which a request is answered, under the client's own where it names one (W3C trace context).
pub(crate) fn request_span(id: RequestId, method: &Method, uri: &Uri, headers: &HeaderMap) -> Span {
    // At the highest level, so that the id stands in every line, whatever is filtered.
    let span = tracing::error_span!(
        "request",
        %id,
        http.request.method = %method,
        url.path = uri.path(),
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        otel.kind = "server",
    );
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if parent.span().span_context().is_valid()
        && let Err(error) = span.set_parent(parent)
    {
        tracing::debug!(%error, "a request's parent span was not taken over");
    }
    span
}

/// Tells the span how it went.
pub(crate) fn request_ended(span: &Span, method: &Method, route: &str, status: StatusCode) {
    span.record("http.route", route);
    span.record("http.response.status_code", status.as_u16());
    let context = span.context();
    context.span().update_name(format!("{method} {route}"));
    if status.is_server_error() {
        context.span().set_status(Status::error(status.as_str().to_owned()));
    }
}
