//! What can go wrong, on what.

use wharf_context::Kind;
use wharf_oci::ProjectName;

use crate::tag_rule::Violation;
use crate::version::{DateVersion, MAX_NOTE_BYTES};

/// An error of governance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The registry could not do its part.
    #[error(transparent)]
    Registry(#[from] wharf_registry::Error),
    /// A policy that does not say what a policy says.
    #[error("the policy is wrong: {reason}")]
    PolicyInvalid {
        /// Where and why.
        reason: String,
    },
    /// Somebody else has changed the policy since it was read.
    #[error(
        "the policy of project `{project}` is at revision {current} by now; read it again and apply the change to that"
    )]
    PolicyChanged {
        /// The project.
        project: ProjectName,
        /// The revision in force.
        current: i64,
    },
    /// A tag breaks a rule of its project.
    #[error("{0}")]
    TagRefused(Box<Violation>),
    /// Nobody was given the version.
    #[error("version `{version}` was not allocated to `{of}`")]
    VersionUnknown {
        /// The repository or the project.
        of: String,
        /// The version.
        version: DateVersion,
    },
    /// The version is on an image already.
    #[error("version `{version}` of `{of}` is on an image; it cannot be made void any more")]
    VersionUsed {
        /// The repository or the project.
        of: String,
        /// The version.
        version: DateVersion,
    },
    /// A day has no more numbers.
    #[error("project `{project}` has used up the versions of this day")]
    VersionsExhausted {
        /// The project.
        project: ProjectName,
    },
    /// A purpose or a reason that cannot be kept.
    #[error("a {what} is 1 to {MAX_NOTE_BYTES} bytes of text on one line")]
    NoteInvalid {
        /// Which.
        what: &'static str,
    },
    /// A catalog row does not read as what it must be.
    #[error("catalog row of {what} is malformed")]
    MalformedRow {
        /// Which.
        what: &'static str,
    },
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::PolicyInvalid { .. } | Self::NoteInvalid { .. } => Kind::Invalid,
            Self::PolicyChanged { .. } | Self::VersionUsed { .. } | Self::VersionsExhausted { .. } => Kind::Conflict,
            Self::TagRefused(_) => Kind::Denied,
            Self::VersionUnknown { .. } => Kind::NotFound,
            Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}

impl From<Box<Violation>> for Error {
    fn from(violation: Box<Violation>) -> Self {
        Self::TagRefused(violation)
    }
}
