//! `[database]`: where the catalog lies.

use serde::{Deserialize, Serialize};

use super::duration::Span;

/// Keys of `[database]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `sqlite:PATH` or `postgres://…`; without it, a SQLite file in the data folder.
    pub(crate) url: Option<String>,
    /// Connections to PostgreSQL, or reader threads on SQLite.
    pub(crate) pool_size: usize,
    /// Whether a pgbouncer in transaction mode stands between.
    pub(crate) pgbouncer: bool,
    /// How long a request may wait for the writer or a connection.
    pub(crate) wait_timeout: Span,
    /// How long a transaction may hold SQLite's writer, or one of its statements may take on PostgreSQL.
    pub(crate) transaction_timeout: Span,
}

impl Database {
    /// What `url` says; [`super::merge`] has seen that it is set.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().expect("set when the configuration was loaded")
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            pool_size: 16,
            pgbouncer: false,
            wait_timeout: Span::seconds(30),
            transaction_timeout: Span::seconds(30),
        }
    }
}
