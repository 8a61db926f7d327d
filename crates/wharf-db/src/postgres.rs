//! The shared database: a bounded pool of connections, SERIALIZABLE transactions, cached prepared statements.

mod bulk;
mod connect;
mod freeze;
mod reading;
mod statement;
mod texts;
mod tls;
mod transaction;
mod value;

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Client, Pool, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;
use wharf_context::Timestamp;

use self::bulk::Bulk;
pub(crate) use self::connect::masked;
use self::reading::Reading;
use self::statement::Link;
use self::texts::Texts;
use self::tls::Connector;
use self::transaction::Begin;
pub(crate) use self::transaction::{Ended, Transaction};
use crate::copy::side::{Origin, Target};
use crate::db::Isolation;
use crate::error::Error;
use crate::figures::Counters;
use crate::migrations;
use crate::row::Row;
use crate::settings::{Settings, Time};
use crate::value::Value;

/// The server's time in microseconds, as text: the simple protocol has no other form.
const NOW: &str = "SELECT (extract(epoch FROM now()) * 1000000)::bigint";

/// How much later than the server itself we give a statement up: its own answer says more.
const MARGIN: Duration = Duration::from_secs(2);

/// One PostgreSQL database.
#[derive(Debug)]
pub(crate) struct Postgres {
    pool: Pool,
    connector: Connector,
    texts: Arc<Texts>,
    serializable: Begin,
    read_committed: Begin,
    moving: Begin,
    link: Link,
    scan_timeout: Duration,
    counters: Arc<Counters>,
}

impl Postgres {
    /// Connects and migrates.
    pub(crate) async fn open(settings: &Settings, counters: Arc<Counters>) -> Result<Self, Error> {
        let (pool, connector) = connect::pool(settings)?;
        let link = if settings.pgbouncer { Link::Bouncer } else { Link::Direct };
        let patience = settings.transaction_timeout + MARGIN;
        let begin = |isolation| Begin { sql: begin_text(settings, isolation), link, patience };
        let postgres = Self {
            pool,
            connector,
            texts: Arc::default(),
            serializable: begin("SERIALIZABLE"),
            read_committed: begin("READ COMMITTED"),
            moving: begin("SERIALIZABLE READ WRITE"),
            link,
            scan_timeout: settings.scan_timeout,
            counters,
        };
        let open = |source| Error::Open { url: masked(&settings.url), source };
        let client = postgres.pool.get().await.map_err(|error| open(error.into()))?;
        migrations::on_postgres(&client).await?;
        drop(client);
        Ok(postgres)
    }

    /// Begins a transaction; with the server's time where that is wanted. A connection that turns out to be closed
    /// (the server was restarted) is replaced.
    pub(crate) async fn begin(&self, isolation: Isolation) -> Result<(Transaction, Option<Timestamp>), Error> {
        let begin = match isolation {
            Isolation::Serializable => &self.serializable,
            Isolation::ReadCommitted => &self.read_committed,
            Isolation::Moving => &self.moving,
        };
        for _ in 0..=self.pool.status().max_size {
            let client = self.client().await?;
            match Transaction::begin(client, Arc::clone(&self.texts), begin).await {
                Ok(Some(begun)) => return Ok(begun),
                Ok(None) => return Err(transaction::silent("beginning a transaction")),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(closed_or("beginning a transaction", error)),
            }
        }
        Err(Error::Unavailable { doing: "beginning a transaction", source: "every connection was closed".into() })
    }

    /// A snapshot of everything.
    pub(crate) async fn origin(&self) -> Result<Box<dyn Origin>, Error> {
        Ok(Box::new(Bulk::read(self.client().await?).await?))
    }

    /// A transaction that fills the whole database.
    pub(crate) async fn target(&self) -> Result<Box<dyn Target>, Error> {
        Ok(Box::new(Bulk::write(self.client().await?).await?))
    }

    async fn client(&self) -> Result<Client, Error> {
        let since = Instant::now();
        let has_to_wait = self.pool.status().available == 0;
        let client = self.pool.get().await;
        if has_to_wait {
            self.counters.waited(since.elapsed());
        }
        client.map_err(|error| {
            if matches!(error, PoolError::Timeout(TimeoutType::Wait)) {
                Error::Busy
            } else {
                Error::Unavailable { doing: "connecting", source: error.into() }
            }
        })
    }

