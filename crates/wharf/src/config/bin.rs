//! `[bin]`: how long what was deleted can be brought back.

use serde::{Deserialize, Serialize};

use super::duration::Span;

/// Keys of `[bin]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Bin {
    /// How long deleted tags and manifests are kept.
    pub(crate) keep: Span,
}

impl Default for Bin {
    fn default() -> Self {
        Self { keep: Span::seconds(7 * 86_400) }
    }
}
