//! Frames of SQLite's write-ahead log: 24 bytes that say which page, and the page.
//!
//! They come from another machine, so nothing in them is believed before it was looked at. Whether the page's content
//! makes sense is SQLite's to say.

use crate::error::Error;
use crate::log::LogBatch;

/// The length of what stands before each page.
const HEAD_BYTES: usize = 24;
/// The largest database: SQLite's own limit is far above.
const MOST_PAGES: u32 = u32::MAX - 1;

/// A page of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'b> {
    /// Its number, from 1.
    pub(crate) page: u32,
    /// How many pages the database has from this frame on, if a transaction ends with it.
    pub(crate) database_pages: Option<u32>,
    pub(crate) content: &'b [u8],
}

/// The size of a frame.
pub(crate) fn size(page_bytes: u32) -> Option<usize> {
    let is_size = page_bytes.is_power_of_two() && (512..=65536).contains(&page_bytes);
    usize::try_from(page_bytes).ok().filter(|_| is_size).map(|page_bytes| page_bytes + HEAD_BYTES)
}

/// Refuses a batch that is not a number of whole frames of one log, the last of which ends a transaction.
pub(crate) fn check(batch: &LogBatch) -> Result<(), Error> {
    let refused = |reason| Err(Error::ForeignLog { reason });
    let Some(size) = size(batch.page_bytes) else { return refused("its pages have no size that SQLite knows") };
    if !batch.frames.len().is_multiple_of(size) {
        return refused("it ends in the middle of a page");
    }
    let salts = |frame: &[u8]| frame.get(8..16).map(<[u8]>::to_vec);
    let first = batch.frames.get(..size).and_then(salts);
    for frame in batch.frames.chunks_exact(size) {
        if salts(frame) != first {
            return refused("its pages are of several logs");
        }
        if number(frame, 0) == 0 || number(frame, 0) > MOST_PAGES {
            return refused("it has a page without a number");
        }
    }
    match read(batch).last() {
        Some(Frame { database_pages: Some(pages), page, .. }) if page > pages => refused("its last page lies outside"),
        Some(Frame { database_pages: None, .. }) => refused("it ends in the middle of a transaction"),
        Some(_) | None => Ok(()),
    }
}

/// The frames of a batch that was checked.
pub(crate) fn read(batch: &LogBatch) -> impl Iterator<Item = Frame<'_>> {
    let size = size(batch.page_bytes).unwrap_or(usize::MAX);
    batch.frames.chunks_exact(size).map(|frame| Frame {
        page: number(frame, 0),
        database_pages: Some(number(frame, 4)).filter(|pages| *pages > 0),
        content: &frame[HEAD_BYTES..],
    })
}

fn number(frame: &[u8], at: usize) -> u32 {
    let bytes = frame.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of pages (number, database pages after it, byte that fills it).
    fn batch(pages: &[(u32, u32, u8)]) -> LogBatch {
        let mut frames = Vec::new();
        for (page, database_pages, fill) in pages {
            frames.extend(page.to_be_bytes());
            frames.extend(database_pages.to_be_bytes());
            frames.extend([7; 16]);
            frames.extend([*fill; 512]);
        }
        LogBatch { page_bytes: 512, frames: frames.into() }
    }

    fn reason(batch: &LogBatch) -> &'static str {
        match check(batch) {
            Err(Error::ForeignLog { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_batch_ends_with_a_transaction() {
        assert!(check(&batch(&[])).is_ok());
        let whole = batch(&[(1, 0, 1), (3, 0, 2), (2, 3, 3)]);
        assert!(check(&whole).is_ok());
        let frames: Vec<_> = read(&whole).map(|frame| (frame.page, frame.database_pages, frame.content[0])).collect();
        assert_eq!(frames, [(1, None, 1), (3, None, 2), (2, Some(3), 3)]);
        assert!(reason(&batch(&[(1, 3, 1), (2, 0, 2)])).contains("middle of a transaction"));
        assert!(reason(&batch(&[(0, 3, 1)])).contains("without a number"));
        assert!(reason(&batch(&[(9, 3, 1)])).contains("outside"));
    }

    #[test]
    fn what_is_cut_or_mixed_is_refused() {
        let whole = batch(&[(1, 1, 1)]);
        let cut = LogBatch { frames: whole.frames.slice(..535), ..whole.clone() };
        assert!(reason(&cut).contains("middle of a page"));
        for page_bytes in [0, 1, 511, 513, 1 << 17] {
            assert!(reason(&LogBatch { page_bytes, ..whole.clone() }).contains("no size"));
        }
        let mut mixed = batch(&[(1, 0, 1), (2, 2, 1)]).frames.to_vec();
        mixed[536 + 8] ^= 1;
        assert!(reason(&LogBatch { page_bytes: 512, frames: mixed.into() }).contains("several logs"));
    }
}
