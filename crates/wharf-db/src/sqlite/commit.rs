//! The committer: one thread that commits for all members of a batch, answers them, and times checkpoints.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::connection::Location;
use super::queue::{Answer, Batch, OFFER, Queue, Ticket, Watch};
use super::writer::{Ending, Shared, Writer, run};
use crate::error::{Lost, Source};

const COMMIT: &str = "COMMIT";
/// The log is written back between two batches when it has this many pages (16 MiB): long enough that a page which
/// changes often is written back once, short enough that nobody waits long for it.
const CHECKPOINT_PAGES: usize = 4096;

/// How the committer is called, and what it keeps between two batches.
#[derive(Debug, Default)]
pub(super) struct Committer {
    condvar: Condvar,
    /// Pages in the log after the last commit.
    log_pages: Arc<AtomicUsize>,
}

impl Committer {
    pub(super) fn wake(&self) {
        self.condvar.notify_one();
    }

    /// Waits until there may be something to do.
    fn wait<'q>(&self, mut queue: MutexGuard<'q, Queue>) -> MutexGuard<'q, Queue> {
        let (watch, limit) = match queue.linger() {
            Some(left) => (Watch::Lingering, Some(left)),
            None if queue.needs_watch() => (Watch::Awake, Some(OFFER)),
            None => (Watch::Asleep, None),
        };
        queue.committer = watch;
        let mut queue = match limit {
            Some(limit) => self.condvar.wait_timeout(queue, limit).unwrap_or_else(PoisonError::into_inner).0,
            None => self.condvar.wait(queue).unwrap_or_else(PoisonError::into_inner),
        };
        queue.committer = Watch::Awake;
        queue
    }

    /// How many pages the last commit has left in the log; 0 when it wrote nothing since the log was written back.
    fn log_frames(&self) -> u64 {
        self.log_pages.load(Ordering::Relaxed) as u64
    }

    /// What was counted so far is over: somebody else has looked at the log.
    pub(super) fn forget_log_size(&self) {
        self.log_pages.store(0, Ordering::Relaxed);
    }

    /// Learns the log's size from every commit on `connection`.
    pub(super) fn watch_log(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        let log_pages = Arc::clone(&self.log_pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            log_pages.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }
}

/// Commits until the database is closed. The body of the committer's thread.
pub(super) fn serve(shared: &Shared) {
    while shared.wait_for_turn() {
        let result = shared.commit();
        let batch = shared.queue().end_batch();
        shared.answer(batch, result);
        shared.checkpoint();
        let next = shared.queue().pass_on();
        if let Some(next) = next {
            // The committer is awake: it looks at the queue before it sleeps.
            next.wake(|| ());
        }
    }
    shared.writer().connection = None;
}

impl Shared {
    /// Waits until it is the committer's turn. False when the database is closed and nobody is left.
    fn wait_for_turn(&self) -> bool {
        let mut queue = self.queue();
        loop {
            if queue.committer_takes() {
                return true;
            }
            if let Some(next) = queue.pass_over() {
                drop(queue);
                next.wake(|| ());
                queue = self.queue();
                continue;
            }
            if let Some(ticket) = queue.overdue(self.limit.hold) {
                drop(queue);
                self.revoke(ticket);
                queue = self.queue();
                continue;
            }
            if queue.is_closing && !queue.needs_watch() {
                return false;
            }
            queue = self.committer.wait(queue);
        }
    }

    /// Takes the turn away from a task that is not getting on with it.
    fn revoke(&self, ticket: Ticket) {
        let mut writer = self.writer();
        let mut queue = self.queue();
        if !queue.is_held_by(ticket) {
            return;
        }
        tracing::warn!("a transaction held the database for too long and is rolled back");
        self.limit.end();
        let lost = writer.close_savepoint(ticket, Ending::Undo);
        let next = queue.finish(None, lost);
        drop(queue);
        drop(writer);
        if let Some(next) = next {
            next.wake(|| ());
        }
    }

    fn commit(&self) -> Answer {
        let lost = self.queue().lost();
        let mut writer = self.writer();
        let result = match lost {
            Some(lost) => Err(lost),
            None => writer.commit().map_err(Arc::new),
        };
        writer.is_begun = false;
        if let Err(lost) = &result {
            tracing::error!(error = %lost.source, "{}: the transactions of this batch are lost", lost.doing);
            self.reopen(&mut writer);
        }
        // Still holding the connection: what follows in the log is another batch's.
        result.map(|()| self.following.get()?.committed(self.committer.log_frames()))
    }

    fn reopen(&self, writer: &mut Writer) {
        if let (Location::Memory, Some(connection)) = (&self.location, &writer.connection) {
            // The connection is the database. Whatever is open on it is undone.
            let undone = if connection.is_autocommit() { Ok(()) } else { run(connection, "ROLLBACK") };
            if let Err(error) = undone {
                tracing::error!(%error, "cannot roll back");
            }
            return;
        }
        // The old one is closed before the new one is opened.
        *writer = Writer::default();
        if let Some(following) = self.following.get() {
            following.reopened();
        }
        match self.open_writer() {
            Ok(connection) => writer.connection = Some(connection),
            Err(error) => tracing::error!(%error, "cannot open the database again; the next transaction tries"),
        }
    }

    /// The connection that writes, watched.
    pub(super) fn open_writer(&self) -> Result<Connection, Source> {
        let mut connection = self.location.open_writer()?;
        self.committer.watch_log(&mut connection)?;
        self.limit.guard(&mut connection)?;
        Ok(connection)
    }

    fn answer(&self, batch: Batch, result: Answer) {
        self.counters.commits.count();
        self.counters.largest_batch.raise_to(batch.members.len());
        if result.is_err() {
            self.counters.lost_batches.count();
        }
        for member in batch.members {
            // A member whose future was dropped meanwhile is committed and has nobody to tell.
            member.send(result.clone()).ok();
        }
    }

    /// Writes the log back into the database when it is long. Readers of an old state make it do less, never fail.
    fn checkpoint(&self) {
        if self.committer.log_pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES {
            return;
        }
        self.committer.log_pages.store(0, Ordering::Relaxed);
        let writer = self.writer();
        let Some(connection) = &writer.connection else { return };
        let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match done {
            Ok(()) => self.counters.checkpoints.count(),
            Err(error) => tracing::warn!(%error, "cannot write the database's log back"),
        }
    }
}

impl Writer {
    fn commit(&mut self) -> Result<(), Lost> {
        match &self.connection {
            Some(connection) if self.is_begun => {
                run(connection, COMMIT).map_err(|source| Lost::new("cannot commit", source))
            }
            Some(_) | None => Ok(()),
        }
    }
}
