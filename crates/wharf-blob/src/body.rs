//! Bodies: bytes on their way in, from whoever receives them.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

/// The bytes of one chunk as they arrive, in pieces of any size. The stream ends when all of the chunk is there, and
/// fails when it will not come.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why the rest of a body will not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The connection broke, or the body is shorter or longer than it claims.
    #[error("the body ended before it was complete")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The sender is slower than it may be.
    #[error("the body arrived too slowly")]
    TooSlow,
    /// The body is longer than it may be.
    #[error("the body is longer than {limit_bytes} bytes")]
    TooLarge {
        /// What it may be.
        limit_bytes: u64,
    },
}

impl BodyError {
    /// A body that broke because of `source`.
    pub fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}

/// A body that is in memory already: one piece.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Box::pin(futures_util::stream::iter([Ok(bytes.into())]))
}
