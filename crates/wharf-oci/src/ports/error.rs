//! Why content cannot be read or written, in words that every source and sink share.

use std::error::Error;

/// What sort of failure it is: what decides over another try, and over the exit code of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentErrorKind {
    /// It is not there, or is not shown.
    NotFound,
    /// Known, and not allowed.
    Denied,
    /// A log-in is missing or wrong.
    Unauthenticated,
    /// What was asked for makes no sense there, or what came is not what its digest and size say.
    Invalid,
    /// The state of the thing forbids it.
    Conflict,
    /// Space has run out.
    Exhausted,
    /// It does not answer now; the same may pass later.
    Unavailable,
    /// Anything else that is not the caller's fault: a disk that cannot be read.
    Internal,
}

/// Why content cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ContentError {
    /// The sort of failure.
    pub kind: ContentErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ContentError {
    /// A failure told in a sentence: what was being done to what, lower case, no full stop.
    pub fn new(kind: ContentErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with its cause, whose text the sentence does not repeat.
    pub fn caused(
        kind: ContentErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }
}
