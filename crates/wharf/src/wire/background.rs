//! Work beside the requests: it ends with the value that stands for it.

use tokio::task::JoinHandle;

/// A task that goes on as long as this value lives. Every such task can be ended between any two steps.
#[derive(Debug)]
pub(super) struct Background(JoinHandle<()>);

impl Background {
    pub(super) fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
