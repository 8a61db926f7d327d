//! Calls that wait for a disk, kept off the threads that wait for nothing.

use crate::error::Error;

/// Runs `work` where it may block.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopped)?
}
