//! `[collection]`: when bytes that nothing refers to any more are removed.

use serde::{Deserialize, Serialize};

use super::duration::Span;

/// Keys of `[collection]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Collection {
    /// How long content must have been without a reference before it is removed.
    pub(crate) grace: Span,
    /// How often the queue of what may be removed is looked at.
    pub(crate) interval: Span,
    /// How long an upload may lie untouched before it is removed.
    pub(crate) upload_expiry: Span,
    /// How long a manifest may have no tag, and nothing else that needs it, before it goes to the bin by itself.
    pub(crate) untagged_after: Option<Span>,
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            grace: Span::seconds(86_400),
            interval: Span::seconds(30),
            upload_expiry: Span::seconds(86_400),
            untagged_after: None,
        }
    }
}
