//! What a database needs to be told.

use std::time::Duration;

use crate::postgres::masked;

/// Settings of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `sqlite:PATH`, `sqlite::memory:`, `postgres://…` or `postgresql://…`. PostgreSQL's takes `sslmode` (`disable`,
    /// `prefer`, `require`, `verify-full`) and `sslrootcert` (a PEM file) as libpq does.
    pub url: String,
    /// Connections to PostgreSQL at most, or threads that scan SQLite at most.
    pub pool_size: usize,
    /// Whether a pgbouncer in transaction mode stands between: no prepared statement outlives its transaction.
    pub pgbouncer: bool,
    /// How long to wait for the writer or a connection.
    pub wait_timeout: Duration,
    /// How long one statement outside of a transaction may run: long scans keep SQLite's log from being reset.
    pub scan_timeout: Duration,
    /// How long one transaction may hold SQLite's writer, or one of its statements may run on PostgreSQL.
    pub transaction_timeout: Duration,
    /// Where a transaction's time comes from.
    pub time: Time,
    /// Whose tables it holds.
    pub tables: Tables,
}

/// Whose tables a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tables {
    /// A server's catalog.
    #[default]
    Server,
    /// A node's images and builds, in a SQLite file that several processes open.
    Node,
}

/// Where the time of a transaction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// The database, where it has a clock of its own that all nodes share: PostgreSQL. Else [`Time::Clock`].
    #[default]
    Database,
    /// The clock given to [`crate::Db::open`], so that tests can turn it.
    Clock,
}

impl Settings {
    /// The URL without its password, for people.
    pub fn masked_url(&self) -> String {
        if self.url.starts_with("sqlite:") { self.url.clone() } else { masked(&self.url) }
    }

    /// Defaults for the database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            pgbouncer: false,
            wait_timeout: Duration::from_secs(30),
            scan_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(30),
            time: Time::Database,
            tables: Tables::Server,
        }
    }
}
