//! Layers: what an archive adds to, and hides of, the file system below it.
//!
//! Of entries with one path the last counts, as for a runtime that unpacks them in order; whoever applies changes sees
//! them in that order. Which tree comes out is not known here: see [`crate::tree`].
//! Spec: image-spec, layer.md, "Whiteouts".

use std::io::{BufReader, Read};

use crate::archive::{self, Archive, BLOCK_BYTES};
use crate::compression::{ANY, Decoder};
use crate::entry::{Entry, Kind};
use crate::error::Error;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::path::EntryPath;

const PIECE_BYTES: usize = 128 * 1024;
pub(crate) const WHITEOUT: &[u8] = b".wh.";
pub(crate) const OPAQUE: &[u8] = b".wh..wh..opq";

/// One thing that a layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something is there now.
    Put(Entry),
    /// What layers below have under this path is gone, with all below it.
    Hide(EntryPath),
    /// What layers below have in this folder is gone; the folder stays.
    HideBelow(EntryPath),
}

/// The content of the file that a change puts.
pub struct Content<'r, 'a> {
    archive: &'r mut Archive<BufReader<Decoder<'a>>>,
    held: usize,
}

impl Content<'_, '_> {
    /// The next piece; `None` at the end.
    pub fn next_piece(&mut self) -> Result<Option<&[u8]>, Error> {
        self.archive.consume(std::mem::take(&mut self.held));
        let piece = self.archive.fill()?;
        self.held = piece.len();
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl Drop for Content<'_, '_> {
    fn drop(&mut self) {
        self.archive.consume(self.held);
    }
}

/// Reads a layer of this media type to its end and shows each change to `visit`, which may take the content or leave it.
/// Nothing that was shown may be believed before this has returned without an error.
pub fn read(
    input: Box<dyn Read + '_>,
    media_type: &str,
    limits: Limits,
    visit: &mut dyn FnMut(Change, &mut Content<'_, '_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let decoder = Decoder::open(input, media_type, limits)?;
    let mut archive = Archive::new(BufReader::with_capacity(PIECE_BYTES, decoder), limits);
    while let Some(entry) = archive.next()? {
        let change = classify(entry).map_err(|fault| archive.refuse(fault))?;
        visit(change, &mut Content { archive: &mut archive, held: 0 })?;
    }
    Ok(())
}

/// Reads an archive that is no layer, compressed in any way or not at all, and shows each entry: names that begin with
/// `.wh.` are names like others. Nothing that was shown may be believed before this has returned without an error.
pub fn read_archive(
    input: Box<dyn Read + '_>,
    limits: Limits,
    visit: &mut dyn FnMut(Entry, &mut Content<'_, '_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let decoder = Decoder::open(input, ANY, limits)?;
    let mut archive = Archive::new(BufReader::with_capacity(PIECE_BYTES, decoder), limits);
    while let Some(entry) = archive.next()? {
        visit(entry, &mut Content { archive: &mut archive, held: 0 })?;
    }
    Ok(())
}

/// Whether it begins like an archive, compressed in any way or not at all. A stream that cannot be read is none.
pub fn is_archive(input: Box<dyn Read + '_>) -> bool {
    let Ok(mut decoder) = Decoder::open(input, ANY, Limits::default()) else { return false };
    let mut block = [0; BLOCK_BYTES];
    decoder.read_exact(&mut block).is_ok() && archive::is_header(&block)
}

/// Whether an entry is a whiteout, and of what.
fn classify(entry: Entry) -> Result<Change, Fault> {
    let Some((folder, name)) = entry.path.split() else { return Ok(Change::Put(entry)) };
    // Runtimes look at the last name only, or at the whole path: what is below a whiteout means different things.
    if folder.components().any(|name| name.starts_with(WHITEOUT)) {
        return Err(Fault::Whiteout);
    }
    let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Ok(Change::Put(entry)) };
    // Old storage drivers wrote whiteouts as hard links to each other.
    let is_empty_file = matches!(entry.kind, Kind::File { size_bytes: 0 } | Kind::Hardlink { .. });
    match hidden {
        _ if !is_empty_file => Err(Fault::Whiteout),
        _ if name == OPAQUE => Ok(Change::HideBelow(folder)),
        b"" | b"." | b".." => Err(Fault::Whiteout),
        _ if hidden.starts_with(WHITEOUT) => Err(Fault::Whiteout),
        _ => Ok(Change::Hide(folder.join(hidden))),
    }
}
