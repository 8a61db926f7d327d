//! Reading: the segments that a range needs are read from the inner store, opened, and cut to the range.
//!
//! Segments go out only after they were opened; of bytes that were tampered with, those before the change come out, and
//! then an error.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};

use super::cipher::{Cipher, Position, Use};
use super::format::{
    HEAD_BYTES, Head, OVERHEAD_BYTES, SEGMENT_BYTES, STORED_BYTES, TAG_BYTES, last_segment, place_of, plain_size,
};
use super::{Sealed, lookup};
use crate::blocking;
use crate::error::Error;
use crate::key::StorageKey;
use crate::reader::Reader;

/// Segments that are opened by one task: a piece of what the reader gives.
const BATCH: u64 = 4;
/// Batches that are opened at a time, so that one is opened while the one before it is sent.
const AT_ONCE: usize = 2;
/// Less than this is opened on the spot: a task costs more.
const SMALL_BYTES: usize = 16 * 1024;

impl Sealed {
    pub(super) async fn read(&self, key: StorageKey, range: Option<Range<u64>>) -> Result<Reader, Error> {
        match range {
            None => self.read_all(key).await,
            Some(range) => self.read_range(key, range).await,
        }
    }

    async fn read_all(&self, key: StorageKey) -> Result<Reader, Error> {
        let reader = self.inner.open(&key, None).await?;
        self.read_whole(key, reader).await
    }

    /// The plaintext of the whole blob that the inner store gives as `reader`.
    pub(super) async fn read_whole(&self, key: StorageKey, reader: Reader) -> Result<Reader, Error> {
        let size_bytes = plain_size(reader.size_bytes()).ok_or(Error::Sealed { key, offset: 0 })?;
        let mut pieces = Pieces::new(reader);
        let cipher = self.cipher(key, &mut pieces).await?;
        Ok(Segments::new(Blob { key, cipher, size_bytes }, pieces, 0..size_bytes).into_reader())
    }

    async fn read_range(&self, key: StorageKey, range: Range<u64>) -> Result<Reader, Error> {
        let head = match self.inner.open(&key, Some(0..HEAD_BYTES as u64)).await {
            Err(Error::Range { key, .. }) => return Err(Error::Sealed { key, offset: 0 }),
            head => head?,
        };
        let stored_bytes = head.size_bytes();
        let size_bytes = plain_size(stored_bytes).ok_or(Error::Sealed { key, offset: 0 })?;
        if range.start > range.end || range.end > size_bytes {
            return Err(Error::Range { key, size_bytes });
        }
        let cipher = self.cipher(key, &mut Pieces::new(head)).await?;
        if range.is_empty() {
            return Ok(Reader::new(size_bytes, range, stream::empty()));
        }
        let first = range.start / SEGMENT_BYTES as u64;
        let end = place_of(last_segment(range.end) + 1).min(stored_bytes);
        // The tag of the segment before the first one says what the first one follows.
        let begin = if first == 0 { place_of(0) } else { place_of(first) - TAG_BYTES as u64 };
        let pieces = Pieces::new(self.inner.open(&key, Some(begin..end)).await?);
        Ok(Segments::new(Blob { key, cipher, size_bytes }, pieces, range).into_reader())
    }

    /// Reads the head and derives the key of the blob's segments.
    async fn cipher(&self, key: StorageKey, pieces: &mut Pieces) -> Result<Cipher, Error> {
        let head = pieces.take(HEAD_BYTES).await?.ok_or(Error::Sealed { key, offset: 0 })?.concat();
        let head = Head::from_bytes(&head).ok_or(Error::Sealed { key, offset: 0 })?;
        let data_key = lookup(&*self.keys, key, head.key).await?;
        Ok(Cipher::derive(&data_key, &head, key, Use::Segments))
    }
}

/// What the inner store gives, to be taken in other sizes. Nothing is copied.
struct Pieces {
    reader: Reader,
    held: VecDeque<Bytes>,
    held_bytes: usize,
}

impl Pieces {
    fn new(reader: Reader) -> Self {
        Self { reader, held: VecDeque::new(), held_bytes: 0 }
    }

    /// The next `wanted` bytes; `None` when there are fewer.
    async fn take(&mut self, wanted: usize) -> Result<Option<Vec<Bytes>>, Error> {
        while self.held_bytes < wanted {
            let Some(piece) = self.reader.next().await.transpose()? else { return Ok(None) };
            self.held_bytes += piece.len();
            self.held.push_back(piece);
        }
        self.held_bytes -= wanted;
        let (mut taken, mut left) = (Vec::new(), wanted);
        while left > 0 {
            let Some(mut piece) = self.held.pop_front() else { break };
            let part = piece.split_to(piece.len().min(left));
            left -= part.len();
            taken.push(part);
            if !piece.is_empty() {
                self.held.push_front(piece);
            }
        }
        Ok(Some(taken))
    }
}

/// What is read.
struct Blob {
    key: StorageKey,
    cipher: Cipher,
    size_bytes: u64,
}

/// The segments of a range, on their way out.
struct Segments {
    blob: Arc<Blob>,
    pieces: Pieces,
    range: Range<u64>,
    next: u64,
    // None until it was read; the first segment of all has none before it.
    previous: Option<[u8; TAG_BYTES]>,
}

impl Segments {
    fn new(blob: Blob, pieces: Pieces, range: Range<u64>) -> Self {
        let next = range.start / SEGMENT_BYTES as u64;
        let previous = (next == 0).then_some([0; TAG_BYTES]);
        Self { blob: Arc::new(blob), pieces, range, next, previous }
    }

