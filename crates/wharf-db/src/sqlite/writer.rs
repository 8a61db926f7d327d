//! Turns at the connection that writes: each runs its statements inline, in a savepoint of the shared transaction.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commit::Committer;
use super::connection::{self, Location};
use super::queue::{Answer, Queue, Ticket};
use crate::error::{Error, Lost};
use crate::figures::Counters;
use crate::row::Row;
use crate::value::Value;

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
    /// How long one turn may last.
    pub(super) hold: Duration,
}

/// The connection and what is open on it.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` after it could not be opened again.
    pub(super) connection: Option<Connection>,
    /// Whether a shared transaction is open.
    pub(super) is_begun: bool,
    /// The turn whose savepoint is open.
    pub(super) owner: Option<Ticket>,
    /// Set when SQLite has rolled the shared transaction back by itself, as it does when the disk is full.
    pub(super) lost: Option<Lost>,
}

impl Shared {
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn and opens its savepoint.
    pub(super) async fn turn(self: &Arc<Self>) -> Result<Turn, Error> {
        let ticket = self.queue().next_ticket();
        let turn = Waiting { shared: self, ticket, since: None, is_done: false }.await;
        turn.open()?;
        Ok(turn)
    }
}

/// A task in the queue.
struct Waiting<'s> {
    shared: &'s Arc<Shared>,
    ticket: Ticket,
    since: Option<Instant>,
    is_done: bool,
}

impl Future for Waiting<'_> {
    type Output = Turn;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut queue = self.shared.queue();
        if queue.take(self.ticket) {
            drop(queue);
            self.is_done = true;
            if let Some(since) = self.since {
                self.shared.counters.waited(since.elapsed());
            }
            return Poll::Ready(Turn { shared: Arc::clone(self.shared), ticket: self.ticket, is_over: false });
        }
        let is_committer_asleep = queue.wait(self.ticket, cx.waker());
        drop(queue);
        if is_committer_asleep {
            self.shared.committer.wake();
        }
        self.since.get_or_insert_with(Instant::now);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let next = self.shared.queue().leave(self.ticket);
        if let Some(next) = next {
            next.wake(|| self.shared.committer.wake());
        }
    }
}

/// The right to use the connection. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    ticket: Ticket,
    is_over: bool,
}

impl Turn {
    pub(crate) fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, Error> {
        self.with(|connection| connection::execute(connection, sql, params))
    }

    pub(crate) fn query_opt(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        self.with(|connection| connection::query_opt(connection, sql, params))
    }

    pub(crate) fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.with(|connection| connection::query(connection, sql, params))
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut writer = self.shared.writer();
        let Writer { connection: Some(connection), owner, lost, .. } = &mut *writer else { return Err(Error::Revoked) };
        if *owner != Some(self.ticket) {
            return Err(Error::Revoked);
        }
        let result = run(connection);
        if let Err(error) = &result
            && connection.is_autocommit()
        {
            *lost = Some(Lost {
                doing: "an error of one statement ended the transaction for all",
                is_full: matches!(error, Error::Full { .. }),
                source: error.to_string().into(),
            });
        }
        result
    }

    fn open(&self) -> Result<(), Error> {
        let mut writer = self.shared.writer();
        let Writer { connection, is_begun, owner, .. } = &mut *writer;
        let Some(connection) = connection else {
            drop(writer);
            return Err(self.give_up(Lost {
                doing: "the database could not be opened again",
                is_full: false,
                source: "see the log for the reason".into(),
            }));
        };
        let begun = if *is_begun { Ok(()) } else { run(connection, BEGIN) };
        match begun.and_then(|()| run(connection, SAVEPOINT)) {
            Ok(()) => {
                *is_begun = true;
                *owner = Some(self.ticket);
                Ok(())
            }
            Err(source) => {
                drop(writer);
                Err(self.give_up(Lost::new("cannot begin a transaction", source)))
            }
        }
    }

    /// Reports that nothing can be done on this connection: the committer opens it again.
    fn give_up(&self, lost: Lost) -> Error {
        Error::BatchLost { source: self.shared.queue().lose(lost) }
    }

    /// Keeps what the turn did, and waits with all members of the batch until it is committed.
    pub(crate) async fn keep(self) -> Result<(), Error> {
        self.finish(RELEASE).await
    }

    /// Undoes what the turn did. What it saw may depend on the batch, so its caller is not answered earlier either.
    pub(crate) async fn undo(self) -> Result<(), Error> {
        self.finish(UNDO).await
    }

    async fn finish(mut self, how: &'static str) -> Result<(), Error> {
        let (member, answer) = oneshot::channel();
        if !self.end(how, Some(member)) {
            return Err(Error::Revoked);
        }
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(Error::BatchLost { source }),
            Err(_closed) => Err(Error::Busy),
        }
    }

    /// Ends the turn and hands the connection on. False if it was taken away before.
    fn end(&mut self, how: &'static str, member: Option<oneshot::Sender<Answer>>) -> bool {
        self.is_over = true;
        // Both locks: the committer must not see the turn ended and the member missing, nor the other way round.
        let mut writer = self.shared.writer();
        let mut queue = self.shared.queue();
        if !queue.is_held_by(self.ticket) {
            return false;
        }
        let lost = if writer.owner == Some(self.ticket) { writer.close_savepoint(how) } else { None };
        let next = queue.finish(member, lost);
        drop(queue);
        drop(writer);
        if let Some(next) = next {
            next.wake(|| self.shared.committer.wake());
        }
        true
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(UNDO, None);
        }
    }
}

impl Writer {
    /// Ends the open savepoint. Some errors make SQLite roll the whole transaction back; then the batch is lost.
    pub(super) fn close_savepoint(&mut self, how: &'static str) -> Option<Lost> {
        self.owner = None;
        let connection = self.connection.as_ref()?;
        if connection.is_autocommit() {
            return Some(self.lost.take().unwrap_or_else(|| Lost {
                doing: "the transaction is over and should not be",
                is_full: false,
                source: "SQLite rolled it back".into(),
            }));
        }
        let ended = if how == UNDO {
            run(connection, UNDO).and_then(|()| run(connection, RELEASE))
        } else {
            run(connection, how)
        };
        ended.err().map(|source| Lost::new("cannot end a savepoint", source))
    }

    /// Undoes the open savepoint of a turn that is taken away.
    pub(super) fn revoke(&mut self) -> Option<Lost> {
        self.close_savepoint(UNDO)
    }
}

impl Lost {
    pub(super) fn new(doing: &'static str, source: rusqlite::Error) -> Self {
        let is_full = source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        Self { doing, is_full, source: source.into() }
    }
}

pub(super) fn run(connection: &Connection, sql: &'static str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
