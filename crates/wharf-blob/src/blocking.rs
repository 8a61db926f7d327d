//! Calls that block, away from the threads that serve requests.

use tokio::task::JoinError;

use crate::error::Error;

/// Runs `f` on a thread that may block.
pub(crate) async fn run<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(f).await.map_err(stopped)
}

/// A panic goes on in whoever waits; else the runtime has been shut down before the task ran.
fn stopped(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Stopped,
    }
}
