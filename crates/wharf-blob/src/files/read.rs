//! Reading: large pieces, at once or, where the disk is needed, on a thread that may wait for it.
//!
//! What the kernel has in memory is read at once, by whoever takes it (`RESOLVE_CACHED`, openat2(2), and `RWF_NOWAIT`,
//! readv(2)): no thread is woken, and no piece lies around. What has to come from the disk, a blocking task reads, a piece
//! or two, and then *ends*; whoever misses the next one starts it again. A client that stops reading holds at most two
//! pieces of memory and no thread.

use std::collections::VecDeque;
use std::fs::File;
use std::io::IoSliceMut;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::runtime::Handle;

use super::Files;
use super::layout::{self, Layout};
use crate::error::Error;
use crate::key::{StorageKey, UploadKey};
use crate::reader::Reader;
use crate::state::UploadState;

/// The size of a piece.
const PIECE_BYTES: usize = 256 * 1024;

/// The most pieces that a task reads before it ends: one at first, more when the reader has waited for the disk again, so
/// that many slow readers need little memory. Reading ahead is otherwise the kernel's business.
const MOST_AHEAD: usize = 2;

/// Buffers that are kept for reuse.
const KEPT_BUFFERS: usize = 32;

impl Files {
    pub(super) async fn read(&self, key: StorageKey, range: Option<Range<u64>>) -> Result<Reader, Error> {
        let buffers = Arc::clone(&self.buffers);
        let cached = self.layout.open_cached_blob(key);
        let cached = cached.map(|file| Opened::of(file, key, range.clone(), Arc::clone(&buffers))).transpose()?;
        let opened = match cached.map(Opened::read_cached) {
            Some(Ok(opened)) => opened,
            Some(Err(mut opened)) => self.blocking(move |_| opened.read().map(|()| *opened)).await?,
            None => {
                let open = move |layout: &Layout| {
                    let mut opened = Opened::of(layout.open_blob(key)?, key, range, buffers)?;
                    opened.read().map(|()| opened)
                };
                self.blocking(open).await?
            }
        };
        Ok(opened.into_reader())
    }

    /// Reads what `state` describes of an open upload.
    pub(super) async fn read_open(&self, upload: UploadKey, state: &UploadState) -> Result<Reader, Error> {
        let (buffers, end) = (Arc::clone(&self.buffers), state.offset);
        let (noted, opened) = self
            .blocking(move |layout| {
                let file = layout.read_upload(upload)?;
                let noted = layout::noted_writers(&file, upload)?;
                let failed = |source| Error::Upload { action: "inspect", upload, source };
                let found_bytes = file.metadata().map_err(failed)?.len();
                if found_bytes < end {
                    return Err(Error::UploadLost { upload, expected_bytes: end, found_bytes });
                }
                let source = Source { file, key: upload.storage_key(), offset: 0, end, buffers };
                let mut opened = Opened { size_bytes: end, range: 0..end, first: None, source };
                opened.read()?;
                Ok((noted, opened))
            })
            .await?;
        match noted {
            Some(writers) if !writers.know(state.writer) => Err(Error::Superseded { upload }),
            Some(_) => Ok(opened.into_reader()),
            None => self.fence.check(upload, state).map(|()| opened.into_reader()),
        }
    }
}

/// A blob whose first piece has been read, or will be.
#[derive(Debug)]
struct Opened {
    size_bytes: u64,
    range: Range<u64>,
    first: Option<Bytes>,
    source: Source,
}

impl Opened {
    fn of(file: File, key: StorageKey, range: Option<Range<u64>>, buffers: Arc<Buffers>) -> Result<Self, Error> {
        let (size_bytes, range) = measure(&file, key, range)?;
        let source = Source { file, key, offset: range.start, end: range.end, buffers };
        source.advise();
        Ok(Self { size_bytes, range, first: None, source })
    }

    /// Reads the first piece if it is in memory; gives itself back if not.
    fn read_cached(mut self) -> Result<Self, Box<Self>> {
        self.first = self.source.next_cached();
        if self.first.is_some() || self.source.is_at_end() { Ok(self) } else { Err(Box::new(self)) }
    }

    /// Reads the first piece. Blocks.
    fn read(&mut self) -> Result<(), Error> {
        self.first = self.source.next().transpose()?;
        Ok(())
    }

    fn into_reader(self) -> Reader {
        let Self { size_bytes, range, first, source } = self;
        // What fits into one piece needs no queue.
        if source.is_at_end() {
            return Reader::new(size_bytes, range, stream::iter(first.map(Ok)));
        }
        Reader::new(size_bytes, range, Ahead::new(source, first))
    }
}

