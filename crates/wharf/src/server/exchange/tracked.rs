//! Response bodies that know when they have ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::Exchange;

/// A response body that knows when it has ended.
#[derive(Debug)]
pub(crate) struct TrackedBody {
    pub(super) body: Body,
    pub(super) exchange: Exchange,
    pub(super) holds_frame: bool,
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

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
