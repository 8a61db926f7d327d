//! The proof that a check was made.

use std::marker::PhantomData;

use wharf_oci::{ProjectName, RepositoryName};

use crate::kind::Kind;
use crate::permission::Right;

/// A project's row in identity's tables. Other parts keep their rows by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(pub i64);

/// Proof that the caller has the right `R` on one repository. Only [`crate::Context::authorize`] makes one.
#[derive(Debug, Clone)]
pub struct Permit<R> {
    project: ProjectId,
    repository: RepositoryName,
    right: PhantomData<fn() -> R>,
}

impl<R: Right> Permit<R> {
    pub(crate) fn new(project: ProjectId, repository: RepositoryName) -> Self {
        Self { project, repository, right: PhantomData }
    }

    /// The project that owns the repository.
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// The repository that the right is on.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }
}

/// Proof that the caller may see what concerns the whole registry: what is checked, collected, in use. Identity makes it.
#[derive(Debug, Clone, Copy)]
pub struct Inspect(());

impl Inspect {
    /// For identity, after it has checked the caller; for tests and tools, which act for the operator.
    pub fn granted() -> Self {
        Self(())
    }
}

/// Proof that the caller may look after the whole registry: start a check or a collection. Identity makes it.
#[derive(Debug, Clone, Copy)]
pub struct Maintain(());

impl Maintain {
    /// For identity, after it has checked the caller; for tests and tools, which act for the operator.
    pub fn granted() -> Self {
        Self(())
    }
}

/// Proof that a project's rules allow what is placed in or withdrawn from its environments. Governance makes it, after it
/// has decided.
#[derive(Debug, Clone, Copy)]
pub struct Govern(ProjectId);

impl Govern {
    /// For governance, after it has decided; for tests and tools, which act for the operator.
    pub fn decided(project: ProjectId) -> Self {
        Self(project)
    }

    /// The project whose rules they are.
    pub fn project(&self) -> ProjectId {
        self.0
    }
}

/// Proof that the caller may see what a project uses and may use. Identity makes it.
#[derive(Debug, Clone)]
pub struct InspectProject {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: ProjectName,
}

/// Proof that the caller may decide what a project may use. Identity makes it.
#[derive(Debug, Clone)]
pub struct MaintainProject {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: ProjectName,
}

/// Why a caller gets no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// Nobody is logged in and the repository is not public; whether it exists is not said.
    #[error("log in to use repository `{0}`")]
    Unauthenticated(RepositoryName),
    /// The token was not issued for this: the client should ask for another with this scope.
    #[error("the token does not cover repository `{0}` with this action")]
    InsufficientScope(RepositoryName),
    /// The caller may read the repository and not do this.
    #[error("you may not {action} in repository `{repository}`")]
    Denied {
        /// The repository.
        repository: RepositoryName,
        /// The action's name.
        action: &'static str,
    },
    /// The caller may not know whether the repository exists.
    #[error("repository `{0}` is not known")]
    NotFound(RepositoryName),
}

impl AuthorizeError {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unauthenticated(_) | Self::InsufficientScope(_) => Kind::Unauthenticated,
            Self::Denied { .. } => Kind::Denied,
            Self::NotFound(_) => Kind::NotFound,
        }
    }
}
