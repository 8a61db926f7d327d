//! Freezing: reads go on and transactions are refused, on every node, so that what is copied is all there is.
//!
//! On SQLite there is one process that writes, and its flag is enough; it is forgotten when the process ends. On
//! PostgreSQL the database itself refuses writes, from every node and also after a restart. Where something has gone
//! after that stands in the table `moves`.

mod store;

use std::sync::atomic::Ordering;

use wharf_context::Timestamp;

use crate::db::{Backend, Db, Isolation};
use crate::error::Error;

/// Something that is no longer where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it is.
    pub place: String,
    /// Since when.
    pub moved_at: Timestamp,
}

impl Db {
    /// Refuses all transactions from now on ([`Error::Frozen`]). When this returns, none is under way.
    pub async fn freeze(&self) -> Result<(), Error> {
        self.inner.is_frozen.store(true, Ordering::SeqCst);
        let frozen = match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.wait_for_turns().await,
            Backend::Postgres(postgres) => postgres.freeze().await,
        };
        if frozen.is_err() {
            self.inner.is_frozen.store(false, Ordering::SeqCst);
        }
        frozen
    }

    /// Takes transactions again.
    pub async fn thaw(&self) -> Result<(), Error> {
        if let Backend::Postgres(postgres) = &self.inner.backend {
            postgres.thaw().await?;
        }
        self.inner.is_frozen.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Whether this process refuses transactions.
    pub fn is_frozen(&self) -> bool {
        self.inner.is_frozen.load(Ordering::SeqCst)
    }

    pub(crate) fn refuse_frozen(&self, isolation: Isolation) -> Result<(), Error> {
        if self.is_frozen() && isolation != Isolation::Moving { Err(Error::Frozen) } else { Ok(()) }
    }

    /// Notes where `what` is from now on, also in a database that is frozen.
    pub async fn set_moved(&self, what: &str, place: &str) -> Result<(), Error> {
        self.transaction_at(Isolation::Moving, async |tx| store::put(tx, what, place).await).await
    }

    /// Notes that `what` is here again, or still.
    pub async fn clear_moved(&self, what: &str) -> Result<(), Error> {
        self.transaction_at(Isolation::Moving, async |tx| store::delete(tx, what).await).await
    }

    /// Where `what` has gone, if it has.
    pub async fn moved(&self, what: &str) -> Result<Option<Move>, Error> {
        store::get(self, what).await
    }
}
