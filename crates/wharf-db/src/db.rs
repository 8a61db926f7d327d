//! The handle to one database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::watch;
use wharf_context::{Clock, Timestamp};

use crate::backoff;
use crate::clock::SharedClock;
use crate::copy::side::{Origin, Target};
use crate::error::Error;
use crate::figures::{Counters, Figures};
use crate::outbox::Subscription;
use crate::pace::Pace;
use crate::postgres::{Ended, Postgres};
use crate::row::Row;
use crate::settings::Settings;
use crate::sqlite::Sqlite;
use crate::statement::Statement;
use crate::transaction::Tx;
use crate::value::Value;

/// How often a transaction is tried against others before it is given up.
const ATTEMPTS: u32 = 60;
/// After how many of them a transaction waits for its turn.
const UNLUCKY: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// Set while a transaction's closure runs.
    static INSIDE: ();
}

/// One database. Clones share it; the last one to go closes it.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) inner: Arc<Inner>,
    pace: Option<Arc<dyn Pace>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) backend: Backend,
    clock: Arc<SharedClock>,
    subscriptions: Arc<[Subscription]>,
    counters: Arc<Counters>,
    /// Whether transactions are refused.
    pub(crate) is_frozen: AtomicBool,
    /// Whose turn it is of those that have failed too often.
    unlucky: tokio::sync::Mutex<()>,
    /// Changes with every commit that inserted a job.
    enqueued: watch::Sender<()>,
}

/// What a transaction may see of others. SQLite runs them one after another in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// As if it ran alone.
    Serializable,
    /// What is committed when each statement begins.
    ReadCommitted,
    /// As if it ran alone, and also when the database is frozen: what notes where it has gone.
    Moving,
}

