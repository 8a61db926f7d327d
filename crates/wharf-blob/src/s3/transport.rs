//! The way to the endpoint: limits of time, tries, and what a refusal said. All requests of the store go through here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, IF_NONE_MATCH};
use http::{Method, Response};
use http_body::{Body, Frame, SizeHint};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::time::{Instant, Sleep};
use wharf_http::{Client, Retry};

use super::trouble::Trouble;

/// Slower than this, a request's body counts as stuck.
const LEAST_BYTES_PER_SECOND: u64 = 64 * 1024;
/// What of a refusal's body is read.
const REFUSAL_BYTES: usize = 64 * 1024;
/// How many tries in a row may be made again, over all requests. An endpoint that is down is not helped by six times
/// the requests.
const BUDGET: i64 = 100;

/// The way to the endpoint.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    idle_timeout: Duration,
    retry: Retry,
    budget: AtomicI64,
    requests: AtomicU64,
    refuses_to_replace: AtomicBool,
}

impl Transport {
    pub(super) fn new(client: Client, idle_timeout: Duration, retries: usize) -> Self {
        let retry = Retry { times: retries, first: Duration::from_millis(200) };
        let shared = Shared {
            client,
            idle_timeout,
            retry,
            budget: AtomicI64::new(BUDGET),
            requests: AtomicU64::new(0),
            refuses_to_replace: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// How many requests were made, again or for the first time.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Whether from now on no multipart upload is completed where an object lies already.
    pub(super) fn refuse_to_replace(&self, refuses: bool) {
        self.shared.refuses_to_replace.store(refuses, Ordering::Relaxed);
    }

    async fn exchange(&self, mut request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let shared = &self.shared;
        if is_completion(&request) && shared.refuses_to_replace.load(Ordering::Relaxed) {
            request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let mut waits = shared.retry.waits();
        loop {
            shared.requests.fetch_add(1, Ordering::Relaxed);
            let trouble = match self.once(request.clone()).await {
                Ok(response) => {
                    shared.budget.fetch_min(BUDGET - 1, Ordering::Relaxed);
                    shared.budget.fetch_add(1, Ordering::Relaxed);
                    return Ok(response);
                }
                Err(trouble) => trouble,
            };
            if !trouble.is_transient() || !self.may_try_again() || !waits.wait(None).await {
                return Err(trouble);
            }
            tracing::debug!(method = %request.method(), path = request.uri().path(), error = %trouble, "asking S3 again");
        }
    }

    fn may_try_again(&self) -> bool {
        let budget = &self.shared.budget;
        budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left > 0).then_some(left - 1)).is_ok()
    }

    async fn once(&self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let size_bytes = request.body().content_length() as u64;
        let patience = self.shared.idle_timeout + Duration::from_secs(size_bytes / LEAST_BYTES_PER_SECOND);
        let answer = wharf_http::send(&self.shared.client, request.map(wharf_http::Body::wrap));
        let response = match tokio::time::timeout(patience, answer).await {
            Ok(answered) => answered.map_err(|error| away(&error))?,
            Err(_) => return Err(Trouble::Silent { patience }),
        };
        let status = response.status();
        let response = response.map(|body| Patient::new(body, self.shared.idle_timeout));
        if status.is_success() {
            return Ok(response.map(HttpResponseBody::new));
        }
        Err(refusal(response).await)
    }
}

/// Reads what a refusal says.
async fn refusal<B: Body<Data = Bytes> + Unpin>(response: Response<B>) -> Trouble {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut text = Vec::new();
    while text.len() < REFUSAL_BYTES {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => text.extend_from_slice(&data),
            Some(Ok(Err(_))) => {}
            Some(Err(_)) | None => break,
        }
    }
    Trouble::refused(status, &String::from_utf8_lossy(&text))
}

fn away(error: &wharf_http::Error) -> Trouble {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    Trouble::Away { reason }
}

fn is_completion(request: &HttpRequest) -> bool {
    let names = |name| request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with(name)));
    request.method() == Method::POST && names("uploadId=")
}

impl HttpService for Transport {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        // `Unknown`, because what can be tried again has been.
        Box::pin(async { self.exchange(request).await.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error)) })
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// A body that fails when nothing comes for too long while somebody waits for it.
struct Patient {
    body: wharf_http::Body,
    patience: Duration,
    // Set while somebody waits.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(body: wharf_http::Body, patience: Duration) -> Self {
        Self { body, patience, deadline: None }
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.deadline = None;
            let broken = |error| Trouble::Away { reason: format!("the answer broke off: {error}") };
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, broken(error)))),
            );
        }
        let patience = this.patience;
        let deadline =
            this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => {
                let silent = Trouble::Silent { patience };
                Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, silent))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
