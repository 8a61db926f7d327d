//! Ending: the first signal lets transfers end, the second ends at once.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::connection::Order;
use super::connections::Connections;

/// How long connections may take to go when they were cut.
const CUT: Duration = Duration::from_secs(2);

/// The exit code after a second signal.
const AT_ONCE: i32 = 130;

/// Signals that this process answers.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until we are asked to end; does `reload` whenever we are asked to read files again.
    pub(crate) async fn until_asked_to_end(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(),
            }
        }
    }

    /// From now on, a signal ends the process at once: what is acknowledged is on disk already.
    pub(crate) fn end_at_next(mut self) {
        tokio::spawn(async move {
            self.until_asked_to_end(|| {}).await;
            tracing::warn!("asked twice: ending at once");
            crate::telemetry::flush();
            std::process::exit(AT_ONCE);
        });
    }
}

/// Asks every connection to end, waits for them at most `timeout`, and cuts those that are left. Says how many were.
pub(crate) async fn drain(connections: &Connections, timeout: Duration) -> usize {
    connections.stop(Order::Close);
    if tokio::time::timeout(timeout, connections.emptied()).await.is_ok() {
        return 0;
    }
    let left = connections.count();
    connections.stop(Order::Cut);
    // Tasks that do not notice in time end with the process.
    if tokio::time::timeout(CUT, connections.emptied()).await.is_err() {
        tracing::debug!(left = connections.count(), "connections did not notice that they were cut");
    }
    left
}
