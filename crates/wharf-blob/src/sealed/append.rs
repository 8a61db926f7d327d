//! Appending: a body of plaintext becomes a body of segments, which the inner store takes like any other.
//!
//! The stream does all the work, and only when the inner store asks it: until then nothing is read from the client, so
//! that whoever takes the upload over first is the one that the inner store's fence knows first.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::cipher::{Cipher, Position, Use, random};
use super::format::{EPOCH_BYTES, HEAD_BYTES, Head, OVERHEAD_BYTES, SEGMENT_BYTES, STORED_BYTES, TAG_BYTES};
use super::place::Place;
use crate::blocking;
use crate::body::{Body, BodyError};
use crate::error::Error;
use crate::key::UploadKey;
use crate::state::Hasher;

/// Segments are sealed when there are so many of them: fewer would cost a task each, more would cost memory per upload.
const BATCH_BYTES: usize = 4 * SEGMENT_BYTES;

/// Seals segments one after another, in an epoch of its own.
#[derive(Debug)]
pub(super) struct Sealer {
    cipher: Cipher,
    epoch: [u8; EPOCH_BYTES],
    // Goes before the first segment, and only once.
    head: Option<Head>,
    segments: u32,
    previous: [u8; TAG_BYTES],
}

impl Sealer {
    /// Goes on from `place`.
    pub(super) fn new(place: &Place, upload: UploadKey) -> Result<Self, Error> {
        let cipher = place.cipher(upload, Use::Segments);
        let head = (place.inner.offset == 0).then_some(place.head);
        Ok(Self { cipher, epoch: random()?, head, segments: place.segments, previous: place.previous })
    }

    /// The head, unless it was written.
    fn head(&mut self) -> Option<Bytes> {
        self.head.take().map(|head| Bytes::copy_from_slice(&head.to_bytes()))
    }

    /// Seals the segments of `plain`, all whole unless the last one ends the blob; `None`: there are too many.
    pub(super) fn seal(&mut self, plain: &[u8], is_end: bool) -> Option<Vec<u8>> {
        let count = plain.len().div_ceil(SEGMENT_BYTES) + 1;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + plain.len() + count * OVERHEAD_BYTES);
        sealed.extend_from_slice(&self.head().unwrap_or_default());
        let mut left = plain;
        loop {
            let (segment, rest) = left.split_at(left.len().min(SEGMENT_BYTES));
            left = rest;
            self.add(segment, is_end && left.is_empty(), &mut sealed)?;
            if left.is_empty() {
                return Some(sealed);
            }
        }
    }

    fn add(&mut self, segment: &[u8], is_last: bool, sealed: &mut Vec<u8>) -> Option<()> {
        sealed.extend_from_slice(&self.epoch);
        let from = sealed.len();
        sealed.extend_from_slice(segment);
        let at = Position { index: self.segments, is_last, previous: self.previous };
        self.previous = self.cipher.seal(self.epoch, at, &mut sealed[from..]);
        sealed.extend_from_slice(&self.previous);
        self.segments = self.segments.checked_add(1)?;
        Some(())
    }
}

/// What has become of a body when the inner store has read it to its end.
#[derive(Debug)]
pub(super) struct Fed {
    /// The hash of the plaintext.
    pub(super) hasher: Hasher,
    /// How many segments there are now.
    pub(super) segments: u32,
    /// The tag of the last of them.
    pub(super) previous: [u8; TAG_BYTES],
    /// What is not sealed yet.
    pub(super) tail: Vec<u8>,
    /// Whether all of the body came. What came before it broke is sealed like the rest.
    pub(super) end: Result<(), Error>,
}

/// An append: where it begins, and what it adds.
pub(super) struct Addition<'a> {
    pub(super) upload: UploadKey,
    pub(super) place: &'a Place,
    /// The hash of all plaintext before it.
    pub(super) hasher: Hasher,
    pub(super) body: Body,
}

/// The body sealed, behind what the place holds already; and what has become of it, once the stream was read to its end.
/// The head comes before all segments, or at once, where an upload needs bytes to stand in the inner store.
pub(super) fn feed(addition: Addition<'_>, has_head_at_once: bool) -> Result<(Body, oneshot::Receiver<Fed>), Error> {
    let Addition { upload, place, hasher, body } = addition;
    let (told, fed) = oneshot::channel();
    let mut work = Work { sealer: Sealer::new(place, upload)?, hasher };
    let feeder = Feeder {
        upload,
        head: if has_head_at_once { work.sealer.head() } else { None },
        body: Some(body),
        plain: place.tail.to_vec(),
        hashed: place.tail.len(),
        at: At::Idle(Box::new(work)),
        end: Ok(()),
        told: Some(told),
    };
    let sealed = stream::unfold(feeder, |mut feeder| async move {
        let piece = feeder.next().await.map_err(BodyError::broken).transpose()?;
        Some((piece, feeder))
    });
    Ok((Box::pin(sealed), fed))
}

