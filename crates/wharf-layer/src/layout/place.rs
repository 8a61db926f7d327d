//! Where content lies, and how it streams from there.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::ports::ByteStream;
use wharf_oci::{Algorithm, ContentError, Digest};

use crate::error::Error;

const PIECE_BYTES: usize = 256 * 1024;
/// How many pieces are read before they are asked for.
const AHEAD: usize = 2;

/// Where content lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In a file, or in a part of one.
    File {
        /// The file.
        file: Arc<File>,
        /// Where it begins there.
        start: u64,
        /// How long it is.
        size: u64,
    },
    /// In memory: made, not found.
    Memory(Bytes),
}

impl Place {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// The first bytes, at most `count`. Blocks.
    pub(super) fn head(&self, count: usize) -> Result<Bytes, Error> {
        let count = usize::try_from(self.size()).map_or(count, |size| size.min(count));
        self.read(0, count)
    }

    /// All bytes of a document. Blocks.
    pub(super) fn document(&self) -> Result<Bytes, Error> {
        match usize::try_from(self.size()) {
            Ok(size) if size <= MAX_MANIFEST_BYTES => self.read(0, size),
            _ => Err(Error::LargeDocument { size_bytes: self.size() }),
        }
    }

    /// The digest of all bytes. Blocks.
    pub(super) fn digest(&self) -> Result<Digest, Error> {
        let (mut hasher, mut offset) = (Sha256::new(), 0);
        while offset < self.size() {
            let piece = self.piece(offset)?;
            hasher.update(&piece);
            offset += piece.len() as u64;
        }
        Ok(Digest::from_hash(Algorithm::Sha256, &hasher.finalize()))
    }

    /// The bytes from `offset` to the end. A thread reads ahead of whoever takes them, and ends when nobody does.
    pub(super) fn stream(self, offset: u64) -> ByteStream {
        let (sender, receiver) = mpsc::channel(AHEAD);
        // The stream ends when the thread does; a panic in it looks like bytes that are missing, which are noticed.
        drop(tokio::task::spawn_blocking(move || self.send(offset, &sender)));
        Box::pin(stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
    }

    fn send(&self, mut offset: u64, sender: &mpsc::Sender<Result<Bytes, ContentError>>) {
        while offset < self.size() {
            let piece = self.piece(offset);
            let count = piece.as_ref().map(|piece| piece.len() as u64);
            // After an error there is nothing more to read.
            let next = count.map_or(self.size(), |count| offset + count);
            if sender.blocking_send(piece.map_err(Into::into)).is_err() {
                return;
            }
            offset = next;
        }
    }

    fn piece(&self, offset: u64) -> Result<Bytes, Error> {
        let left = self.size() - offset;
        self.read(offset, usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES)))
    }

    /// Exactly `count` bytes, which are there.
    fn read(&self, offset: u64, count: usize) -> Result<Bytes, Error> {
        match self {
            Self::File { file, start, .. } => {
                let mut bytes = vec![0; count];
                file.read_exact_at(&mut bytes, start + offset).map_err(Error::ReadContent)?;
                Ok(bytes.into())
            }
            Self::Memory(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(offset..(offset + count).min(bytes.len())))
            }
        }
    }
}
