//! `[registry]`: what the registry accepts.

use serde::{Deserialize, Serialize};

/// Keys of `[registry]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Registry {
    /// Whether an image may lack some of its layers. Its config and one layer must be there in any case.
    pub(crate) sparse_images: bool,
}

impl Default for Registry {
    fn default() -> Self {
        Self { sparse_images: true }
    }
}
