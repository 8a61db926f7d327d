//! What the registry asks of others; `wharf` brings it together with whoever can answer.

use std::fmt;
use std::pin::Pin;

use wharf_context::ProjectId;
use wharf_db::Tx;
use wharf_oci::RepositoryName;
use wharf_oci::ports::Source;

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

/// Knows other registries that may hold the same blobs: peers, upstreams, a copy at another site.
pub trait Replicas: fmt::Debug + Send + Sync {
    /// Where the repository's content may be found as well, the nearest first.
    fn sources(&self, repository: &RepositoryName) -> Vec<Box<dyn Source>>;
}
