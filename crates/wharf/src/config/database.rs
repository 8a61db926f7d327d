//! `[database]`: where the catalog lies.

use serde::{Deserialize, Serialize};

/// Keys of `[database]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `sqlite:PATH` or `postgres://…`; without it, a SQLite file in the data folder.
    pub(crate) url: Option<String>,
    /// Connections to PostgreSQL, or reader threads on SQLite.
    pub(crate) pool_size: usize,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, pool_size: 16 }
    }
}
