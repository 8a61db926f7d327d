//! What can go wrong.

use wharf_context::Kind;
use wharf_oci::{ContentError, ContentErrorKind};

/// Why something is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog does not work, or not now.
    #[error("cannot reach the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The registry does not show what is attached.
    #[error(transparent)]
    Registry(#[from] wharf_registry::Error),
    /// Bytes of an envelope cannot be read now.
    #[error("cannot read what is attached")]
    Content(#[source] ContentError),
    /// A row holds what nothing here writes.
    #[error("the catalog holds {what} that does not read")]
    MalformedRow {
        /// What.
        what: &'static str,
    },
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Content(error) if error.kind == ContentErrorKind::NotFound => Kind::NotFound,
            Self::Content(_) => Kind::Unavailable,
            Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}
