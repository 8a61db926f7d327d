//! The journal of a copy: batches that are durable and may not have reached the database file in full.
//!
//! ```text
//! head    "wharflg1"  lineage 16  batch 8  done 8  base 8  sum 8
//! entry   length 4  page size 4  batch 8  done 8  sum 32  frames
//! ```
//! Numbers are big-endian, sums are SHA-256 (the head has the first 8 bytes of one). What follows the last whole entry is
//! what a crash has left of an append, and is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::LogBatch;
use super::frames::check;
use super::replica::{Entry, Position};

const MAGIC: &[u8; 8] = b"wharflg1";
const HEAD_BYTES: usize = 56;
const ENTRY_HEAD_BYTES: usize = 56;
/// No batch is as large: what says so is no entry.
const MOST_BYTES: usize = 1 << 30;

/// What stands at the journal's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// What the database file has without any entry.
    pub(super) position: Position,
    /// Whether the file beside it is still to take the database's name.
    pub(super) has_base: bool,
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    pub(super) head: Head,
    pub(super) size_bytes: u64,
}

impl Journal {
    /// Puts a journal without entries in the place of whatever was there.
    pub(super) fn create(path: &Path, head: Head) -> io::Result<Self> {
        let draft = path.with_added_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&head.to_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        sync_folder(path)?;
        Ok(Self { file, head, size_bytes: HEAD_BYTES as u64 })
    }

    /// Opens one; each whole entry is given to `replay`. `None`: there is none, or its beginning is no journal's.
    pub(super) fn open<E: From<io::Error>>(
        path: &Path,
        mut replay: impl FnMut(&Entry) -> Result<(), E>,
    ) -> Result<Option<Self>, E> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = [0; HEAD_BYTES];
        if !read_whole(&mut file, &mut bytes)? {
            return Ok(None);
        }
        let Some(head) = Head::from_bytes(&bytes) else { return Ok(None) };
        let mut size_bytes = HEAD_BYTES as u64;
        while let Some(entry) = read_entry(&mut file)? {
            size_bytes += (ENTRY_HEAD_BYTES + entry.batch.frames.len()) as u64;
            replay(&entry)?;
        }
        file.set_len(size_bytes)?;
        file.seek(SeekFrom::Start(size_bytes))?;
        Ok(Some(Self { file, head, size_bytes }))
    }

    /// Adds entries, durably. After a failure the journal ends where it ended before.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            let head = entry_head(entry);
            bytes.extend_from_slice(&head);
            bytes.extend_from_slice(&sum(&head, &entry.batch.frames));
            bytes.extend_from_slice(&entry.batch.frames);
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if written.is_err() {
            self.file.set_len(self.size_bytes)?;
            self.file.seek(SeekFrom::Start(self.size_bytes))?;
        } else {
            self.size_bytes += bytes.len() as u64;
        }
        written
    }
}

impl Head {
    fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..24].copy_from_slice(self.position.lineage.as_bytes());
        bytes[24..32].copy_from_slice(&self.position.batch.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.position.done.to_be_bytes());
        bytes[40..48].copy_from_slice(&u64::from(self.has_base).to_be_bytes());
        let sum = Sha256::digest(&bytes[..48]);
        bytes[48..].copy_from_slice(&sum[..8]);
        bytes
    }

    fn from_bytes(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let is_whole = bytes[..8] == *MAGIC && Sha256::digest(&bytes[..48])[..8] == bytes[48..];
        let lineage = Uuid::from_slice(&bytes[8..24]).ok().filter(|_| is_whole)?;
        let position = Position { lineage, batch: number(&bytes[24..32])?, done: number(&bytes[32..40])? };
        Some(Self { position, has_base: number(&bytes[40..48])? != 0 })
    }
}

fn entry_head(entry: &Entry) -> [u8; 24] {
    let length = u32::try_from(entry.batch.frames.len()).unwrap_or(u32::MAX);
    let mut head = [0; 24];
    head[..4].copy_from_slice(&length.to_be_bytes());
    head[4..8].copy_from_slice(&entry.batch.page_bytes.to_be_bytes());
    head[8..16].copy_from_slice(&entry.number.to_be_bytes());
    head[16..].copy_from_slice(&entry.done.to_be_bytes());
    head
}

fn sum(head: &[u8], frames: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(head).chain_update(frames).finalize().into()
}

/// The next entry, if it is whole.
fn read_entry(file: &mut File) -> io::Result<Option<Entry>> {
    let mut head = [0; ENTRY_HEAD_BYTES];
    if !read_whole(file, &mut head)? {
        return Ok(None);
    }
    let (length, page_bytes) = (small(&head[..4]), small(&head[4..8]));
    let (Some(length), Some(page_bytes)) = (length, page_bytes) else { return Ok(None) };
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= MOST_BYTES) else { return Ok(None) };
    let mut frames = vec![0; length];
    if !read_whole(file, &mut frames)? || sum(&head[..24], &frames) != head[24..] {
        return Ok(None);
    }
    let batch = LogBatch { page_bytes, frames: Bytes::from(frames) };
    let (Some(number), Some(done)) = (number(&head[8..16]), number(&head[16..24])) else { return Ok(None) };
    Ok(check(&batch).is_ok().then_some(Entry { number, done, batch }))
}

/// Fills `bytes`; false where the file ends before.
fn read_whole(file: &mut File, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

fn small(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Makes the names in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf))?.sync_all()
}