    pub(crate) async fn get(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.list(sql, params).await?.into_iter().next())
    }

    pub(crate) async fn list(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        Value::refuse_nul(params)?;
        let rows = tokio::time::timeout(self.scan_timeout, self.read(sql, params)).await;
        rows.unwrap_or(Err(Error::TooLong { sql }))
    }

    async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.texts.get(sql);
        if self.link == Link::Bouncer && text.known_types().is_none() {
            return self.read_first(sql, params).await;
        }
        for _ in 0..=self.pool.status().max_size {
            let reading = Reading::new(self.client().await?, self.connector.clone());
            let rows = statement::query(&reading, self.link, &text, params).await;
            let client = reading.end();
            match rows {
                Ok(rows) => return Ok(rows),
                Err(error) if is_gone(&error) => {}
                Err(error) if Failure::of(&error) == Failure::StalePlan => client.statement_cache.clear(),
                Err(error) => return Err(Failure::of(&error).into_error(sql, error)),
            }
        }
        Err(Error::Unavailable { doing: "reading", source: "every connection was closed".into() })
    }

    /// The first use of a statement behind a pgbouncer: its parameters' types are learned inside a transaction.
    async fn read_first(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        let (mut transaction, _) = self.begin(Isolation::ReadCommitted).await?;
        let rows = transaction.query(sql, params).await;
        transaction.roll_back().await?;
        rows
    }
}

fn begin_text(settings: &Settings, isolation: &str) -> String {
    let mut sql = format!("BEGIN ISOLATION LEVEL {isolation}");
    if settings.pgbouncer {
        let limit = settings.transaction_timeout.as_millis();
        sql += &format!("; SET LOCAL statement_timeout = {limit}");
        sql += &format!("; SET LOCAL idle_in_transaction_session_timeout = {limit}");
    }
    if settings.time == Time::Database {
        sql += "; ";
        sql += NOW;
    }
    sql
}

/// What sort of failure the server reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// A serialization failure or a deadlock.
    Conflict,
    /// A prepared statement no longer fits its tables: another node has migrated them.
    StalePlan,
    Constraint,
    Full,
    TooLong,
    /// The database refuses writes: it is being moved.
    Frozen,
    Gone,
    Statement,
}

impl Failure {
    fn of(error: &tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if is_gone(error) { Self::Gone } else { Self::Statement };
        };
        let code = db.code();
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
            Self::Conflict
        } else if *code == SqlState::FEATURE_NOT_SUPPORTED && db.routine() == Some("RevalidateCachedQuery") {
            Self::StalePlan
        } else if *code == SqlState::DISK_FULL {
            Self::Full
        } else if *code == SqlState::QUERY_CANCELED {
            Self::TooLong
        } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            Self::Frozen
        } else {
            Self::of_class(code.code())
        }
    }

    /// The first two characters of a code are its class: PostgreSQL, appendix A.
    fn of_class(code: &str) -> Self {
        match code.get(..2) {
            Some("23") => Self::Constraint,
            Some("08" | "53" | "57" | "58" | "25") if code != "25P02" && code != "25006" => Self::Gone,
            Some(_) | None => Self::Statement,
        }
    }

    fn may_be_retried(self) -> bool {
        matches!(self, Self::Conflict | Self::StalePlan)
    }

    fn into_error(self, sql: &'static str, error: tokio_postgres::Error) -> Error {
        match self {
            Self::Conflict | Self::StalePlan => Error::Contended { attempts: 1 },
            Self::Constraint => Error::Constraint { sql, source: error.into() },
            Self::Full => Error::Full { source: error.into() },
            Self::TooLong => Error::TooLong { sql },
            Self::Frozen => Error::Frozen,
            Self::Gone => Error::Unavailable { doing: "running a statement", source: error.into() },
            Self::Statement => Error::Statement { sql, source: error.into() },
        }
    }
}

/// Whether the connection is at its end: closed, or ended by the server.
fn is_gone(error: &tokio_postgres::Error) -> bool {
    let ended = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_SESSION_TIMEOUT];
    match error.code() {
        Some(code) => ended.contains(code),
        None => error.is_closed() || has_io_cause(error),
    }
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

fn closed_or(doing: &'static str, error: tokio_postgres::Error) -> Error {
    match Failure::of(&error) {
        Failure::Full => Error::Full { source: error.into() },
        Failure::Conflict
        | Failure::StalePlan
        | Failure::Constraint
        | Failure::TooLong
        | Failure::Frozen
        | Failure::Gone
        | Failure::Statement => Error::Unavailable { doing, source: error.into() },
    }
}
