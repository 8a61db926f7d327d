//! `[auth]` and `[admin]`: who may come in, and the first administrator.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address;
use super::duration::Span;

/// Keys of `[auth]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Auth {
    /// Whether anonymous callers may push, pull and delete. Only on loopback addresses.
    pub(crate) open: bool,
    /// Whether `open` holds on other addresses too.
    pub(crate) force_open: bool,
    /// More project names that nobody may create, besides those of environments.
    #[serde(deserialize_with = "address::list")]
    pub(crate) reserved_names: Vec<String>,
    /// How long a token is good: `1m` to `1h`. Changes of rights take effect at latest then.
    pub(crate) token_lifetime: Span,
    /// How long a refresh token is good after its last use.
    pub(crate) refresh_lifetime: Span,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            open: false,
            force_open: false,
            reserved_names: Vec::new(),
            token_lifetime: Span::seconds(300),
            refresh_lifetime: Span::seconds(30 * 86_400),
        }
    }
}

/// Keys of `[admin]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// File with the password that the first run gives the administrator; without it, a random one is made and shown.
    pub(crate) password_file: Option<PathBuf>,
}