/// The blob's size, and the range to be read, which lies within it.
fn measure(file: &File, key: StorageKey, range: Option<Range<u64>>) -> Result<(u64, Range<u64>), Error> {
    let metadata = file.metadata().map_err(|source| Error::Blob { action: "inspect", key, source })?;
    let size_bytes = metadata.len();
    let range = range.unwrap_or(0..size_bytes);
    if range.start > range.end || range.end > size_bytes {
        return Err(Error::Range { key, size_bytes });
    }
    Ok((size_bytes, range))
}

/// Where pieces come from.
#[derive(Debug)]
struct Source {
    file: File,
    key: StorageKey,
    offset: u64,
    end: u64,
    buffers: Arc<Buffers>,
}

impl Source {
    /// Tells the kernel to read ahead further than it would, where there is more than a piece.
    fn advise(&self) {
        if self.end - self.offset > PIECE_BYTES as u64
            && let Err(errno) = rustix::fs::fadvise(&self.file, 0, None, Advice::Sequential)
        {
            tracing::debug!(key = %self.key, %errno, "the file system takes no advice");
        }
    }

    fn is_at_end(&self) -> bool {
        self.offset == self.end
    }

    fn wanted(&self) -> usize {
        usize::try_from(self.end - self.offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES))
    }

    /// The next piece as far as it is in memory. What goes wrong here, [`Source::next`] will tell.
    fn next_cached(&mut self) -> Option<Bytes> {
        let wanted = self.wanted();
        if wanted == 0 {
            return None;
        }
        let mut buffer = self.buffers.take(wanted);
        let into = &mut [IoSliceMut::new(&mut buffer.bytes[..wanted])];
        let count = rustix::io::preadv2(&self.file, into, self.offset, ReadWriteFlags::NOWAIT).ok()?;
        buffer.filled = count;
        self.offset += count as u64;
        (count > 0).then(|| buffer.into_bytes())
    }

    /// The next piece, or `None` at the end of the range. Blocks.
    fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let (key, wanted) = (self.key, self.wanted());
        if wanted == 0 {
            return None;
        }
        let mut buffer = self.buffers.take(wanted);
        while buffer.filled < wanted {
            match rustix::io::pread(&self.file, &mut buffer.bytes[buffer.filled..wanted], self.offset) {
                Ok(0) => return Some(Err(Error::BlobTruncated { key, offset: self.offset })),
                Ok(count) => {
                    buffer.filled += count;
                    self.offset += count as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Some(Err(Error::Blob { action: "read", key, source: errno.into() })),
            }
        }
        Some(Ok(buffer.into_bytes()))
    }
}

/// Buffers of a piece's size, used again: fresh memory costs the kernel as much as the read itself.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
}

#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    home: Option<Arc<Buffers>>,
}

impl Buffers {
    fn take(self: &Arc<Self>, wanted: usize) -> Buffer {
        // A small blob gets memory of its own size: it may be kept for long, and a whole piece with it.
        if wanted < PIECE_BYTES / 2 {
            return Buffer { bytes: vec![0; wanted], filled: 0, home: None };
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; PIECE_BYTES]);
        Buffer { bytes, filled: 0, home: Some(Arc::clone(self)) }
    }
}

