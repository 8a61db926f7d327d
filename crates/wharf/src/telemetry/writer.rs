//! Log lines go to standard error on a thread of their own, many with one call.
//!
//! A request never waits for a terminal or a full pipe. If lines come faster than they can be written, those beyond a
//! bound are dropped, and how many is told.

use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const WAITING: usize = 16_384;

/// Bytes written with one call.
const BATCH: usize = 64 << 10;

/// How long a flush waits for the thread.
const FLUSH: Duration = Duration::from_secs(1);

static DROPPED: AtomicU64 = AtomicU64::new(0);
static QUEUE: OnceLock<SyncSender<Message>> = OnceLock::new();

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Makes a [`Line`] per event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer;

impl Writer {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, lines) = sync_channel(WAITING);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&lines))?;
        QUEUE.get_or_init(|| queue);
        Ok(Self)
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::with_capacity(512))
    }
}

/// One event's text, sent off when it is complete.
#[derive(Debug)]
pub(crate) struct Line(Vec<u8>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(queue) = QUEUE.get() else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(Message::Line(std::mem::take(&mut self.0))) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
}

/// Waits until all lines that were logged before are written.
pub(crate) fn flush() {
    let (written, wait) = sync_channel(1);
    if let Some(queue) = QUEUE.get()
        && queue.send(Message::Flush(written)).is_ok()
    {
        // Nobody is left to tell when standard error does not take bytes.
        wait.recv_timeout(FLUSH).unwrap_or_default();
    }
}

/// Writes until the process ends.
fn write_all(lines: &Receiver<Message>) {
    let mut batch = Vec::with_capacity(2 * BATCH);
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        let mut flushed = None;
        while let Some(message) = next.take() {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::Flush(written) => flushed = Some(written),
            }
            if batch.len() < BATCH && flushed.is_none() {
                next = lines.try_recv().ok();
            }
        }
        note_dropped(&mut batch);
        // Where standard error is closed there is nobody to complain to.
        io::stderr().write_all(&batch).unwrap_or_default();
        batch.clear();
        if let Some(written) = flushed {
            // Whoever waited may have given up.
            written.send(()).unwrap_or_default();
        }
    }
}

fn note_dropped(batch: &mut Vec<u8>) {
    let dropped = DROPPED.swap(0, Relaxed);
    if dropped > 0 {
        batch.extend_from_slice(
            format!("{dropped} log lines were dropped: they came faster than they could be written\n").as_bytes(),
        );
    }
}
