//! `[fsck]`: how the registry checks itself.

use serde::{Deserialize, Serialize};

use super::size::Size;

/// Keys of `[fsck]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fsck {
    /// How many bytes a check reads in a second at most, so that pulls do not feel it; `0` is no limit.
    pub(crate) rate: Size,
}

impl Default for Fsck {
    fn default() -> Self {
        Self { rate: Size(100_000_000) }
    }
}
