//! Reading from SQLite's write-ahead log what a commit has just put there.
//!
//! Only the thread that commits adds to the log or writes it back, so between two batches the log is what the last commit
//! left. It begins anew, with other salts, when all of it was written back: then what is new begins at its beginning.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::connection::Location;
use crate::error::Error;
use crate::log::{Acknowledged, LogBatch, LogFollower, check};

const HEAD_BYTES: u64 = 32;
const FRAME_HEAD_BYTES: u64 = 24;
/// Pages that are copied between two looks at whether anybody still wants them.
const PAGES: i32 = 4096;

/// Whoever gets the log, and how far it was read.
#[derive(Debug)]
pub(super) struct Following {
    follower: Arc<dyn LogFollower>,
    reader: Mutex<LogReader>,
}

#[derive(Debug)]
struct LogReader {
    path: PathBuf,
    file: Option<File>,
    salts: [u8; 8],
    frames: u64,
}

impl Following {
    /// Begins after what is committed now. Nobody commits meanwhile.
    pub(super) fn begin(location: &Location, follower: Arc<dyn LogFollower>) -> Result<Self, Error> {
        let Location::File(path) = location else { return Err(Error::NoLog) };
        let mut path = path.as_os_str().to_owned();
        path.push("-wal");
        let mut reader = LogReader { path: path.into(), file: None, salts: [0; 8], frames: 0 };
        let connection = location.open_reader().map_err(failed)?;
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
        let frames = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], count).map_err(failed)?;
        reader.frames = u64::try_from(frames).unwrap_or(0);
        if let Some((_, salts)) = reader.head().map_err(cannot_read)? {
            reader.salts = salts;
        }
        Ok(Self { follower, reader: Mutex::new(reader) })
    }

    /// Hands on what the commit wrote that left `log_frames` frames in the log.
    pub(super) fn committed(&self, log_frames: u64) -> Option<Acknowledged> {
        let read = self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(log_frames);
        match read.map_err(|error| error.to_string()).and_then(|batch| {
            check(&batch).map_err(|error| error.to_string())?;
            Ok(batch)
        }) {
            Ok(batch) => self.follower.committed(batch),
            Err(why) => {
                tracing::error!(why, "cannot read the database's log: the standby needs a new copy");
                self.follower.broken(&why);
                self.follower.committed(LogBatch { page_bytes: 512, frames: Bytes::new() })
            }
        }
    }

    /// The connection was opened again: the log may be another file.
    pub(super) fn reopened(&self) {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).file = None;
    }
}

impl LogReader {
    fn file(&mut self) -> io::Result<&File> {
        match &mut self.file {
            Some(file) => Ok(file),
            file @ None => Ok(file.insert(File::open(&self.path)?)),
        }
    }

    /// The size of a page and the salts, if anything was ever written.
    fn head(&mut self) -> io::Result<Option<(u32, [u8; 8])>> {
        let mut head = [0; 32];
        let read = self.file().and_then(|file| file.read_exact_at(&mut head, 0));
        match read {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => Ok(None),
            read => read.map(|()| {
                let [_, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _, salts @ ..] = head;
                let mut both = [0; 8];
                both.copy_from_slice(&salts[..8]);
                Some((u32::from_be_bytes([a, b, c, d]), both))
            }),
        }
    }

    fn read(&mut self, log_frames: u64) -> io::Result<LogBatch> {
        let nothing = LogBatch { page_bytes: 512, frames: Bytes::new() };
        let Some((page_bytes, salts)) = self.head()? else { return Ok(nothing) };
        let begin = if salts == self.salts { self.frames } else { 0 };
        if log_frames <= begin {
            return Ok(nothing);
        }
        let size = u64::from(page_bytes) + FRAME_HEAD_BYTES;
        let length = usize::try_from((log_frames - begin) * size).map_err(io::Error::other)?;
        let mut frames = vec![0; length];
        self.file()?.read_exact_at(&mut frames, HEAD_BYTES + begin * size)?;
        // What a transaction that was undone has left behind is of another log, or of none.
        if frames.get(8..16) != Some(&salts[..]) {
            return Err(io::Error::other("the log's pages are not the ones that were committed"));
        }
        (self.salts, self.frames) = (salts, log_frames);
        Ok(LogBatch { page_bytes, frames: frames.into() })
    }
}

/// A snapshot of what is committed now; it stays what it is while others commit.
pub(super) fn snapshot(location: &Location) -> Result<Connection, Error> {
    let Location::File(_) = location else { return Err(Error::NoLog) };
    let connection = location.open_reader().map_err(failed)?;
    connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema").map_err(failed)?;
    Ok(connection)
}

/// Writes the whole of a snapshot into a new file.
pub(super) fn copy(snapshot: &Connection, path: &std::path::Path) -> Result<(), Error> {
    let mut target = Connection::open(path).map_err(failed)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(failed)?;
    let backup = Backup::new(snapshot, &mut target).map_err(failed)?;
    backup.run_to_completion(PAGES, std::time::Duration::ZERO, None).map_err(failed)
}

fn failed(source: rusqlite::Error) -> Error {
    Error::Unavailable { doing: "copying the database for a standby", source: source.into() }
}

fn cannot_read(source: io::Error) -> Error {
    Error::Unavailable { doing: "reading the database's log", source: source.into() }
}
