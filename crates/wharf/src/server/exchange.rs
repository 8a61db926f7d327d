//! One request and its answer: id, limits, the router, panics, and what is written down at the end.

use std::any::Any;
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body::{Body as _, Frame, SizeHint};
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

/// What the router's answers carry as an extension to say which route they came from; metrics count by it.
#[derive(Debug, Clone)]
pub(crate) struct RouteLabel(pub(crate) Cow<'static, str>);

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
    let mut response = match exchange.refuse(&request) {
        Some(refusal) => refusal,
        None => exchange.route(router, request).await,
    };
    if exchange.inflow.is_too_slow() {
        response = error(
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
        request.extensions_mut().insert(scheme);
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
            shared,
        };
        let inflow = Arc::clone(&exchange.inflow);
        let patience = exchange.shared.patience;
        let request = request.map(|incoming| {
            if incoming.is_end_stream() {
                Body::empty()
            } else {
                Body::new(PacedBody::new(incoming, inflow, &patience))
            }
        });
        (exchange, request)
    }

    /// The answer to a client that sends too much of a header, or too many requests.
    fn refuse(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        let header_bytes =
            fields.sum::<usize>() + request.uri().path().len() + request.uri().query().map_or(0, str::len);
        if header_bytes > self.shared.header_size {
            let sentence = "the request's headers are too large";
            return Some(error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "UNSUPPORTED", sentence, self.id));
        }
        let wait = self.shared.request_rate.as_ref()?.count(self.client?).err()?;
        let sentence = "too many requests; try again later";
        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", sentence, self.id);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        Some(response)
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
                error(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "something went wrong in the server", self.id)
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
        if self.shared.logs_access {
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

/// A response body that knows when it has ended.
#[derive(Debug)]
pub(crate) struct TrackedBody {
    body: Body,
    exchange: Exchange,
    holds_frame: bool,
}

impl TrackedBody {
    fn note(&mut self, frame: Option<&Frame<Bytes>>) {
        match frame.map(|frame| frame.data_ref().map_or(0, Bytes::len)) {
            Some(bytes) => {
                self.exchange.bytes_out += bytes as u64;
                self.exchange.in_flight.hold_frame();
                self.holds_frame = true;
                let is_last = self.exchange.expected_bytes_out == Some(self.exchange.bytes_out);
                self.exchange.is_complete = is_last || self.body.is_end_stream();
            }
            None => self.exchange.is_complete = true,
        }
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.holds_frame) {
            self.exchange.in_flight.release_frame();
        }
    }
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.release();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => self.note(Some(frame)),
            Poll::Ready(None) => self.note(None),
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(request_id = %self.exchange.id, error = %chain(error), "an answer broke off");
            }
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        self.release();
    }
}

/// An answer of the server itself, in the form that the distribution-spec gives errors.
fn error(status: StatusCode, code: &str, message: &str, id: RequestId) -> Response<Body> {
    let detail = serde_json::json!({ "request_id": id.to_string() });
    let errors = serde_json::json!({ "errors": [{ "code": code, "message": message, "detail": detail }] });
    let mut response = Response::new(Body::from(errors.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
