//! What can go wrong, on what.

use uuid::Uuid;
use wharf_blob::Failure;
use wharf_context::quota::Resource;
use wharf_context::{AuthorizeError, Kind};
use wharf_oci::manifest::ManifestError;
use wharf_oci::{Digest, EnvironmentName, ProjectName, Reference, RepositoryName, Tag};

use crate::ports::{NotAdmitted, Refusal};
use crate::quota::rule::written;

/// An error of the registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Authorize(#[from] AuthorizeError),
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The blob store failed while doing `operation`.
    #[error("cannot {operation}")]
    Store {
        /// What was being done, e.g. ``append to upload `…` ``.
        operation: String,
        /// Why.
        #[source]
        source: wharf_blob::Error,
    },
    /// There is no such repository.
    #[error("repository `{0}` is not known")]
    RepositoryUnknown(RepositoryName),
    /// The repository has no such blob.
    #[error("blob `{0}` is not known in this repository")]
    BlobUnknown(Digest),
    /// There is no such upload, or it has expired.
    #[error("upload `{0}` is not known; it was finished, cancelled or has expired: begin a new one")]
    UploadUnknown(Uuid),
    /// A chunk does not begin where the upload stands.
    #[error("the chunk does not begin at offset {offset_bytes}, where the upload stands")]
    ChunkOutOfOrder {
        /// The upload.
        upload: Uuid,
        /// Where the next chunk has to begin.
        offset_bytes: u64,
    },
    /// A chunk's stated range and its bytes differ.
    #[error("the chunk holds {received_bytes} bytes and its Content-Range says {stated_bytes}")]
    ChunkSize {
        /// What the range says.
        stated_bytes: u64,
        /// What came.
        received_bytes: u64,
    },
    /// Another request is writing to the upload.
    #[error("another request is writing to upload `{0}`; ask for its state and go on from there")]
    UploadBusy(Uuid),
    /// What was sent has another digest than the one that the client named.
    #[error("the content has digest `{actual}`, not `{stated}`")]
    DigestMismatch {
        /// Named by the client.
        stated: Digest,
        /// Of the bytes that came.
        actual: Digest,
    },
    /// There is no such manifest or tag.
    #[error("manifest `{reference}` is not known in repository `{repository}`")]
    ManifestUnknown {
        /// Where.
        repository: RepositoryName,
        /// By which tag or digest.
        reference: Reference,
    },
    /// The manifest is not here, and somebody knows where it went.
    #[error("{sentence}")]
    ManifestAway {
        /// Where it is, and how it comes back.
        sentence: Refusal,
    },
    /// The stored manifest is of a type that the client does not accept.
    #[error("manifest `{reference}` is a `{media_type}`, which the Accept header does not allow")]
    NotAcceptable {
        /// By which tag or digest.
        reference: Reference,
        /// What it is.
        media_type: String,
    },
    /// The manifest itself is wrong.
    #[error("the manifest is not valid: {0}")]
    ManifestInvalid(#[source] ManifestError),
    /// A manifest names a blob that the repository does not have.
    #[error("blob `{0}` is not in the repository; push it before the manifest")]
    ManifestBlobUnknown(Digest),
    /// A descriptor's size is not the size of what it describes.
    #[error("the descriptor of `{digest}` says {stated_bytes} bytes and the content has {actual_bytes}")]
    SizeMismatch {
        /// What is described.
        digest: Digest,
        /// What the manifest says.
        stated_bytes: u64,
        /// What is stored.
        actual_bytes: u64,
    },
    /// The tag exists and the caller may only add new ones.
    #[error("tag `{tag}` exists and points to another manifest; moving it needs the right to overwrite")]
    TagExists {
        /// The tag.
        tag: Tag,
    },
    /// The caller's role is for other tags.
    #[error("you may not {action} tag `{tag}` in repository `{repository}`: your role is for other tags")]
    TagNotCovered {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// What was to be done with it.
        action: &'static str,
    },
    /// What stands in an environment is changed by promotion alone, whoever asks.
    #[error(
        "`{repository}` is the environment `{environment}`: images get there by promotion only, see `wharf promote`"
    )]
    PromotedOnly {
        /// The environment's repository.
        repository: RepositoryName,
        /// The environment.
        environment: EnvironmentName,
    },
    /// Something was to be attached in an environment to what does not stand there.
    #[error(
        "`{digest}` does not stand in `{repository}`, so nothing can be attached to it there; promote it first, see `wharf promote`"
    )]
    NotPromoted {
        /// The environment's repository.
        repository: RepositoryName,
        /// What is not there.
        digest: Digest,
    },
    /// More belongs to a manifest than one transaction takes along.
    #[error(
        "more than {max} manifests belong to `{digest}`: too many to be placed at once; delete referrers that nobody needs"
    )]
    TooManyParts {
        /// The manifest.
        digest: Digest,
        /// The limit.
        max: usize,
    },
    /// What others' rules say about the change could not be found out.
    #[error("cannot ask the project's rules")]
    Rules(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A rule forbids the change.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The tag points to something else by now, so that restoring it would move it.
    #[error("tag `{tag}` points to `{current}` now; say that it is to be overwritten to move it back")]
    TagTaken {
        /// The tag.
        tag: Tag,
        /// What it points to.
        current: Digest,
    },
    /// Nothing in the bin has this name, or its time is over.
    #[error("`{reference}` of repository `{repository}` is not in the bin, or its time there is over")]
    NotInBin {
        /// Where.
        repository: RepositoryName,
        /// What.
        reference: Reference,
    },
    /// Neither a blob nor a manifest has the digest.
    #[error("neither a blob nor a manifest has the digest `{0}`")]
    DigestUnknown(Digest),
    /// A position in a list is not one that the list gave.
    #[error("this is not a position in the list; begin with the first page")]
    BadPage,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the precondition on `{reference}` does not hold: it points to {}", current.map_or_else(|| "nothing".to_owned(), |digest| format!("`{digest}`")))]
    PreconditionFailed {
        /// The tag or digest.
        reference: Reference,
        /// What it points to now.
        current: Option<Digest>,
    },
    /// A repository's bytes are not where the catalog says.
    #[error("the bytes of blob `{0}` are lost; push it again to heal it")]
    BlobLost(Digest),
    /// A check of the whole goes on already.
    #[error("a check goes on already; wait for its end or cancel it")]
    FsckRunning,
    /// No check goes on, or there never was one.
    #[error("there is no such check")]
    FsckUnknown,
    /// The project has no room for what was to be added.
    #[error("project `{project}` {exceeded}; delete what is not needed, or ask an administrator for a larger quota")]
    QuotaExceeded {
        /// The project.
        project: ProjectName,
        /// Why there is no room.
        exceeded: Box<QuotaExceeded>,
    },
    /// Limits that cannot be set.
    #[error("the limits on {} are below zero, or the one that warns is above the one that refuses", resource.name())]
    QuotaInvalid {
        /// Which limits.
        resource: Resource,
    },
    /// A catalog row does not read as what it must be.
    #[error("catalog row of {what} is malformed")]
    MalformedRow {
        /// Which.
        what: &'static str,
    },
    /// A task of ours ended by a panic.
    #[error("writing upload `{0}` ended unexpectedly")]
    Interrupted(Uuid),
}

