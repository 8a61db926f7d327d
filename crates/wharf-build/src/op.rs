//! Operations: one change of a file system each.
//!
//! An operation says all that its result depends on: its `Op::definition`, the file system that it changes, and the
//! digests of what it reads (`Op::content`). Nothing else may reach `Op::execute`, or the cache would be wrong; what
//! may differ without making a difference (secrets, proxies, caches) is in neither.

pub(crate) mod copy;
pub(crate) mod download;
pub(crate) mod fetch;
pub(crate) mod folder;
pub(crate) mod mounts;
pub(crate) mod run;

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use wharf_images::{Images, Snapshot};
use wharf_oci::Digest;
use wharf_oci::ports::BoxFuture;

use crate::error::Error;
use crate::instant::Instant;
use crate::solve::Kit;

/// One change of a file system.
pub(crate) trait Op: Debug + Send + Sync {
    /// What it does, as JSON: with its inputs' content, all that the result depends on.
    fn definition(&self) -> Value;

    /// The digests of what it reads of its inputs, with what each is called where somebody asks why.
    fn content<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>>;

    /// Makes the change.
    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>>;
}

/// Takes what an operation writes.
pub(crate) type Written = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// What an operation works on.
pub(crate) struct Inputs {
    /// The node's images.
    pub(crate) images: Images,
    /// The file system that it changes.
    pub(crate) parent: Snapshot,
    /// The file systems that it reads.
    pub(crate) others: Vec<Snapshot>,
    /// The moment of what it makes.
    pub(crate) instant: Instant,
    /// What it needs of the build as a whole.
    pub(crate) kit: Arc<Kit>,
    /// Takes what it writes for people to read.
    pub(crate) output: Written,
}

/// Runs `work` where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopped)?
}

impl Inputs {
    /// The same, to be taken to another thread.
    pub(crate) fn held(&self) -> Self {
        Self {
            images: self.images.clone(),
            parent: self.parent.clone(),
            others: self.others.clone(),
            instant: self.instant,
            kit: Arc::clone(&self.kit),
            output: Arc::clone(&self.output),
        }
    }
}
