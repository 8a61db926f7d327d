//! `[archive]`: where images go that are archived.

use serde::{Deserialize, Serialize};

/// Keys of `[archive]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Archive {
    /// `file:PATH` or `s3://BUCKET/PREFIX`; without it, nothing can be archived. A bucket is reached as the keys
    /// `storage.s3_…` say.
    pub(crate) url: Option<String>,
    /// The storage class of what is put there; without it, the bucket's.
    pub(crate) s3_storage_class: Option<String>,
}
