//! What sort of failure an error is: the one vocabulary that every part's error is turned into.

use wharf_oci::ContentErrorKind;

/// What a caller of a use case can do about an error. Each protocol has one table from a kind to its status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It does not exist, or this caller may not know that it does.
    NotFound,
    /// The caller is known and may not, or not so much: a quota.
    Denied,
    /// The caller must say who they are.
    Unauthenticated,
    /// The request itself is wrong; sending it again will not help.
    Invalid,
    /// The state of the thing forbids it: it exists already, it moved, a precondition failed.
    Conflict,
    /// Space has run out: a disk.
    Exhausted,
    /// Too many requests; the same request later may pass.
    Throttled,
    /// Something that we depend on does not answer now; a retry may help.
    Unavailable,
    /// Our fault.
    Internal,
}

impl From<ContentErrorKind> for Kind {
    /// What reading or writing content came to, is what the use case came to that needed it.
    fn from(kind: ContentErrorKind) -> Self {
        match kind {
            ContentErrorKind::NotFound => Self::NotFound,
            ContentErrorKind::Denied => Self::Denied,
            ContentErrorKind::Unauthenticated => Self::Unauthenticated,
            ContentErrorKind::Invalid => Self::Invalid,
            ContentErrorKind::Conflict => Self::Conflict,
            ContentErrorKind::Exhausted => Self::Exhausted,
            ContentErrorKind::Unavailable => Self::Unavailable,
            ContentErrorKind::Internal => Self::Internal,
        }
    }
}
