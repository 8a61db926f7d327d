//! What an upload's state holds between two appends: the blob's head, the inner store's own state, and the tail, which is
//! too short for a segment or may become the last one.
//!
//! ```text
//! 1 · head (56) · tag of the last segment (16) · length of the inner state (4) · inner state · nonce (12) · tail · tag (16)
//! ```
//! The catalog keeps it, so the tail is sealed, and bound to everything before it and to the upload's offset.

use super::cipher::{Cipher, Use, random};
use super::format::{HEAD_BYTES, Head, SEGMENT_BYTES, TAG_BYTES};
use super::keys::{DataKey, Keys};
use super::{Sealed, lookup};
use crate::error::Error;
use crate::key::UploadKey;
use crate::state::UploadState;

const VERSION: u8 = 1;

/// Where a sealed upload stands.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) head: Head,
    pub(super) data_key: DataKey,
    /// How many segments the inner store has.
    pub(super) segments: u32,
    /// The tag of the last of them.
    pub(super) previous: [u8; TAG_BYTES],
    /// The inner store's state of the upload.
    pub(super) inner: UploadState,
    /// What is not in the inner store: at most one segment.
    pub(super) tail: Vec<u8>,
}

impl Place {
    /// Where `state` stands: at the beginning, with a new head, or where the last append left it.
    pub(super) async fn of(store: &Sealed, upload: UploadKey, state: &UploadState) -> Result<Self, Error> {
        if state.place.is_empty() && state.offset == 0 {
            return Self::begin(&*store.keys, upload).await;
        }
        // A state that does not open is another upload's, or was written by somebody else: it describes nothing here.
        let lost = || Error::UploadLost { upload, expected_bytes: state.offset, found_bytes: 0 };
        let parts = Parts::split(&state.place).ok_or_else(lost)?;
        let data_key = lookup(&*store.keys, upload.storage_key(), parts.head.key).await?;
        Self::open(parts, data_key, upload, state).ok_or_else(lost)
    }

    async fn begin(keys: &dyn Keys, upload: UploadKey) -> Result<Self, Error> {
        let data_key = keys.newest().await.map_err(|source| Error::Keys { key: upload.storage_key(), source })?;
        Ok(Self {
            head: Head { key: data_key.id, salt: random()? },
            data_key,
            segments: 0,
            previous: [0; TAG_BYTES],
            inner: UploadState::unhashed(),
            tail: Vec::new(),
        })
    }

    fn open(parts: Parts<'_>, data_key: DataKey, upload: UploadKey, state: &UploadState) -> Option<Self> {
        let cipher = Cipher::derive(&data_key, &parts.head, upload.storage_key(), Use::Tail);
        let tail = cipher.open_alone(&context(parts.open, state.offset), parts.tail)?;
        let in_segments = state.offset.checked_sub(tail.len() as u64)?;
        let segments = u32::try_from(in_segments / SEGMENT_BYTES as u64).ok()?;
        let inner = UploadState::from_bytes(parts.inner)?;
        let place = Self { head: parts.head, data_key, segments, previous: parts.previous, inner, tail };
        (place.offset() == state.offset).then_some(place)
    }

    /// How many bytes the upload has.
    pub(super) fn offset(&self) -> u64 {
        u64::from(self.segments) * SEGMENT_BYTES as u64 + self.tail.len() as u64
    }

    /// The form that the catalog keeps.
    pub(super) fn to_bytes(&self, upload: UploadKey) -> Result<Vec<u8>, Error> {
        let inner = self.inner.to_bytes();
        let length = u32::try_from(inner.len()).map_err(|_| Error::TooLong { upload })?;
        let head = self.head.to_bytes();
        let mut bytes = [&[VERSION][..], &head[..], &self.previous[..], &length.to_be_bytes()[..], &inner].concat();
        let tail = self.cipher(upload, Use::Tail).seal_alone(&context(&bytes, self.offset()), &self.tail)?;
        bytes.extend_from_slice(&tail);
        Ok(bytes)
    }

    /// The key for `usage` in this upload's blob.
    pub(super) fn cipher(&self, upload: UploadKey, usage: Use) -> Cipher {
        Cipher::derive(&self.data_key, &self.head, upload.storage_key(), usage)
    }
}

/// What the tail is bound to.
fn context(open: &[u8], offset: u64) -> Vec<u8> {
    [open, &offset.to_be_bytes()].concat()
}

/// The saved form, cut into its parts.
struct Parts<'p> {
    head: Head,
    previous: [u8; TAG_BYTES],
    inner: &'p [u8],
    /// All before the tail.
    open: &'p [u8],
    tail: &'p [u8],
}

impl<'p> Parts<'p> {
    fn split(bytes: &'p [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (head, rest) = rest.split_first_chunk::<HEAD_BYTES>()?;
        let (previous, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (inner, tail) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let (open, _) = bytes.split_at_checked(bytes.len() - tail.len())?;
        Some(Self { head: Head::from_bytes(head)?, previous: *previous, inner, open, tail })
    }
}
