//! Request bodies with a least speed.
//!
//! Only the time that the server spent waiting for the client counts: a slow disk is not the client's fault. What came
//! before the cut has been handed on, so that an upload can go on from there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::Sleep;

use super::sweep::Patience;

/// How much of a body is read that nobody wants.
const UNWANTED_BYTES: u64 = 16 << 20;

/// How long a body is read that nobody wants.
const UNWANTED_TIME: Duration = Duration::from_secs(2);

/// Why a request's body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the request's body came too slowly")]
    TooSlow,
    #[error("the connection broke in the request's body")]
    Broken(#[source] hyper::Error),
}

/// What the rest of the server wants to know about a request's body.
#[derive(Debug, Default)]
pub(crate) struct Inflow {
    bytes: AtomicU64,
    is_too_slow: AtomicBool,
}

impl Inflow {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn is_too_slow(&self) -> bool {
        self.is_too_slow.load(Relaxed)
    }
}

/// How fast bytes came while they were waited for.
#[derive(Debug)]
struct Pace {
    window: Duration,
    least_bytes: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(patience: &Patience) -> Self {
        let least_bytes = patience.bytes_per_window();
        Self { window: patience.body_window, least_bytes, waited: Duration::ZERO, bytes: 0 }
    }

    /// How much longer may be waited in this window.
    fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    fn add_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Counts waiting time, and says whether it was too long for what came. A window that was fast enough starts anew.
    fn is_too_slow_after(&mut self, waited: Duration) -> bool {
        self.waited += waited;
        if self.waited < self.window {
            return false;
        }
        let is_too_slow = self.bytes < self.least_bytes;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        is_too_slow
    }
}

/// A request's body, watched. When nobody wants it any more, what is still coming is read for a while: a client that
/// is sending looks for an answer only later, and would lose it if the connection were reset under its bytes.
#[derive(Debug)]
pub(crate) struct PacedBody {
    /// None once it was dropped.
    paced: Option<Paced>,
    version: Version,
}

impl PacedBody {
    /// The body of `request`.
    pub(crate) fn of(request: Request<Incoming>, inflow: Arc<Inflow>, patience: &Patience) -> Request<Body> {
        let version = request.version();
        request.map(|incoming| {
            if incoming.is_end_stream() {
                return Body::empty();
            }
            let pace = Pace::new(patience);
            let paced = Paced { incoming, inflow, pace, waiting_since: None, timer: None, has_failed: false };
            Body::new(Self { paced: Some(paced), version })
        })
    }

    fn paced(&self) -> &Paced {
        self.paced.as_ref().expect("it is taken when it is dropped")
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        // HTTP/2 tells the client to stop, and nothing is lost.
        if let Some(paced) = self.paced.take()
            && self.version < Version::HTTP_2
            && !paced.has_failed
            && !paced.incoming.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(paced.read_rest());
        }
    }
}

impl http_body::Body for PacedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.paced.as_mut().expect("it is taken when it is dropped").poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.paced().incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.paced().incoming.size_hint()
    }
}

#[derive(Debug)]
struct Paced {
    incoming: Incoming,
    inflow: Arc<Inflow>,
    pace: Pace,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    has_failed: bool,
}

impl Paced {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.has_failed {
            return Poll::Ready(None);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.poll_patience(cx).map(|()| Some(Err(self.cut())));
        };
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len) as u64;
        self.inflow.bytes.fetch_add(bytes, Relaxed);
        self.pace.add_bytes(bytes);
        if self.waiting_since.is_some() && self.pace.is_too_slow_after(note_wait(&mut self.waiting_since)) {
            return Poll::Ready(Some(Err(self.cut())));
        }
        self.has_failed = matches!(&frame, Some(Err(_)));
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)))
    }

    /// Reads what nobody wants, within bounds.
    async fn read_rest(mut self) {
        let begun_at = self.inflow.bytes();
        let read = async {
            while self.inflow.bytes() - begun_at < UNWANTED_BYTES {
                if !matches!(std::future::poll_fn(|cx| self.poll_frame(cx)).await, Some(Ok(_))) {
                    return;
                }
            }
        };
        // After that the connection is closed, whatever the client has noticed.
        tokio::time::timeout(UNWANTED_TIME, read).await.unwrap_or_default();
    }

    /// Nothing is there: waits, but only as long as the pace allows.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting_since.get_or_insert_with(Instant::now);
        let left = self.pace.left();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if self.pace.is_too_slow_after(note_wait(&mut self.waiting_since)) {
                return Poll::Ready(());
            }
            // The timer is set once per window, not once per wait: it may ring early, never late.
            self.waiting_since = Some(Instant::now());
            timer.as_mut().reset(tokio::time::Instant::now() + self.pace.left());
        }
    }

    fn cut(&mut self) -> BodyError {
        self.has_failed = true;
        self.inflow.is_too_slow.store(true, Relaxed);
        BodyError::TooSlow
    }
}

/// How long the wait lasted that ends now.
fn note_wait(since: &mut Option<Instant>) -> Duration {
    since.take().map_or(Duration::ZERO, |since| since.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace { window: Duration::from_secs(10), least_bytes: 10_240, waited: Duration::ZERO, bytes: 0 }
    }

    #[test]
    fn a_trickle_is_too_slow_after_one_window_of_waiting() {
        let mut pace = pace();
        for _ in 0..9 {
            pace.add_bytes(1);
            assert!(!pace.is_too_slow_after(Duration::from_secs(1)));
        }
        assert!(pace.is_too_slow_after(Duration::from_secs(1)));
    }

    #[test]
    fn enough_bytes_begin_a_new_window() {
        let mut pace = pace();
        for _ in 0..100 {
            pace.add_bytes(2048);
            assert!(!pace.is_too_slow_after(Duration::from_secs(1)));
        }
    }

    #[test]
    fn time_that_the_server_takes_does_not_count() {
        let mut pace = pace();
        pace.add_bytes(1);
        assert_eq!(pace.left(), Duration::from_secs(10));
    }
}
