//! What a build asks of others: images that are not here, and secrets.

use std::fmt::Debug;

use wharf_oci::ports::BoxFuture;
use wharf_oci::{ContentError, ImageName, Source};

/// Where images come from that are not on this node.
pub trait Bases: Debug + Send + Sync {
    /// A source that has the image.
    fn open<'a>(&'a self, name: &'a ImageName) -> BoxFuture<'a, Result<Box<dyn Source>, ContentError>>;
}

/// What `RUN --mount=type=secret` and `type=ssh` ask for.
pub trait Secrets: Debug + Send + Sync {
    /// The secret that is called so, if there is one.
    fn secret(&self, id: &str) -> Result<Option<Vec<u8>>, std::io::Error>;

    /// The socket of the agent that is called so, if there is one.
    fn agent(&self, id: &str) -> Option<std::path::PathBuf>;
}