#[derive(Debug)]
pub(crate) enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Db {
    /// Opens the database, makes its tables or brings them forward, and refuses one that is not for this program.
    pub async fn open(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        subscriptions: Vec<Subscription>,
    ) -> Result<Self, Error> {
        let counters = Arc::new(Counters::default());
        let backend = match settings.url.split_once(':') {
            Some(("sqlite", place)) => Backend::Sqlite(Sqlite::open(settings, place, Arc::clone(&counters))?),
            Some(("postgres" | "postgresql", _)) => {
                Backend::Postgres(Postgres::open(settings, Arc::clone(&counters)).await?)
            }
            Some(_) | None => {
                let reason = "it begins with none of `sqlite:`, `postgres://` and `postgresql://`".to_owned();
                return Err(Error::Url { url: "…".to_owned(), reason });
            }
        };
        let (is_frozen, enqueued) = (AtomicBool::new(false), watch::Sender::new(()));
        let (clock, subscriptions) = (Arc::new(SharedClock::new(clock)), subscriptions.into());
        let unlucky = tokio::sync::Mutex::new(());
        let inner = Inner { backend, clock, subscriptions, counters, is_frozen, unlucky, enqueued };
        Ok(Self { inner: Arc::new(inner), pace: None })
    }

    /// The clock that all nodes of this database share, as far as this one knows it: the database's, where it has one.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.clock) as Arc<dyn Clock>
    }

    /// The same database, every use of which waits for `pace` first. For tests that decide who comes when.
    #[must_use]
    pub fn with_pace(self, pace: Arc<dyn Pace>) -> Self {
        Self { pace: Some(pace), ..self }
    }

    async fn wait_for_pace(&self) {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
    }

    /// Runs `f` in a transaction: all that it does is kept, or nothing. `f` may borrow. Where another transaction gets
    /// in the way, a fresh clone of it runs again. Inside, only `tx` is awaited: no network, no file, no lock.
    pub async fn transaction<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: Clone + AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        self.transaction_at(Isolation::Serializable, f).await
    }

    /// The same, where each statement sees what others have committed when it begins: for taking rows that nobody else
    /// has (`SKIP LOCKED`), which then are worked on elsewhere. What decides something is a [`Db::transaction`].
    pub async fn claim<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: Clone + AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        self.transaction_at(Isolation::ReadCommitted, f).await
    }

    pub(crate) async fn transaction_at<T, E, F>(&self, isolation: Isolation, f: F) -> Result<T, E>
    where
        F: Clone + AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        refuse_inside()?;
        self.wait_for_pace().await;
        self.refuse_frozen(isolation)?;
        let result = match &self.inner.backend {
            Backend::Sqlite(sqlite) => self.on_sqlite(sqlite, isolation, f).await,
            Backend::Postgres(postgres) => self.on_postgres(postgres, isolation, f).await,
        };
        let counters = &self.inner.counters;
        if result.is_ok() {
            counters.committed.count()
        } else {
            counters.rolled_back.count()
        }
        result
    }

    async fn on_sqlite<T, E, F>(&self, sqlite: &Sqlite, isolation: Isolation, f: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        let turn = sqlite.turn().await?;
        // Looked at once more: whoever freezes waits for the turns before its own.
        self.refuse_frozen(isolation)?;
        let mut tx = Tx::on_sqlite(&turn, self.inner.clock.now(), &self.inner.subscriptions);
        let result = INSIDE.scope((), f(&mut tx)).await;
        let (has_failed, has_enqueued) = (tx.has_failed(), tx.has_enqueued());
        match result {
            Ok(_) if has_failed => {
                turn.undo().await?;
                Err(Error::Ignored.into())
            }
            Ok(value) => {
                turn.keep().await?;
                self.wake_workers(has_enqueued);
                Ok(value)
            }
            Err(error) => match turn.undo().await {
                // What the closure saw went with the batch, unless it was its own statement that failed.
                Err(lost) if !has_failed => Err(lost.into()),
                Err(_) | Ok(()) => Err(error),
            },
        }
    }

    async fn on_postgres<T, E, F>(&self, postgres: &Postgres, isolation: Isolation, f: F) -> Result<T, E>
    where
        F: Clone + AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        let mut turn = None;
        for attempt in 0..ATTEMPTS {
            if attempt == UNLUCKY {
                // Whom others were in the way of so often gets out of the crowd: it goes on when it is its turn, and meets
                // newcomers only. Otherwise one of many that want the same row may wait for ever.
                turn = Some(self.inner.unlucky.lock().await);
            }
            if let Some(result) = self.attempt(postgres, isolation, f.clone()).await {
                return result;
            }
            self.inner.counters.retried.count();
            tokio::time::sleep(backoff::pause(FIRST_PAUSE, LONGEST_PAUSE, attempt)).await;
        }
        drop(turn);
        Err(Error::Contended { attempts: ATTEMPTS }.into())
    }

    /// One attempt; `None`: another transaction got in its way.
    async fn attempt<T, E, F>(&self, postgres: &Postgres, isolation: Isolation, f: F) -> Option<Result<T, E>>
    where
        F: AsyncFnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        let (mut transaction, now) = match postgres.begin(isolation).await {
            Ok(begun) => begun,
            Err(error) => return Some(Err(error.into())),
        };
        if let Some(now) = now {
            self.inner.clock.set(now);
        }
        let now = now.unwrap_or_else(|| self.inner.clock.now());
        let mut tx = Tx::on_postgres(&mut transaction, now, &self.inner.subscriptions);
        let result = INSIDE.scope((), f(&mut tx)).await;
        let (has_failed, has_enqueued) = (tx.has_failed(), tx.has_enqueued());
        let ended = if result.is_ok() && !has_failed {
            self.inner.counters.commits.count();
            transaction.commit().await
        } else {
            transaction.roll_back().await
        };
        match (result, ended) {
            (_, Ok(Ended::Conflict)) => None,
            (Ok(_), Ok(Ended::Well)) if has_failed => Some(Err(Error::Ignored.into())),
            (Err(error), _) => Some(Err(error)),
            (Ok(_), Err(error)) => Some(Err(error.into())),
            (Ok(value), Ok(Ended::Well)) => {
                self.wake_workers(has_enqueued);
                Some(Ok(value))
            }
        }
    }

    /// A point read outside of a transaction: the first row, as last committed.
    pub async fn get(&self, statement: impl Into<Statement>, params: &[Value]) -> Result<Option<Row>, Error> {
        refuse_inside()?;
        self.wait_for_pace().await;
        self.inner.counters.gets.count();
        let statement = statement.into();
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.get(statement.sqlite(), params).await,
            Backend::Postgres(postgres) => postgres.get(statement.postgres(), params).await,
        }
    }

    /// A scan outside of a transaction: all rows, as last committed. It is ended when it takes too long.
    pub async fn list(&self, statement: impl Into<Statement>, params: &[Value]) -> Result<Vec<Row>, Error> {
        refuse_inside()?;
        self.wait_for_pace().await;
        self.inner.counters.lists.count();
        let statement = statement.into();
        let rows = match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.list(statement.sqlite(), params).await,
            Backend::Postgres(postgres) => postgres.list(statement.postgres(), params).await,
        };
        if matches!(rows, Err(Error::TooLong { .. })) {
            self.inner.counters.too_long.count();
        }
        rows
    }

    pub(crate) async fn origin(&self) -> Result<Box<dyn Origin>, Error> {
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.origin(),
            Backend::Postgres(postgres) => postgres.origin().await,
        }
    }

    pub(crate) async fn target(&self) -> Result<Box<dyn Target>, Error> {
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.target(),
            Backend::Postgres(postgres) => postgres.target().await,
        }
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Error> {
        self.get("SELECT 1", &[]).await.map(drop)
    }

    fn wake_workers(&self, has_enqueued: bool) {
        if has_enqueued {
            self.inner.enqueued.send_replace(());
        }
    }

    /// Changes when a job was inserted through this handle or a clone of it.
    pub(crate) fn enqueued(&self) -> watch::Receiver<()> {
        self.inner.enqueued.subscribe()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    /// This node's time. What it decides must not matter: transactions have [`Tx::now`].
    pub(crate) fn rough_now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// What was counted since the database was opened.
    pub fn figures(&self) -> Figures {
        self.inner.counters.figures()
    }
}

/// Inside a transaction, another use of the database would wait for the transaction that waits for it.
fn refuse_inside() -> Result<(), Error> {
    if INSIDE.try_with(|()| ()).is_ok() { Err(Error::Nested) } else { Ok(()) }
}