/// Why something has no room in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("may hold {} and holds {}: {} more would be too much", written(*resource, *limit), written(*resource, *used), written(*resource, *wanted))]
pub struct QuotaExceeded {
    /// What there is too little of.
    pub resource: Resource,
    /// How much the project may hold.
    pub limit: i64,
    /// How much it holds.
    pub used: i64,
    /// How much more was wanted.
    pub wanted: i64,
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Authorize(error) => error.kind(),
            Self::Catalog(error) => error.kind(),
            Self::Store { source, .. } => store_kind(source),
            Self::RepositoryUnknown(_)
            | Self::BlobUnknown(_)
            | Self::UploadUnknown(_)
            | Self::ManifestUnknown { .. }
            | Self::ManifestAway { .. }
            | Self::NotInBin { .. }
            | Self::DigestUnknown(_) => Kind::NotFound,
            Self::NotAcceptable { .. } | Self::BlobLost(_) | Self::FsckUnknown => Kind::NotFound,
            Self::BadPage
            | Self::ChunkOutOfOrder { .. }
            | Self::ChunkSize { .. }
            | Self::DigestMismatch { .. }
            | Self::ManifestInvalid(_)
            | Self::ManifestBlobUnknown(_)
            | Self::QuotaInvalid { .. }
            | Self::TooManyParts { .. }
            | Self::SizeMismatch { .. } => Kind::Invalid,
            Self::TagExists { .. }
            | Self::TagNotCovered { .. }
            | Self::QuotaExceeded { .. }
            | Self::PromotedOnly { .. }
            | Self::NotPromoted { .. }
            | Self::Refused(_) => Kind::Denied,
            Self::UploadBusy(_) | Self::TagTaken { .. } | Self::PreconditionFailed { .. } | Self::FsckRunning => {
                Kind::Conflict
            }
            Self::MalformedRow { .. } | Self::Interrupted(_) | Self::Rules(_) => Kind::Internal,
        }
    }

    /// Makes the error of a failed store call for an upload. One that the store does not have is one to begin anew.
    pub(crate) fn upload(id: Uuid) -> impl FnOnce(wharf_blob::Error) -> Self {
        move |source| match source.failure() {
            Failure::NotFound => Self::UploadUnknown(id),
            Failure::Conflict => Self::UploadBusy(id),
            Failure::Invalid | Failure::Exhausted | Failure::Unavailable | Failure::Internal => {
                Self::Store { operation: format!("write upload `{id}`"), source }
            }
        }
    }

    /// Makes the error of a failed store call.
    pub(crate) fn store(operation: impl Into<String>) -> impl FnOnce(wharf_blob::Error) -> Self {
        let operation = operation.into();
        |source| Self::Store { operation, source }
    }
}

impl From<NotAdmitted> for Error {
    fn from(error: NotAdmitted) -> Self {
        match error {
            NotAdmitted::Refused(refusal) => Self::Refused(refusal),
            NotAdmitted::Catalog(error) => Self::Catalog(error),
            NotAdmitted::Failed(source) => Self::Rules(source),
        }
    }
}

fn store_kind(error: &wharf_blob::Error) -> Kind {
    match error.failure() {
        Failure::NotFound => Kind::NotFound,
        Failure::Invalid => Kind::Invalid,
        Failure::Conflict => Kind::Conflict,
        Failure::Exhausted => Kind::Exhausted,
        Failure::Unavailable => Kind::Unavailable,
        Failure::Internal => Kind::Internal,
    }
}
