//! Placements: what stands where, since when, until when, and by which promotion.

use wharf_context::Timestamp;
use wharf_oci::{Digest, EnvironmentName, RepositoryName, Tag};

/// Something that stands in an environment, or stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub(crate) row: i64,
    /// Where.
    pub environment: EnvironmentName,
    /// Its repository, by the name in development.
    pub repository: RepositoryName,
    /// What.
    pub digest: Digest,
    /// The tags that came with it.
    pub tags: Vec<Tag>,
    /// The version of the release that it came with.
    pub release: Option<String>,
    pub(crate) promotion_row: i64,
    /// The promotion that it came by.
    pub promotion: String,
    /// What stood there before: its row.
    pub(crate) before: Option<i64>,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: it stands there.
    pub until: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// As much of a placement as retention looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standpoint {
    pub(crate) digest: Digest,
    pub(crate) environment: String,
    /// Until when it stood there, and how that ended; `None`: it stands there.
    pub(crate) ended: Option<(Timestamp, Ended)>,
    /// Whether a rollback would bring it back.
    pub(crate) is_rollback_target: bool,
}

/// How a placement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Something newer came.
    Superseded,
    /// What was before came back.
    RolledBack,
}

impl Ended {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Superseded, Self::RolledBack].into_iter().find(|ended| ended.name() == name)
    }
}
