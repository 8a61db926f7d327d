//! The embedded database: one writer that commits for many at once, and readers beside it.

mod bulk;
mod commit;
mod connection;
mod log;
mod queue;
mod reader;
mod turn;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use self::bulk::Bulk;
use self::connection::Location;
use self::log::Following;
use self::queue::Queue;
use self::reader::{Points, Scans};
pub(crate) use self::turn::Turn;
use self::writer::{Limit, Shared, Writer};
use crate::copy::side::{Origin, Target};
use crate::error::{Error, Source};
use crate::figures::Counters;
use crate::log::LogFollower;
use crate::migrations;
use crate::row::Row;
use crate::settings::Settings;
use crate::value::Value;

/// Threads that scan, at most: more only queue for the disk.
const SCANNERS: usize = 4;

/// One open SQLite database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
    points: Points,
    scans: Scans,
    committer: Option<JoinHandle<()>>,
    settings: Settings,
}

impl Sqlite {
    /// Opens `place` (a path, or `:memory:`) and migrates it.
    pub(crate) fn open(settings: &Settings, place: &str, counters: Arc<Counters>) -> Result<Self, Error> {
        let location = if place == ":memory:" { Location::Memory } else { Location::File(PathBuf::from(place)) };
        let shared = Shared {
            location: location.clone(),
            writer: Mutex::new(Writer::default()),
            queue: Mutex::new(Queue::new()),
            committer: commit::Committer::default(),
            counters,
            limit: Arc::new(Limit::new(settings.transaction_timeout)),
            following: OnceLock::new(),
        };
        let cannot_open = |source: Source| Error::Open { url: settings.url.clone(), source };
        let mut connection = shared.open_writer().map_err(cannot_open)?;
        migrations::on_sqlite(&mut connection, migrations::of(settings.tables))?;
        shared.writer().connection = Some(connection);
        let shared = Arc::new(shared);
        let scanners = settings.pool_size.min(SCANNERS);
        let scans = Scans::start(&location, scanners, settings.scan_timeout).map_err(|e| cannot_open(e.into()))?;
        let committer = {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("db-commit".to_owned());
            thread.spawn(move || commit::serve(&shared)).map_err(|e| cannot_open(e.into()))?
        };
        let points = Points::new(location);
        Ok(Self { shared, points, scans, committer: Some(committer), settings: settings.clone() })
    }

    /// Waits for a turn at the writer.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        let turn = tokio::time::timeout(self.settings.wait_timeout, Turn::wait_for(&self.shared)).await;
        turn.unwrap_or(Err(Error::Busy))
    }

    /// Returns when every turn that was waited for before has ended and is committed.
    pub(crate) async fn wait_for_turns(&self) -> Result<(), Error> {
        match self.turn().await?.keep().await {
            // It has ended here, whatever the standby says.
            Err(Error::NotFollowed { .. }) => Ok(()),
            kept => kept,
        }
    }

    pub(crate) async fn get(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        if !self.is_in_memory() {
            return self.points.get(sql, params);
        }
        let turn = self.turn().await?;
        let row = turn.query_opt(sql, params);
        turn.undo().await.and(row)
    }

    pub(crate) async fn list(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        if !self.is_in_memory() {
            return self.scans.list(sql, params).await;
        }
        let turn = self.turn().await?;
        let rows = turn.query(sql, params);
        turn.undo().await.and(rows)
    }

    /// A snapshot of everything.
    pub(crate) fn origin(&self) -> Result<Box<dyn Origin>, Error> {
        Ok(Box::new(Bulk::read(self.file()?)?))
    }

    /// A transaction that fills the whole database.
    pub(crate) fn target(&self) -> Result<Box<dyn Target>, Error> {
        Ok(Box::new(Bulk::write(self.file()?)?))
    }

    /// Hands what is committed from now on to `follower`.
    pub(crate) async fn follow_log(&self, follower: Arc<dyn LogFollower>) -> Result<(), Error> {
        let turn = self.turn().await?;
        let following = Following::begin(&self.shared.location, follower)?;
        self.shared.committer.forget_log_size();
        let begun = self.shared.following.set(following);
        // Nothing was done in this turn: nobody has to hear of its end.
        drop(turn);
        begun.map_err(|_| Error::NoLog)
    }

    /// Copies what is committed, when nobody commits, to the new file `path`.
    pub(crate) async fn copy_base<T: Send + 'static>(
        &self,
        path: &Path,
        mark: impl FnOnce() -> T + Send,
    ) -> Result<T, Error> {
        let turn = self.turn().await?;
        let snapshot = log::snapshot(&self.shared.location)?;
        let marked = mark();
        drop(turn);
        let path = path.to_owned();
        let copied = tokio::task::spawn_blocking(move || log::copy(&snapshot, &path)).await;
        let unavailable = |source| Error::Unavailable { doing: "copying the database for a standby", source };
        copied.map_err(|source| unavailable(Source::from(source)))??;
        Ok(marked)
    }

    fn file(&self) -> Result<&Location, Error> {
        if self.is_in_memory() { Err(Error::InMemory) } else { Ok(&self.shared.location) }
    }

    /// A database in memory has one connection: reading takes a turn at it.
    fn is_in_memory(&self) -> bool {
        matches!(self.shared.location, Location::Memory)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Readers first: whoever closes the last connection writes the log back.
        self.points.close();
        self.scans.close();
        self.shared.queue().is_closing = true;
        self.shared.committer.wake();
        if let Some(committer) = self.committer.take()
            && committer.thread().id() != std::thread::current().id()
            && committer.join().is_err()
        {
            tracing::error!("the thread that commits panicked");
        }
    }
}
