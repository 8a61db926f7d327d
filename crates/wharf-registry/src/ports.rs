//! What the registry asks of others; `wharf` brings it together with whoever can answer.

use std::fmt;
use std::pin::Pin;

use wharf_context::{Context, ProjectId};
use wharf_db::{Db, Tx};
use wharf_oci::manifest::Manifest;
use wharf_oci::ports::Source;
use wharf_oci::{Digest, EnvironmentName, Reference, RepositoryName, Tag};

/// A future behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows projects. Asked inside the transaction that makes a repository: a token may name a project that was deleted
/// since it was issued.
pub trait Projects: fmt::Debug + Send + Sync {
    /// Whether the project is still there and still owns the repository's name.
    fn is_current<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<bool, wharf_db::Error>>;
}

/// Knows rules of others about what may be changed: tag rules, seals, holds. Asked once, inside the transaction that makes
/// the change and before its first write, after the caller's rights and the environment's rule.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Whether the rules let the change pass. Only reads and writes through `tx`.
    fn confirm<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        ctx: &'a Context,
        operation: &'a Operation<'a>,
    ) -> BoxFuture<'a, Result<(), NotAdmitted>>;

    /// Of manifests that nobody asked to go, and that go by themselves because their time is over, those that must stay: by
    /// their places in the list.
    fn must_stay<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        manifests: &'a [Resting],
    ) -> BoxFuture<'a, Result<Vec<usize>, wharf_db::Error>> {
        let (_, _) = (tx, manifests);
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A manifest whose time is over: in the bin, or without anything that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// The project.
    pub project: ProjectId,
    /// The repository.
    pub repository: RepositoryName,
    /// The manifest.
    pub digest: Digest,
}

/// What is about to be changed, and where.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The project.
    pub project: ProjectId,
    /// The repository, by its one spelling.
    pub repository: &'a RepositoryName,
    /// The promoted environment that the repository stands in; what is put there is an attachment.
    pub environment: Option<&'a EnvironmentName>,
    /// What.
    pub change: Change<'a>,
}

/// What is about to be changed.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// A manifest is stored, if it is not there, and tags are pointed at it.
    PutManifest {
        /// The manifest's digest.
        digest: &'a Digest,
        /// The manifest.
        manifest: &'a Manifest,
        /// The tags.
        tags: &'a [TagNow],
    },
    /// A tag ends; its manifest stays.
    DeleteTag(&'a TagNow),
    /// A manifest goes to the bin, with what nobody needs without it.
    DeleteManifest {
        /// The manifest.
        digest: &'a Digest,
        /// The tags that end with it.
        tags: &'a [TagNow],
    },
    /// A blob's link goes.
    DeleteBlob {
        /// The blob.
        digest: &'a Digest,
    },
    /// A manifest comes back from the bin.
    RestoreManifest {
        /// The manifest.
        digest: &'a Digest,
        /// The tag that is pointed at it.
        tag: Option<&'a TagNow>,
    },
    /// What is in the repository's bin goes for good.
    EmptyBin,
}

/// A tag, and what it points to before the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNow {
    /// The tag.
    pub tag: Tag,
    /// What it points to; nothing where it is new.
    pub digest: Option<Digest>,
}

/// Why a change does not pass.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules could not be read.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The rules make no sense: what keeps them is broken.
    #[error("cannot ask the project's rules")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A sentence for whoever wanted the change: which rule forbids it, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// The refusal that says `sentence`.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Knows where manifests are that are not here.
pub trait Absent: fmt::Debug + Send + Sync {
    /// What there is to say to whoever asks for one: where it is, and how it comes back.
    fn explain<'a>(
        &'a self,
        db: &'a Db,
        project: ProjectId,
        asked: (&'a RepositoryName, &'a Reference),
    ) -> BoxFuture<'a, Result<Option<Refusal>, wharf_db::Error>>;
}

/// Knows other registries that may hold the same blobs: peers, upstreams, a copy at another site.
pub trait Replicas: fmt::Debug + Send + Sync {
    /// Where the repository's content may be found as well, the nearest first.
    fn sources(&self, repository: &RepositoryName) -> Vec<Box<dyn Source>>;
}
