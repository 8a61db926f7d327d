//! `[auth]` and `[admin]`: who may come in, and the first administrator.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Keys of `[auth]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Auth {
    /// Whether anonymous callers may push, pull and delete. Only on loopback addresses.
    pub(crate) open: bool,
    /// Whether `open` holds on other addresses too.
    pub(crate) force_open: bool,
}

/// Keys of `[admin]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// File with the password that the first run gives the administrator; without it, a random one is made and shown.
    pub(crate) password_file: Option<PathBuf>,
}
