//! One writer per upload: the later request wins, and what the earlier one knew is refused from then on.
//!
//! Without this, two requests on one upload could leave a state (offset, hash) in the catalog that describes other
//! bytes than those that lie in the store: a blob under a digest that is not its own. A state therefore carries the
//! writer that left it, and a request is let in only with the state of the last writer, or with the one that the last
//! writer began from (its answer got lost, or it is still running and is stopped now).
//!
//! A store whose bytes outlive the process keeps the same two writers beside the bytes, because a loser's state may
//! lie in the catalog, to be tried after a restart or on another node.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedMutexGuard, watch};
use uuid::Uuid;

use crate::error::Error;
use crate::key::UploadKey;
use crate::state::UploadState;
use crate::store::Upload;

/// One append or finish: whose turn it is since the upload began, then a random number, so that it cannot recur after
/// a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer(u64);

const RANDOM_BITS: u32 = 40;

impl Writer {
    /// The writer of an upload that nobody has written to.
    pub(crate) const NONE: Self = Self(0);

    /// A writer that begins where this one ended.
    fn next(self) -> Self {
        let random = Uuid::new_v4().as_u64_pair().0 >> (u64::BITS - RANDOM_BITS);
        Self(self.turn().wrapping_add(1) << RANDOM_BITS | random)
    }

    fn turn(self) -> u64 {
        self.0 >> RANDOM_BITS
    }

    pub(crate) fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

/// The writers whose states describe an upload's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writers {
    /// Who wrote last, or is writing.
    pub(crate) last: Writer,
    /// Whose state the last one began from. What that state describes is untouched.
    pub(crate) before: Writer,
}

impl Writers {
    /// Whether a state that `writer` left describes bytes that are there.
    pub(crate) fn know(self, writer: Writer) -> bool {
        writer == self.last || writer == self.before
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.last.to_bytes());
        bytes[8..].copy_from_slice(&self.before.to_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (last, rest) = bytes.split_first_chunk()?;
        let before = rest.try_into().ok()?;
        Some(Self { last: Writer::from_bytes(*last), before: Writer::from_bytes(before) })
    }
}

#[derive(Debug)]
struct Lineage {
    writers: watch::Sender<Writers>,
    turn: Arc<tokio::sync::Mutex<()>>,
    since: Instant,
}

/// The uploads that this process has written to.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    uploads: Mutex<HashMap<UploadKey, Arc<Lineage>>>,
}

/// The right to write to an upload, until it is dropped. [`Claim::is_lost`] tells when another one wants it.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) upload: UploadKey,
    pub(crate) writers: Writers,
    seen: watch::Receiver<Writers>,
    // Held, with everything that may still write, in an Arc: the next writer starts when the last part of this one ends.
    _lineage: Arc<Lineage>,
    _turn: OwnedMutexGuard<()>,
}

impl Fence {
    /// Takes the upload over from whoever writes to it, and waits until they have stopped.
    pub(crate) async fn claim(&self, upload: UploadKey, state: &UploadState) -> Result<Claim, Error> {
        let lineage = self.lineage(upload, state.writer);
        let writers = Writers { last: state.writer.next(), before: state.writer };
        let is_known = lineage.writers.send_if_modified(|known| {
            let is_known = known.know(state.writer);
            if is_known {
                *known = writers;
            }
            is_known
        });
        if !is_known {
            return Err(Error::Superseded { upload });
        }
        let seen = lineage.writers.subscribe();
        let turn = Arc::clone(&lineage.turn).lock_owned().await;
        let claim = Claim { upload, writers, seen, _lineage: lineage, _turn: turn };
        if claim.is_lost() { Err(Error::Superseded { upload }) } else { Ok(claim) }
    }

    /// Takes over what another process has noted about an upload's writers.
    pub(crate) fn adopt(&self, upload: UploadKey, writers: Writers) {
        self.lineage(upload, writers.last).writers.send_replace(writers);
    }

    /// Whether `state` was left by a later writer than any that this process knows of: another node had its turn.
    pub(crate) fn is_behind(&self, upload: UploadKey, state: &UploadState) -> bool {
        let last = self.lineage(upload, state.writer).writers.borrow().last;
        state.writer.turn() > last.turn()
    }

    /// Whether `state` still describes the upload's bytes.
    pub(crate) fn check(&self, upload: UploadKey, state: &UploadState) -> Result<(), Error> {
        let lineage = self.lineage(upload, state.writer);
        let is_known = lineage.writers.borrow().know(state.writer);
        if is_known { Ok(()) } else { Err(Error::Superseded { upload }) }
    }

    /// Stops whoever writes to an upload whose bytes are gone, and forgets it.
    pub(crate) fn forget(&self, upload: UploadKey) {
        let lineage = self.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&upload);
        if let Some(lineage) = lineage {
            let nobody = Writer::NONE.next();
            lineage.writers.send_replace(Writers { last: nobody, before: nobody });
        }
    }

    /// Forgets uploads that ended elsewhere: all but `open`, as far as they were known before `listed_at`.
    pub(crate) fn retain(&self, open: &[Upload], listed_at: Instant) {
        let open: HashSet<_> = open.iter().map(|upload| upload.key).collect();
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).retain(|upload, lineage| {
            lineage.since >= listed_at || open.contains(upload) || Arc::strong_count(lineage) > 1
        });
    }

    fn lineage(&self, upload: UploadKey, writer: Writer) -> Arc<Lineage> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let lineage = uploads.entry(upload).or_insert_with(|| {
            let writers = watch::Sender::new(Writers { last: writer, before: writer });
            Arc::new(Lineage { writers, turn: Arc::default(), since: Instant::now() })
        });
        Arc::clone(lineage)
    }
}

impl Claim {
    /// Whether another request has taken the upload over.
    pub(crate) fn is_lost(&self) -> bool {
        *self.seen.borrow() != self.writers
    }

    /// Waits until another request takes the upload over.
    pub(crate) async fn lost(&self) -> Error {
        let mut seen = self.seen.clone();
        // The sender lives in the lineage that this claim holds, so the wait cannot fail.
        let _ended = seen.wait_for(|writers| *writers != self.writers).await;
        Error::Superseded { upload: self.upload }
    }
}
