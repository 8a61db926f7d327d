//! One request and its answer: id, limits, the router, panics, and what is written down at the end.

mod refusal;
mod tracked;

use std::any::Any;
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use futures_util::FutureExt as _;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::Service as _;
use tracing::Instrument as _;
use wharf_context::RequestId;

use super::Shared;
use super::access_log;
use super::body::{Inflow, PacedBody};
use super::connection::{Connection, InFlight};
use super::{limits, request_id};
use crate::telemetry;

pub(crate) use tracked::TrackedBody;

/// What the router's answers carry as an extension to say which route they came from; metrics count by it.
#[derive(Debug, Clone)]
pub(crate) struct RouteLabel(pub(crate) Cow<'static, str>);

/// What the router's answers carry as an extension when no line is to be written down for them: there are thousands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unlogged;

/// The label of answers that carry none.
const NO_ROUTE: RouteLabel = RouteLabel(Cow::Borrowed("other"));

/// What metrics want to know of a request whose answer has ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) route: &'a RouteLabel,
    pub(crate) method: &'a Method,
    pub(crate) status: StatusCode,
    pub(crate) time_to_headers: Duration,
    pub(crate) duration: Duration,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// Where a request came in.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) connection: Arc<Connection>,
    pub(crate) router: Router,
    pub(crate) scheme: Scheme,
}

/// Answers one request.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    entrance: Entrance,
    request: Request<Incoming>,
) -> Result<Response<TrackedBody>, Infallible> {
    let Entrance { connection, router, scheme } = entrance;
    let (exchange, request) = Exchange::begin(shared, &connection, scheme, request);
    let mut response = match refusal::judge(&exchange.shared, exchange.client, &request, exchange.id) {
        Some(refusal) => refusal,
        None => exchange.route(router, request).await,
    };
    if exchange.inflow.is_too_slow() {
        response = refusal::error(
            StatusCode::REQUEST_TIMEOUT,
            "BLOB_UPLOAD_INVALID",
            "the request's body came too slowly",
            exchange.id,
        );
    }
    exchange.set_headers(&mut response);
    Ok(exchange.track(response))
}

/// A request that has not been written down.
#[derive(Debug)]
struct Exchange {
    shared: Arc<Shared>,
    in_flight: InFlight,
    inflow: Arc<Inflow>,
    id: RequestId,
    client: Option<IpAddr>,
    method: Method,
    uri: Uri,
    version: Version,
    user_agent: Option<HeaderValue>,
    began: Instant,
    answered: Option<Answered>,
    bytes_out: u64,
    expected_bytes_out: Option<u64>,
    is_complete: bool,
    is_logged: bool,
}

/// What is known once there are headers.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    route: RouteLabel,
    time_to_headers: Duration,
}

impl Exchange {
    fn begin(
        shared: Arc<Shared>,
        connection: &Arc<Connection>,
        scheme: Scheme,
        mut request: Request<Incoming>,
    ) -> (Self, Request<Body>) {
        let id = request_id::assign(&mut request);
        let peer = connection.peer();
        let client = peer.map(|peer| limits::client_address(peer.ip(), request.headers(), &shared.trusted_proxies));
        let is_https =
            peer.is_some_and(|peer| limits::is_forwarded_https(peer.ip(), request.headers(), &shared.trusted_proxies));
        request.extensions_mut().insert(if is_https { Scheme::HTTPS } else { scheme });
        if let Some((client, peer)) = client.zip(peer) {
            // A forwarded client's port is not known.
            let port = if client == peer.ip().to_canonical() { peer.port() } else { 0 };
            request.extensions_mut().insert(SocketAddr::new(client, port));
        }
        let exchange = Self {
            in_flight: connection.begin_request(),
            inflow: Arc::default(),
            id,
            client,
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            began: Instant::now(),
            answered: None,
            bytes_out: 0,
            expected_bytes_out: None,
            is_complete: false,
            is_logged: shared.logs_access,
            shared,
        };
        let inflow = Arc::clone(&exchange.inflow);
        let patience = exchange.shared.patience;
        let request = PacedBody::of(request, inflow, &patience);
        (exchange, request)
    }

    /// Lets the router answer. A panic in there is that request's failure and nobody else's.
    async fn route(&self, mut router: Router, request: Request<Body>) -> Response<Body> {
        let span = telemetry::request_span(self.id, &self.method, &self.uri, request.headers());
        let answer = AssertUnwindSafe(router.call(request)).catch_unwind();
        let response = match answer.instrument(span.clone()).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => {
                tracing::error!(request_id = %self.id, panic = panic_text(&*panic), "a request panicked");
                refusal::error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "UNKNOWN",
                    "something went wrong in the server",
                    self.id,
                )
            }
        };
        let route = response.extensions().get().unwrap_or(&NO_ROUTE);
        telemetry::request_ended(&span, &self.method, &route.0, response.status());
        response
    }

    fn set_headers(&self, response: &mut Response<Body>) {
        request_id::stamp(response, self.id);
        // What is left of a body that was cut cannot be told from the next request.
        if self.inflow.is_too_slow() && self.version < Version::HTTP_2 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// The answer, whose end will be written down.
    fn track(mut self, response: Response<Body>) -> Response<TrackedBody> {
        self.answered = Some(Answered {
            status: response.status(),
            route: response.extensions().get().cloned().unwrap_or(NO_ROUTE),
            time_to_headers: self.began.elapsed(),
        });
        self.is_logged &= response.extensions().get::<Unlogged>().is_none();
        self.is_complete = self.method == Method::HEAD || response.body().is_end_stream();
        // A body of known length is dropped at its last byte, without being asked for its end.
        let length =
            response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.expected_bytes_out = length.or_else(|| response.body().size_hint().exact());
        response.map(|body| TrackedBody { body, exchange: self, holds_frame: false })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.began.elapsed();
        let bytes_in = self.inflow.bytes();
        if let Some(Answered { status, route, time_to_headers }) = &self.answered {
            let ended = Ended {
                route,
                method: &self.method,
                status: *status,
                time_to_headers: *time_to_headers,
                duration,
                bytes_in,
                bytes_out: self.bytes_out,
            };
            self.shared.metrics.ended(&ended);
        }
        if self.is_logged {
            access_log::write(&access_log::Entry {
                id: self.id,
                client: self.client,
                method: &self.method,
                uri: &self.uri,
                version: self.version,
                user_agent: self.user_agent.as_ref(),
                status: self.answered.as_ref().map(|answered| answered.status),
                bytes_in,
                bytes_out: self.bytes_out,
                duration,
                is_complete: self.is_complete,
            });
        }
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}
