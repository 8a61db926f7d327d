//! What a chunk must look like. Pure.

use uuid::Uuid;

use crate::error::Error;

/// `Content-Range: START-END` of a chunk, both inclusive, as the distribution-spec writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset of the last byte.
    pub end: u64,
}

impl ChunkRange {
    /// How many bytes the range holds; `None` when it ends before it starts or overflows.
    pub fn size_bytes(self) -> Option<u64> {
        self.end.checked_sub(self.start)?.checked_add(1)
    }
}

/// Checks that a chunk begins where the upload stands; gives the size that its range states.
pub(super) fn check_start(upload: Uuid, offset_bytes: u64, range: Option<ChunkRange>) -> Result<Option<u64>, Error> {
    let Some(range) = range else { return Ok(None) };
    let size_bytes = range.size_bytes();
    if range.start != offset_bytes || size_bytes.is_none() {
        return Err(Error::ChunkOutOfOrder { upload, offset_bytes });
    }
    Ok(size_bytes)
}

/// Checks that a chunk brought what its range stated.
pub(super) fn check_size(stated_bytes: Option<u64>, received_bytes: u64) -> Result<(), Error> {
    match stated_bytes {
        Some(stated_bytes) if stated_bytes != received_bytes => Err(Error::ChunkSize { stated_bytes, received_bytes }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_begins_where_the_upload_stands() {
        let range = |start, end| Some(ChunkRange { start, end });
        let id = Uuid::nil();
        assert_eq!(check_start(id, 5, None).expect("no range, no rule"), None);
        assert_eq!(check_start(id, 5, range(5, 9)).expect("in order"), Some(5));
        for (start, end) in [(0, 4), (6, 9), (5, 4), (5, 0)] {
            assert!(matches!(
                check_start(id, 5, range(start, end)),
                Err(Error::ChunkOutOfOrder { offset_bytes: 5, .. })
            ));
        }
        assert!(check_start(id, 0, range(0, u64::MAX)).is_err(), "2^64 bytes overflow");
    }

    #[test]
    fn a_chunk_brings_what_its_range_states() {
        assert!(check_size(None, 7).is_ok() && check_size(Some(7), 7).is_ok());
        assert!(matches!(check_size(Some(8), 7), Err(Error::ChunkSize { stated_bytes: 8, received_bytes: 7 })));
    }
}
