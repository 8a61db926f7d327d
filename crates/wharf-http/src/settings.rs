//! What going out needs to be told.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// PEM files of certificate authorities that are believed besides those of the system.
    pub authorities: Vec<PathBuf>,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long the other side may be silent in the middle of an answer.
    pub read_timeout: Duration,
    /// How long a whole request may take; none for transfers of any size.
    pub total_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            total_timeout: None,
        }
    }
}
