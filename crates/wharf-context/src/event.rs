//! What happened: announced inside the transaction that did it, handed to subscribers as jobs afterwards.

use serde::{Deserialize, Serialize};

/// Something that others may want to react to. Only names and numbers: a subscriber loads what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A manifest was stored, or stored again.
    ManifestPushed {
        /// Repository name.
        repository: String,
        /// Digest, `algorithm:hex`.
        digest: String,
        /// Media type as sent.
        media_type: String,
        /// Tags that were pointed at it by the same request.
        tags: Vec<String>,
    },
    /// A manifest was deleted with all its tags.
    ManifestDeleted {
        /// Repository name.
        repository: String,
        /// Digest, `algorithm:hex`.
        digest: String,
    },
    /// A tag was deleted; its manifest stays.
    TagDeleted {
        /// Repository name.
        repository: String,
        /// The tag.
        tag: String,
        /// What it pointed to.
        digest: String,
    },
    /// A project uses more than the limit that warns, as from now.
    QuotaWarned {
        /// Project name.
        project: String,
        /// `bytes` or `manifests`.
        resource: String,
    },
}

impl Event {
    /// The name that subscriptions use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ManifestPushed { .. } => "manifest_pushed",
            Self::ManifestDeleted { .. } => "manifest_deleted",
            Self::TagDeleted { .. } => "tag_deleted",
            Self::QuotaWarned { .. } => "quota_warned",
        }
    }
}
