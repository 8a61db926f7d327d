//! What identity asks of others; `wharf` brings it together with whoever can answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use wharf_context::ProjectId;
use wharf_db::Tx;

/// A future behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells whether anything is kept in a project: asked inside the transaction that deletes it.
pub trait ProjectUse: fmt::Debug + Send + Sync {
    /// Whether the project has repositories, or uploads that may become some.
    fn is_used<'a>(&'a self, tx: &'a mut Tx<'_>, project: ProjectId) -> BoxFuture<'a, Result<bool, wharf_db::Error>>;
}
