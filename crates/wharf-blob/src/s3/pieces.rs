//! Pieces: what the network delivers, gathered until it is enough for a part, without copying it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied together: each would keep the network's whole buffer alive.
const COPIED_BYTES: usize = 4 * 1024;

/// Bytes in order.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    size_bytes: usize,
}

impl Pieces {
    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    pub(super) fn add(&mut self, piece: Bytes) {
        self.size_bytes += piece.len();
        if piece.len() < COPIED_BYTES {
            self.small.extend_from_slice(&piece);
        } else {
            self.settle();
            self.pieces.push_back(piece);
        }
    }

    /// Takes the first `size_bytes`, or all where there are fewer.
    pub(super) fn take(&mut self, size_bytes: usize) -> Vec<Bytes> {
        self.settle();
        let mut taken = Vec::new();
        let mut left = size_bytes;
        while left > 0 {
            let Some(mut piece) = self.pieces.pop_front() else { break };
            if piece.len() > left {
                self.pieces.push_front(piece.split_off(left));
            }
            left -= piece.len();
            self.size_bytes -= piece.len();
            taken.push(piece);
        }
        taken
    }

    fn settle(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_keep_their_order_however_they_come_and_are_taken(
            sizes in prop::collection::vec(0..10_000_usize, 0..20),
            cuts in prop::collection::vec(0..20_000_usize, 1..10),
        ) {
            let mut pieces = Pieces::default();
            let mut expected = Vec::new();
            for (index, size) in sizes.into_iter().enumerate() {
                let piece: Vec<u8> = (0..size).map(|byte| (byte * 7 + index).to_le_bytes()[0]).collect();
                expected.extend_from_slice(&piece);
                pieces.add(piece.into());
            }
            prop_assert_eq!(pieces.size_bytes(), expected.len());
            let mut found = Vec::new();
            for cut in cuts {
                let taken = pieces.take(cut).concat();
                prop_assert_eq!(taken.len(), cut.min(expected.len() - found.len()));
                found.extend(taken);
            }
            found.extend(pieces.take(usize::MAX).concat());
            prop_assert!(found == expected && pieces.size_bytes() == 0);
        }
    }
}
