//! The catalog's log for another machine: what each commit wrote, page by page, and a copy that is kept by it.
//!
//! Only SQLite on files has one. The thread that commits reads from SQLite's write-ahead log what it has just committed
//! and hands it to a [`LogFollower`], byte for byte; a [`Replica`] is the other end: a database file that nobody has open,
//! brought forward by whole batches. How batches travel is not known here, nor who may take over.
//!
//! Reading order: this file, `frames`, `journal`, `replica`; `sqlite/log.rs` reads the log.

mod frames;
mod journal;
mod replica;

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::Shared;

pub use self::replica::{Entry, Position, Replica};
use crate::db::{Backend, Db};
use crate::error::Error;

pub(crate) use self::frames::check;

/// What one commit wrote: frames of SQLite's log (<https://sqlite.org/fileformat2.html#walformat>), as they lie there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBatch {
    /// The size of a page.
    pub page_bytes: u32,
    /// The frames; empty where the commit wrote nothing.
    pub frames: Bytes,
}

/// When what was committed may be told to whoever asked for it.
pub type Acknowledged = Shared<Pin<Box<dyn Future<Output = Result<(), NotFollowed>> + Send>>>;

/// A commit that is kept here and that its follower does not confirm.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NotFollowed(pub String);

/// Whoever gets the log.
pub trait LogFollower: fmt::Debug + Send + Sync {
    /// A commit has ended; batches come in their order, from one thread. `None`: nobody need wait. A batch without frames
    /// asks when all before it may be told: who has only read may have read what they wrote.
    fn committed(&self, batch: LogBatch) -> Option<Acknowledged>;

    /// The log could not be read: what was handed on before lacks something, and only a new copy of the whole helps.
    fn broken(&self, why: &str);
}

impl Db {
    /// From now on `follower` gets what is committed. Once per database; only SQLite on files has a log.
    pub async fn follow_log(&self, follower: Arc<dyn LogFollower>) -> Result<(), Error> {
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.follow_log(follower).await,
            Backend::Postgres(_) => Err(Error::NoLog),
        }
    }

    /// Writes a copy of the database, as it is between two batches, to the new file `path`. `mark` is called when it is decided
    /// which batches are in it: all that the follower has been given, and no other.
    pub async fn copy_base<T: Send + 'static>(&self, path: &Path, mark: impl FnOnce() -> T + Send) -> Result<T, Error> {
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.copy_base(path, mark).await,
            Backend::Postgres(_) => Err(Error::NoLog),
        }
    }
}
