//! `[quota]`: what a new project may use.

use serde::{Deserialize, Serialize};

use super::size::Size;

/// Keys of `[quota]`. What a project may use is decided when something is first pushed to it, and changed by
/// `wharf project quota set`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quota {
    /// Bytes that a project may hold; no limit where it is not set.
    pub(crate) bytes: Option<Size>,
    /// Bytes above which people are told.
    pub(crate) warn_bytes: Option<Size>,
    /// Manifests that a project may hold; no limit where it is not set.
    pub(crate) manifests: Option<u64>,
    /// Manifests above which people are told.
    pub(crate) warn_manifests: Option<u64>,
}
