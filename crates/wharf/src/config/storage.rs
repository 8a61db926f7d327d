//! `[storage]`: where the blobs lie.

use serde::{Deserialize, Serialize};

/// Keys of `[storage]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    /// `file:PATH` or `memory:` (for trials: gone when the server ends); without it, a folder in the data folder.
    pub(crate) url: Option<String>,
    /// Whether other nodes with the same database use the same folder. Without it, the folder is locked for this one.
    pub(crate) shared: bool,
}
