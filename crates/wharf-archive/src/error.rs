//! What can go wrong, on what.

use wharf_context::Kind;
use wharf_oci::manifest::ManifestError;
use wharf_oci::{Digest, RepositoryName};

use crate::archive::ArchiveState;

/// An error of archives.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The registry could not do its part.
    #[error(transparent)]
    Registry(#[from] wharf_registry::Error),
    /// Governance could not do its part.
    #[error(transparent)]
    Governance(#[from] wharf_governance::Error),
    /// Content cannot be read.
    #[error("cannot read an image")]
    Content(#[source] wharf_oci::ContentError),
    /// What is to leave does not stand in development.
    #[error("`{reference}` of repository `{repository}` does not stand in development")]
    NotInDevelopment {
        /// Its repository.
        repository: RepositoryName,
        /// By which tag or digest.
        reference: String,
    },
    /// A manifest does not read as one any more.
    #[error("the manifest `{digest}` does not read as one")]
    ManifestInvalid {
        /// Which.
        digest: Digest,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// Something was changed each time that it was looked at.
    #[error("`{digest}` was changed each time that it was looked at")]
    Unsettled {
        /// Which.
        digest: Digest,
    },
    /// The server has no cold place.
    #[error("this server has no place for archives; its operator sets `archive.url`")]
    NoColdPlace,
    /// The cold place failed.
    #[error("cannot use the place for archives")]
    Cold {
        /// Why.
        #[source]
        source: wharf_blob::Error,
    },
    /// There is no such archive.
    #[error("there is no archive {id} in this project")]
    ArchiveUnknown {
        /// Its number.
        id: i64,
    },
    /// The image is on its way already.
    #[error("archive {id} of this image is {} already", state.name())]
    ArchiveOpen {
        /// Which.
        id: i64,
        /// How far it is.
        state: ArchiveState,
    },
    /// Only what is archived comes back.
    #[error("archive {id} is {}; only what is archived can be restored", state.name())]
    ArchiveState {
        /// Which.
        id: i64,
        /// How far it is.
        state: ArchiveState,
    },
    /// The archive is not what the caller saw.
    #[error("archive {id} is at revision {current} by now; look again")]
    ArchiveMoved {
        /// Which.
        id: i64,
        /// The revision that it is at.
        current: i64,
    },
    /// Something is against an image's going.
    #[error("`{repository}@{digest}` must stay: {why}")]
    MustStay {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
        /// Why.
        why: String,
    },
    /// An image has not got all its blobs.
    #[error(
        "manifest `{manifest}` names blob `{blob}`, which the registry has not got; a check (`wharf fsck`) may bring it back"
    )]
    NotWhole {
        /// The manifest.
        manifest: Digest,
        /// The blob.
        blob: Digest,
    },
    /// What was stored in the cold place does not read back.
    #[error("`{digest}` does not read back from `{place}` as it was stored; it is stored again")]
    NotReadBack {
        /// The bundle.
        place: String,
        /// What.
        digest: Digest,
    },
    /// A bundle is not what it was.
    #[error("the bundle `{place}` is damaged: `{digest}` is missing there, or is not what it is called")]
    BundleBroken {
        /// Where.
        place: String,
        /// What.
        digest: Digest,
    },
    /// A repository's name cannot stand in a cold place.
    #[error("repository `{repository}` has a name that is too long for an archive")]
    NoBundleName {
        /// The repository.
        repository: RepositoryName,
    },
    /// A name cannot stand in a cold place.
    #[error("`{name}` is no name for an archive")]
    BundleName {
        /// The name.
        name: String,
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
            Self::Governance(error) => error.kind(),
            Self::ArchiveUnknown { .. } => Kind::NotFound,
            Self::NoColdPlace
            | Self::ArchiveOpen { .. }
            | Self::ArchiveState { .. }
            | Self::ArchiveMoved { .. }
            | Self::MustStay { .. }
            | Self::NotWhole { .. }
            | Self::BundleBroken { .. } => Kind::Conflict,
            Self::NotInDevelopment { .. } | Self::NoBundleName { .. } => Kind::Invalid,
            Self::Content(_) | Self::Cold { .. } | Self::NotReadBack { .. } | Self::Unsettled { .. } => {
                Kind::Unavailable
            }
            Self::ManifestInvalid { .. } | Self::BundleName { .. } | Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}

impl From<Error> for wharf_governance::Error {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what governance does not know by itself is one thing to it")]
    fn from(error: Error) -> Self {
        match error {
            Error::Catalog(error) => Self::Catalog(error),
            Error::Registry(error) => Self::Registry(error),
            Error::Governance(error) => error,
            error => Self::Leaving(Box::new(error)),
        }
    }
}
