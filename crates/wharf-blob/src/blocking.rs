//! Calls that block, away from the threads that serve requests.

use tokio::task::JoinError;

use crate::error::Error;

/// Runs `f` on a thread that may block.
pub(crate) async fn run<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    outcome(tokio::task::spawn_blocking(f).await)
}

/// What a task on such a thread returned. A panic goes on in whoever waits.
pub(crate) fn outcome<T>(joined: Result<T, JoinError>) -> Result<T, Error> {
    joined.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The runtime has been shut down before the task ran.
        Err(_) => Error::Stopped,
    })
}
