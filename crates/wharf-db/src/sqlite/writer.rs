//! The connection that writes: the shared transaction on it, and the savepoint of the present turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::commit::Committer;
use super::connection::Location;
use super::log::Following;
use super::queue::{Queue, Ticket};
use crate::error::{Error, Lost};
use crate::figures::Counters;

const BEGIN: &str = "BEGIN IMMEDIATE";
const SAVEPOINT: &str = "SAVEPOINT turn";
const RELEASE: &str = "RELEASE turn";
const UNDO: &str = "ROLLBACK TO turn";

/// What waiters, turns and the committer share. Locks are taken in the order `writer`, `queue`.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) location: Location,
    pub(super) writer: Mutex<Writer>,
    pub(super) queue: Mutex<Queue>,
    pub(super) committer: Committer,
    pub(super) counters: Arc<Counters>,
    pub(super) limit: Arc<Limit>,
    /// Whoever gets what is committed.
    pub(super) following: OnceLock<Following>,
}

impl Shared {
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection and what is open on it.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// `None` after it could not be opened again.
    pub(super) connection: Option<Connection>,
    /// Whether a shared transaction is open.
    pub(super) is_begun: bool,
    /// The turn whose savepoint is open.
    owner: Option<Ticket>,
    /// Set when SQLite has rolled the shared transaction back by itself, as it does when the disk is full.
    lost: Option<Lost>,
}

/// What becomes of a turn's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Keep,
    Undo,
}

impl Writer {
    /// Opens the savepoint of a turn, in a new transaction if there is none.
    pub(super) fn open_savepoint(&mut self, owner: Ticket) -> Result<(), Lost> {
        let Some(connection) = &self.connection else {
            let source = "it could not be opened again; the log says why".into();
            return Err(Lost { doing: "the database is closed", is_full: false, source });
        };
        let begun = if self.is_begun { Ok(()) } else { run(connection, BEGIN) };
        begun
            .and_then(|()| run(connection, SAVEPOINT))
            .map_err(|source| Lost::new("cannot begin a transaction", source))?;
        self.is_begun = true;
        self.owner = Some(owner);
        Ok(())
    }

    /// Runs a statement of the turn `owner`.
    pub(super) fn run<T>(
        &mut self,
        owner: Ticket,
        statement: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(connection) = self.connection.as_ref().filter(|_| self.owner == Some(owner)) else {
            return Err(Error::Revoked);
        };
        let result = statement(connection);
        if let Err(error) = &result
            && connection.is_autocommit()
        {
            self.lost = Some(Lost {
                doing: "an error of one statement ended the transaction for all",
                is_full: matches!(error, Error::Full { .. }),
                source: error.to_string().into(),
            });
        }
        result
    }

    /// Ends the savepoint of the turn `owner`, if it is open. Some errors make SQLite roll the whole transaction back;
    /// then the batch is lost.
    pub(super) fn close_savepoint(&mut self, owner: Ticket, ending: Ending) -> Option<Lost> {
        let connection = self.connection.as_ref().filter(|_| self.owner == Some(owner))?;
        self.owner = None;
        if connection.is_autocommit() {
            let lost = self.lost.take();
            return Some(lost.unwrap_or_else(|| Lost {
                doing: "the transaction is over and should not be",
                is_full: false,
                source: "SQLite ended it".into(),
            }));
        }
        let undone = if ending == Ending::Undo { run(connection, UNDO) } else { Ok(()) };
        let ended = undone.and_then(|()| run(connection, RELEASE));
        ended.err().map(|source| Lost::new("cannot end a savepoint", source))
    }
}

/// How long a turn may last, and when the present one has to be over: a statement that never ends would hold everybody.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) hold: Duration,
    start: Instant,
    /// Microseconds after `start`.
    deadline: AtomicU64,
}

impl Limit {
    /// Instructions of SQLite's machine between two looks at the clock.
    const LOOK_EVERY: i32 = 4096;

    pub(super) fn new(hold: Duration) -> Self {
        Self { hold, start: Instant::now(), deadline: AtomicU64::new(u64::MAX) }
    }

    /// Makes SQLite end statements on `connection` when time is up.
    pub(super) fn guard(self: &Arc<Self>, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        let limit = Arc::clone(self);
        let is_over = move || limit.start.elapsed() >= Duration::from_micros(limit.deadline.load(Ordering::Relaxed));
        connection.progress_handler(Self::LOOK_EVERY, Some(is_over))
    }

    /// Sets the deadline of a turn that begins.
    pub(super) fn begin(&self) {
        let deadline = u64::try_from((self.start.elapsed() + self.hold).as_micros()).unwrap_or(u64::MAX);
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// What follows a turn, such as the commit, has no deadline.
    pub(super) fn end(&self) {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
    }
}

impl Lost {
    pub(super) fn new(doing: &'static str, source: rusqlite::Error) -> Self {
        let is_full = source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        Self { doing, is_full, source: source.into() }
    }
}

/// Runs one of our own statements without parameters.
pub(super) fn run(connection: &Connection, sql: &'static str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
