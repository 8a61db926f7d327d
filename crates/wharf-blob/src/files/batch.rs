//! Batches: what the network delivers in small pieces, gathered for large writes without copying it.

use bytes::{Bytes, BytesMut};

/// A batch is handed on when it holds this much. Larger ones gain nothing measurable and cost memory per upload.
pub(super) const BATCH_BYTES: usize = 128 * 1024;

/// Pieces below this are copied together: a vector of many tiny ones costs more than the copy, and each would keep the
/// network's whole buffer alive.
const COPIED_BYTES: usize = 4 * 1024;

/// Bytes in order, ready to be hashed and written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Bytes>,
    pub(super) size_bytes: usize,
}

/// A batch that is being filled.
#[derive(Debug, Default)]
pub(super) struct Gather {
    batch: Batch,
    small: BytesMut,
}

impl Gather {
    /// Adds what came in.
    pub(super) fn add(&mut self, piece: Bytes) {
        self.batch.size_bytes += piece.len();
        if piece.len() < COPIED_BYTES {
            self.small.extend_from_slice(&piece);
        } else {
            self.settle();
            self.batch.pieces.push(piece);
        }
    }

    /// Whether it is large enough to be handed on.
    pub(super) fn is_full(&self) -> bool {
        self.batch.size_bytes >= BATCH_BYTES
    }

    /// The batch so far, unless there is nothing; the next one begins empty.
    pub(super) fn take(&mut self) -> Option<Batch> {
        self.settle();
        let batch = std::mem::take(&mut self.batch);
        (batch.size_bytes > 0).then_some(batch)
    }

    fn settle(&mut self) {
        if !self.small.is_empty() {
            self.batch.pieces.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_their_order_and_small_pieces_are_joined() {
        let mut gather = Gather::default();
        let mut expected = Vec::new();
        for (index, size) in [1, 2, 0, 5000, 3, 4096, 4095, 1].into_iter().enumerate() {
            let piece = vec![u8::try_from(index).expect("few"); size];
            expected.extend_from_slice(&piece);
            gather.add(piece.into());
        }
        let batch = gather.take().expect("not empty");
        assert_eq!(batch.size_bytes, expected.len());
        assert_eq!(batch.pieces.len(), 5);
        assert_eq!(batch.pieces.concat(), expected);
        assert!(gather.take().is_none());
    }

    #[test]
    fn a_batch_is_full_at_its_size_however_small_the_pieces() {
        let mut gather = Gather::default();
        for _ in 1..BATCH_BYTES {
            gather.add(Bytes::from_static(b"x"));
        }
        assert!(!gather.is_full());
        gather.add(Bytes::from_static(b"x"));
        assert!(gather.is_full());
        assert_eq!(gather.take().map(|batch| batch.pieces.len()), Some(1));
    }
}
