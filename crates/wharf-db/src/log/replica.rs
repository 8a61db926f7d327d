//! A copy of a database that is brought forward by batches: each wholly, or not at all.
//!
//! A batch counts when it is durable in the journal; then its pages are written into the database file, without waiting.
//! When the journal is long, the file is synced and the journal begins anew. Whatever a crash leaves of the file, all of
//! the journal's batches written over it once more make it what it was.
//!
//! Nobody may have the database open meanwhile, and the calls block.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::LogBatch;
use super::frames::{check, read};
use super::journal::{Head, Journal, sync_folder};
use crate::error::Error;

/// How long the journal becomes before the database file is synced.
const LONG_JOURNAL: u64 = 64 << 20;

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Whose numbers these are: every run of the process that commits has its own.
    pub lineage: Uuid,
    /// The last batch that is in the copy.
    pub batch: u64,
    /// Everything up to here is done, whatever else is numbered besides batches.
    pub done: u64,
}

/// A batch on its way into the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number; they grow.
    pub number: u64,
    /// What [`Position::done`] becomes with it.
    pub done: u64,
    /// What it is.
    pub batch: LogBatch,
}

/// The copy.
#[derive(Debug)]
pub struct Replica {
    catalog: PathBuf,
    path: PathBuf,
    /// `None` before there is any copy.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    journal: Journal,
    position: Position,
}

impl Replica {
    /// Opens the copy in the file `catalog`, whose journal is `journal`, and brings it to where the journal ends.
    pub fn open(catalog: &Path, journal: &Path) -> Result<Self, Error> {
        let mut replica = Self { catalog: catalog.to_owned(), path: journal.to_owned(), open: None };
        let Some(head) = Journal::open(journal, |_| Ok::<_, io::Error>(())).map_err(replica.failed("read"))? else {
            return Ok(replica);
        };
        if head.head.has_base {
            replica.take_base(head.head.position)?;
        }
        let failed = replica.failed("open");
        let file = match OpenOptions::new().read(true).write(true).open(catalog) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(replica),
            opened => opened.map_err(failed)?,
        };
        let mut position = head.head.position;
        let replayed = Journal::open(journal, |entry| {
            position = Position { batch: entry.number, done: entry.done, ..position };
            apply(&file, &entry.batch)
        });
        let journal = replayed.map_err(replica.failed("bring forward"))?;
        replica.open = journal.map(|journal| Open { file, journal, position });
        Ok(replica)
    }

    /// Opens it again after a failure has closed it.
    pub fn recover(&mut self) -> Result<(), Error> {
        if self.open.is_none() {
            *self = Self::open(&self.catalog, &self.path)?;
        }
        Ok(())
    }

    /// How far it has come; `None` before [`Replica::replace`] was first done.
    pub fn position(&self) -> Option<Position> {
        self.open.as_ref().map(|open| open.position)
    }

    /// Where the file for [`Replica::replace`] must lie.
    pub fn base_path(&self) -> PathBuf {
        self.catalog.with_added_extension("base")
    }

    /// Takes batches in; when this returns, they are durable. Those that it has already are passed over.
    pub fn append(&mut self, mut entries: Vec<Entry>) -> Result<(), Error> {
        let failed = self.failed("add a batch to");
        let Some(open) = &mut self.open else { return Err(Error::ForeignLog { reason: "there is no copy yet" }) };
        entries.retain(|entry| entry.number > open.position.batch);
        for entry in &entries {
            check(&entry.batch)?;
        }
        let Some(last) = entries.last() else { return Ok(()) };
        let position = Position { batch: last.number, done: last.done, ..open.position };
        open.journal.append(&entries).map_err(&failed)?;
        open.position = position;
        let applied = entries.iter().try_for_each(|entry| apply(&open.file, &entry.batch));
        if let Err(error) = applied {
            // The journal has it, and the file does not: it is brought forward again before anything else is.
            self.open = None;
            return Err(failed(error));
        }
        if open.journal.size_bytes > LONG_JOURNAL { self.settle() } else { Ok(()) }
    }

    /// Puts the database in [`Replica::base_path`], which has all up to `position`, in the place of the copy.
    pub fn replace(&mut self, position: Position) -> Result<(), Error> {
        let synced = File::open(self.base_path()).and_then(|base| base.sync_all());
        synced.and_then(|()| sync_folder(&self.catalog)).map_err(self.failed("sync a base of"))?;
        // From here on it is the base that counts, also after a crash: the old copy's batches are gone.
        self.open = None;
        Journal::create(&self.path, Head { position, has_base: true }).map_err(self.failed("begin a journal for"))?;
        self.take_base(position)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).mode(0o600).open(&self.catalog).map_err(self.failed("open"))?;
        let journal = Journal::create(&self.path, Head { position, has_base: false });
        let journal = journal.map_err(self.failed("begin a journal for"))?;
        self.open = Some(Open { file, journal, position });
        Ok(())
    }

    /// Makes the file itself durable and the journal short.
    pub fn settle(&mut self) -> Result<(), Error> {
        let failed = self.failed("sync");
        let Some(open) = &mut self.open else { return Ok(()) };
        open.file.sync_all().map_err(&failed)?;
        open.journal =
            Journal::create(&self.path, Head { position: open.position, has_base: false }).map_err(failed)?;
        Ok(())
    }

    /// Ends with a file that is whole by itself: it may be opened as a database. False if there is no copy.
    pub fn finish(mut self) -> Result<bool, Error> {
        self.recover()?;
        self.settle()?;
        Ok(self.open.is_some())
    }

    /// Gives the base its name, unless that is done.
    fn take_base(&self, position: Position) -> Result<(), Error> {
        let failed = self.failed("put a base in the place of");
        // Logs of a database that was here before do not belong to the base.
        for ending in ["-wal", "-shm"] {
            remove(&beside(&self.catalog, ending)).map_err(&failed)?;
        }
        match std::fs::rename(self.base_path(), &self.catalog) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(&failed)?,
        }
        sync_folder(&self.catalog).map_err(&failed)?;
        Journal::create(&self.path, Head { position, has_base: false }).map(drop).map_err(failed)
    }

    fn failed(&self, doing: &'static str) -> impl Fn(io::Error) -> Error + use<> {
        let path = self.catalog.clone();
        move |source| Error::Replica { doing, path: path.clone(), source }
    }
}

/// Writes a batch's pages; durable it is in the journal.
fn apply(file: &File, batch: &LogBatch) -> io::Result<()> {
    let page_bytes = u64::from(batch.page_bytes);
    for frame in read(batch) {
        file.write_all_at(frame.content, u64::from(frame.page - 1) * page_bytes)?;
        if let Some(pages) = frame.database_pages {
            file.set_len(u64::from(pages) * page_bytes)?;
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