impl Buffer {
    fn into_bytes(mut self) -> Bytes {
        match self.home {
            Some(_) => Bytes::from_owner(self),
            None => {
                self.bytes.truncate(self.filled);
                Bytes::from(std::mem::take(&mut self.bytes))
            }
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(home) = &self.home else { return };
        let mut free = home.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_BUFFERS {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// A stream that has some pieces read before they are asked for.
#[derive(Debug)]
struct Ahead {
    queue: Arc<Mutex<Queue>>,
    runtime: Handle,
}

#[derive(Debug)]
struct Queue {
    pieces: VecDeque<Result<Bytes, Error>>,
    // None while a thread has it, and when there is nothing more to read.
    source: Option<Source>,
    is_ended: bool,
    is_dropped: bool,
    window: usize,
    waker: Option<Waker>,
}

impl Queue {
    /// The next piece, if no thread is at the source and the kernel has it in memory.
    fn read_cached(&mut self) -> Option<Bytes> {
        let source = self.source.as_mut()?;
        let piece = source.next_cached();
        if source.is_at_end() {
            self.is_ended = true;
            self.source = None;
        }
        piece
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ahead {
    fn new(source: Source, first: Option<Bytes>) -> Self {
        let queue = Queue {
            pieces: first.map(Ok).into_iter().collect(),
            source: Some(source),
            is_ended: false,
            is_dropped: false,
            window: 0,
            waker: None,
        };
        Self { queue: Arc::new(Mutex::new(queue)), runtime: Handle::current() }
    }

    /// Starts a thread unless there is one.
    fn start(&self, queue: &mut Queue) {
        if let Some(source) = queue.source.take() {
            queue.window = MOST_AHEAD.min(queue.window + 1);
            let run = Run { queue: Arc::clone(&self.queue), source: Some(source) };
            self.runtime.spawn_blocking(move || run.fill());
        }
    }
}

impl Stream for Ahead {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = lock(&self.queue);
        let piece = queue.pieces.pop_front();
        if let Some(piece) = piece.or_else(|| queue.read_cached().map(Ok)) {
            return Poll::Ready(Some(piece));
        }
        if queue.is_ended {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        self.start(&mut queue);
        Poll::Pending
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        lock(&self.queue).is_dropped = true;
    }
}

/// A thread's time with the source.
struct Run {
    queue: Arc<Mutex<Queue>>,
    source: Option<Source>,
}

impl Run {
    fn fill(mut self) {
        while self.is_wanted() {
            let piece = self.source.as_mut().and_then(Source::next);
            self.put(piece);
        }
    }

    /// Whether another piece is wanted now. If only later, the source is laid down under the same lock, so that the
    /// reader who makes room finds it.
    fn is_wanted(&mut self) -> bool {
        let mut queue = lock(&self.queue);
        if queue.is_dropped || self.source.is_none() {
            return false;
        }
        if queue.pieces.len() >= queue.window {
            queue.source = self.source.take();
            return false;
        }
        true
    }

    fn put(&mut self, piece: Option<Result<Bytes, Error>>) {
        let is_last = self.source.as_ref().is_none_or(Source::is_at_end);
        let mut queue = lock(&self.queue);
        if is_last || !matches!(piece, Some(Ok(_))) {
            queue.is_ended = true;
            self.source = None;
        }
        queue.pieces.extend(piece);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Run {
    /// Ended with the source in hand: the reader is gone, or the runtime was shut down before the thread began.
    fn drop(&mut self) {
        if self.source.is_some() {
            self.put(Some(Err(Error::Stopped)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;

    use super::*;
    use crate::key::UploadKey;

    const PIECES: u64 = 40;

    fn source() -> Source {
        let file = tempfile::tempfile().expect("a temporary file");
        let end = PIECES * PIECE_BYTES as u64;
        file.set_len(end).expect("is made longer");
        Source { file, key: UploadKey::generate().storage_key(), offset: 0, end, buffers: Arc::default() }
    }

    /// Waits until no thread is at the source, and tells how many pieces wait.
    async fn settled(ahead: &Ahead) -> usize {
        loop {
            if lock(&ahead.queue).source.is_some() {
                return lock(&ahead.queue).pieces.len();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn what_is_in_memory_is_read_at_once_and_nothing_is_read_ahead() {
        let mut source = source();
        while source.next().is_some() {}
        source.offset = 0;
        let mut ahead = Ahead::new(source, None);
        for _ in 0..3 {
            let piece = ahead.next().await.expect("has pieces").expect("reads");
            assert_eq!(piece.len(), PIECE_BYTES);
            assert!(lock(&ahead.queue).source.is_some() && lock(&ahead.queue).pieces.is_empty());
        }
        assert_eq!(u64::try_from(ahead.count().await), Ok(PIECES - 3));
    }

    #[tokio::test]
    async fn a_task_reads_few_pieces_and_ends_and_all_come_in_order() {
        let ahead = Ahead::new(source(), None);
        for wanted in [1, MOST_AHEAD, MOST_AHEAD] {
            ahead.start(&mut lock(&ahead.queue));
            assert_eq!(settled(&ahead).await, wanted);
            lock(&ahead.queue).pieces.clear();
        }
        assert_eq!(lock(&ahead.queue).source.as_ref().map(|source| source.offset), Some(5 * PIECE_BYTES as u64));
        assert_eq!(u64::try_from(ahead.count().await), Ok(PIECES - 5));
    }

    #[tokio::test]
    async fn buffers_come_home_and_no_more_than_a_few_are_kept() {
        let buffers: Arc<Buffers> = Arc::default();
        let pieces: Vec<_> = (0..KEPT_BUFFERS + 10).map(|_| buffers.take(PIECE_BYTES).into_bytes()).collect();
        assert!(buffers.free.lock().expect("is whole").is_empty());
        drop(pieces);
        assert_eq!(buffers.free.lock().expect("is whole").len(), KEPT_BUFFERS);
        drop(buffers.take(100).into_bytes());
        assert_eq!(buffers.free.lock().expect("is whole").len(), KEPT_BUFFERS, "small ones are not kept");
    }
}
