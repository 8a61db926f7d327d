//! `[log]`: what is written to standard error, and how.

use serde::{Deserialize, Serialize};

/// Keys of `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,wharf_db=debug`.
    pub(crate) level: String,
    /// One line of text, or one JSON object, per event.
    pub(crate) format: Format,
    /// Whether each request is logged when it ends.
    pub(crate) access: bool,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Text, access: true }
    }
}