/// What segments go through.
#[derive(Debug)]
struct Work {
    sealer: Sealer,
    hasher: Hasher,
}

#[derive(Debug)]
enum At {
    Idle(Box<Work>),
    Running(JoinHandle<Option<(Box<Work>, Bytes)>>),
    Ended,
}

/// Gathers the plaintext of a batch while the one before it is being sealed.
struct Feeder {
    upload: UploadKey,
    // What goes first.
    head: Option<Bytes>,
    // None when it has ended.
    body: Option<Body>,
    plain: Vec<u8>,
    // How much of `plain` is in the hash already: the tail that the append began with.
    hashed: usize,
    at: At,
    end: Result<(), Error>,
    told: Option<oneshot::Sender<Fed>>,
}

impl Feeder {
    /// The next sealed bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.head.is_some() {
            return Ok(self.head.take());
        }
        loop {
            self.gather().await;
            let sealed = self.settle().await?;
            self.start();
            if sealed.is_some() {
                return Ok(sealed);
            }
            if let At::Idle(_) | At::Ended = self.at {
                self.tell();
                return Ok(None);
            }
        }
    }

    /// Reads until there is more than a batch: a last segment stays behind, because it may be the blob's last.
    async fn gather(&mut self) {
        while self.plain.len() <= BATCH_BYTES {
            let Some(body) = self.body.as_mut() else { return };
            match body.next().await {
                Some(Ok(piece)) => self.plain.extend_from_slice(&piece),
                Some(Err(source)) => {
                    self.end = Err(Error::Body { upload: self.upload, source });
                    self.body = None;
                }
                None => self.body = None,
            }
        }
    }

    /// Waits for the batch that is being sealed, if there is one.
    async fn settle(&mut self) -> Result<Option<Bytes>, Error> {
        let At::Running(running) = &mut self.at else { return Ok(None) };
        let sealed = blocking::outcome(running.await);
        self.at = At::Ended;
        let (work, sealed) = sealed?.ok_or(Error::TooLong { upload: self.upload })?;
        self.at = At::Idle(work);
        Ok(Some(sealed))
    }

    /// Begins to seal what is certainly not the last segment, if there is any.
    fn start(&mut self) {
        let whole = self.plain.len().saturating_sub(1) / SEGMENT_BYTES * SEGMENT_BYTES;
        if whole == 0 {
            return;
        }
        let At::Idle(mut work) = std::mem::replace(&mut self.at, At::Ended) else { return };
        let mut rest = Vec::with_capacity(BATCH_BYTES + STORED_BYTES);
        rest.extend_from_slice(&self.plain[whole..]);
        let mut plain = std::mem::replace(&mut self.plain, rest);
        plain.truncate(whole);
        let hashed = std::mem::take(&mut self.hashed);
        self.at = At::Running(tokio::task::spawn_blocking(move || {
            work.hasher.update(&plain[hashed..]);
            let sealed = work.sealer.seal(&plain, false)?;
            Some((work, Bytes::from(sealed)))
        }));
    }

    fn tell(&mut self) {
        let At::Idle(work) = std::mem::replace(&mut self.at, At::Ended) else { return };
        let Work { sealer, mut hasher } = *work;
        hasher.update(&self.plain[self.hashed..]);
        let Some(told) = self.told.take() else { return };
        let (segments, previous) = (sealer.segments, sealer.previous);
        let tail = std::mem::take(&mut self.plain);
        let end = std::mem::replace(&mut self.end, Ok(()));
        // Nobody waits for it when the append was dropped.
        let _unheard = told.send(Fed { hasher, segments, previous, tail, end });
    }
}

/// The bytes that end the blob which stands at `place`.
pub(super) fn last(place: &Place, upload: UploadKey) -> Result<Bytes, Error> {
    let sealed = Sealer::new(place, upload)?.seal(&place.tail, true);
    sealed.map(Bytes::from).ok_or(Error::TooLong { upload })
}
