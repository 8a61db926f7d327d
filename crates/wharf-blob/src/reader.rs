//! Readers: stored bytes on their way out.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::error::Error;

/// Stored bytes as a stream of large pieces. It ends after exactly the bytes of its range, or with one error.
pub struct Reader {
    size_bytes: u64,
    range: Range<u64>,
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
}

impl Reader {
    /// A reader that gives `pieces`, which are the bytes of `range` out of `size_bytes`.
    pub fn new(
        size_bytes: u64,
        range: Range<u64>,
        pieces: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) -> Self {
        Self { size_bytes, range, pieces: Box::pin(pieces) }
    }

    /// How many bytes are stored, also when only a range of them is read.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Which bytes the stream gives.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("size_bytes", &self.size_bytes)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