    fn into_reader(self) -> Reader {
        let (size_bytes, range) = (self.blob.size_bytes, self.range.clone());
        let batches = stream::unfold(self, |mut segments| async move {
            let batch = segments.next().await.transpose()?;
            Some((batch, segments))
        });
        let opened = batches.map(|batch| async { batch?.open().await }).buffered(AT_ONCE);
        Reader::new(size_bytes, range, until_failure(opened))
    }

    /// The next batch, still sealed; `None` after the last.
    async fn next(&mut self) -> Result<Option<Batch>, Error> {
        let last = last_segment(self.range.end);
        if self.next > last {
            return Ok(None);
        }
        let torn = Error::Sealed { key: self.blob.key, offset: self.next * SEGMENT_BYTES as u64 };
        let previous = match self.previous {
            Some(previous) => previous,
            None => match self.pieces.take(TAG_BYTES).await? {
                Some(tag) => last_tag(&tag),
                None => return Err(torn),
            },
        };
        let (from, to) = (self.next, (self.next + BATCH).min(last + 1));
        self.next = to;
        let Some(sealed) = self.pieces.take(self.stored_bytes(from..to)).await? else { return Err(torn) };
        self.previous = Some(last_tag(&sealed));
        let is_end = to > last_segment(self.blob.size_bytes);
        let (blob, range) = (Arc::clone(&self.blob), self.range.clone());
        Ok(Some(Batch { blob, first: from, is_end, previous, sealed, range }))
    }

    /// How much a batch of segments takes in the inner store.
    fn stored_bytes(&self, segments: Range<u64>) -> usize {
        let count = segments.end - segments.start;
        let plain =
            (segments.end * SEGMENT_BYTES as u64).min(self.blob.size_bytes) - segments.start * SEGMENT_BYTES as u64;
        usize::try_from(plain + count * OVERHEAD_BYTES as u64).expect("a batch is small")
    }
}

/// The tag at the end of `pieces`.
fn last_tag(pieces: &[Bytes]) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    let from_the_end = pieces.iter().rev().flat_map(|piece| piece.iter().rev());
    tag.iter_mut().rev().zip(from_the_end).for_each(|(byte, last)| *byte = *last);
    tag
}

/// A few segments, to be opened together.
struct Batch {
    blob: Arc<Blob>,
    first: u64,
    is_end: bool,
    previous: [u8; TAG_BYTES],
    sealed: Vec<Bytes>,
    /// What is wanted of the whole blob.
    range: Range<u64>,
}

impl Batch {
    async fn open(self) -> Result<Bytes, Error> {
        let size_bytes: usize = self.sealed.iter().map(Bytes::len).sum();
        if size_bytes <= SMALL_BYTES {
            self.open_here(size_bytes)
        } else {
            blocking::run(move || self.open_here(size_bytes)).await?
        }
    }

    fn open_here(mut self, size_bytes: usize) -> Result<Bytes, Error> {
        let mut sealed = Cursor { pieces: std::mem::take(&mut self.sealed).into() };
        let mut plain = Vec::with_capacity(size_bytes);
        let (mut index, mut left) = (self.first, size_bytes);
        while left > 0 {
            let stored = left.min(STORED_BYTES);
            left -= stored;
            let opened = u32::try_from(index).is_ok_and(|index| {
                let at = Position { index, is_last: self.is_end && left == 0, previous: self.previous };
                self.open_segment(at, &mut sealed, stored, &mut plain)
            });
            if !opened {
                return Err(Error::Sealed { key: self.blob.key, offset: index * SEGMENT_BYTES as u64 });
            }
            index += 1;
        }
        Ok(self.cut(Bytes::from(plain)))
    }

    /// Opens one segment behind what `plain` holds; whether it is what was sealed there.
    fn open_segment(&mut self, at: Position, sealed: &mut Cursor, stored: usize, plain: &mut Vec<u8>) -> bool {
        let Some(size_bytes) = stored.checked_sub(OVERHEAD_BYTES) else { return false };
        let (epoch, from) = (sealed.array(), plain.len());
        sealed.take(size_bytes, |part| plain.extend_from_slice(part));
        self.previous = sealed.array();
        self.blob.cipher.open(epoch, at, &mut plain[from..], self.previous)
    }

    /// What is wanted of these segments' plaintext.
    fn cut(&self, plain: Bytes) -> Bytes {
        let begin = self.first * SEGMENT_BYTES as u64;
        let within =
            |offset: u64| usize::try_from(offset.saturating_sub(begin)).map_or(plain.len(), |at| at.min(plain.len()));
        plain.slice(within(self.range.start)..within(self.range.end))
    }
}

/// Bytes in several pieces, copied out in order.
struct Cursor {
    pieces: VecDeque<Bytes>,
}

impl Cursor {
    /// Gives `each` the next `wanted` bytes, part by part.
    fn take(&mut self, mut wanted: usize, mut each: impl FnMut(&[u8])) {
        while wanted > 0 {
            let Some(piece) = self.pieces.front_mut() else { return };
            let part = piece.split_to(piece.len().min(wanted));
            each(&part);
            wanted -= part.len();
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (mut array, mut at) = ([0; N], 0);
        self.take(N, |part| {
            array[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        });
        array
    }
}

/// `pieces` without empty ones, and nothing after the first failure.
fn until_failure(
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let mut has_failed = false;
    let pieces = pieces.take_while(move |piece| future::ready(!std::mem::replace(&mut has_failed, piece.is_err())));
    pieces.filter(|piece| future::ready(!matches!(piece, Ok(piece) if piece.is_empty())))
}
