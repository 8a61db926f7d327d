//! Log lines go to standard error on a thread of their own, many with one call.
//!
//! A request never waits for a terminal or a full pipe, and rarely wakes the thread: after each call it rests for a
//! moment, in which lines gather. If they come faster than they can be written, those beyond a bound are dropped, and
//! how many is told.

use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait.
const WAITING_BYTES: usize = 8 << 20;

/// How long the thread rests after each call.
const REST: Duration = Duration::from_millis(5);

/// How long a flush waits for the thread.
const FLUSH: Duration = Duration::from_secs(1);

static LINES: OnceLock<Arc<Lines>> = OnceLock::new();

/// Lines on their way.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// Everything was written.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    dropped: u64,
    is_writing: bool,
    is_hurried: bool,
}

impl Lines {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.waiting.len() + line.len() > WAITING_BYTES {
            state.dropped += 1;
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// Waits for lines and takes them all.
    fn take(&self, batch: &mut Vec<u8>) {
        let mut state = self.state();
        state.is_writing = false;
        if state.waiting.is_empty() {
            self.emptied.notify_all();
        }
        let mut state =
            self.filled.wait_while(state, |state| state.waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, batch);
        state.is_writing = true;
        let dropped = std::mem::take(&mut state.dropped);
        if dropped > 0 {
            let note = format!("{dropped} log lines were dropped: they came faster than they could be written\n");
            batch.extend_from_slice(note.as_bytes());
        }
    }

    /// Writes until the process ends.
    fn write_all(&self) {
        let mut batch = Vec::new();
        loop {
            self.take(&mut batch);
            // Where standard error is closed there is nobody to complain to.
            io::stderr().write_all(&batch).unwrap_or_default();
            batch.clear();
            if !self.state().is_hurried {
                std::thread::sleep(REST);
            }
        }
    }

    fn flush(&self) {
        let mut state = self.state();
        state.is_hurried = true;
        let is_busy = |state: &mut State| !state.waiting.is_empty() || state.is_writing;
        // Nobody is left to tell when standard error does not take bytes.
        drop(self.emptied.wait_timeout_while(state, FLUSH, is_busy));
    }
}

/// Where the log's lines are put.
#[derive(Debug, Clone)]
pub(crate) struct Writer(Arc<Lines>);

impl Writer {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let lines = Arc::clone(LINES.get_or_init(Arc::default));
        let writer = Self(Arc::clone(&lines));
        std::thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_all())?;
        Ok(writer)
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = &'a Writer;

    fn make_writer(&'a self) -> &'a Writer {
        self
    }
}

/// Takes one event's line with one call.
impl io::Write for &Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until all lines that were logged before are written.
pub(crate) fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_and_what_was_dropped_is_told() {
        let lines = Lines::default();
        lines.push(b"first\n");
        lines.push(b"second\n");
        lines.push(&vec![b'x'; WAITING_BYTES]);
        let mut batch = Vec::new();
        lines.take(&mut batch);
        let text = String::from_utf8_lossy(&batch);
        assert!(text.starts_with("first\nsecond\n1 log lines were dropped"), "{text}");
    }
}
