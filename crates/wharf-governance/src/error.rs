//! What can go wrong, on what.

use wharf_context::Kind;
use wharf_oci::ProjectName;

/// An error of governance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
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
            Self::PolicyInvalid { .. } => Kind::Invalid,
            Self::PolicyChanged { .. } => Kind::Conflict,
            Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}
