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
    /// A manifest, with what it stands on and what refers to it, was placed in an environment.
    ManifestPlaced {
        /// Repository name, the environment's.
        repository: String,
        /// The repository that it came from.
        from: String,
        /// Digest, `algorithm:hex`.
        digest: String,
        /// Media type as sent.
        media_type: String,
        /// Tags that point at it there by this placing.
        tags: Vec<String>,
    },
    /// A manifest was deleted with all its tags.
    ManifestDeleted {
        /// Repository name.
        repository: String,
        /// Digest, `algorithm:hex`.
        digest: String,
    },
    /// Manifests are in a repository that were not, and that nobody has pushed there just now: they came back from the
    /// bin. For those who keep notes about what is where; what people did is another event.
    ManifestsAdded {
        /// Repository name.
        repository: String,
        /// Digests, `algorithm:hex`.
        digests: Vec<String>,
    },
    /// Manifests are not in a repository any more: they went to the bin, each with what only it needed.
    ManifestsRemoved {
        /// Repository name.
        repository: String,
        /// Digests, `algorithm:hex`.
        digests: Vec<String>,
    },
    /// A newer image of a base has come, and what stands on the ones before is to be rebuilt.
    BaseUpdated {
        /// Repository name.
        repository: String,
        /// Its tag.
        tag: String,
        /// Digest, `algorithm:hex`.
        digest: String,
        /// The number of the rebuild.
        rebuild: i64,
    },
    /// An image is to be rebuilt now: what it stands on is there.
    RebuildWanted {
        /// The number of the rebuild.
        rebuild: i64,
        /// In which wave, from 1.
        wave: u32,
        /// Repository name.
        repository: String,
        /// Its newest tag.
        tag: String,
        /// What that points to.
        digest: String,
        /// Where the new base is.
        base_repository: String,
        /// Its digest.
        base_digest: String,
    },
    /// A project was told of a commit that it did not know.
    CommitReceived {
        /// Project name.
        project: String,
        /// The Git repository: host and path.
        source: String,
        /// The commit's id.
        revision: String,
        /// The ref that it was pushed to.
        git_ref: String,
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
    /// A tag that pointed to one manifest points to another one.
    TagMoved {
        /// Repository name.
        repository: String,
        /// The tag.
        tag: String,
        /// What it pointed to.
        from: String,
        /// What it points to.
        to: String,
        /// Who moved it.
        by: String,
    },
    /// A promotion was asked for, or has come to another state.
    PromotionChanged {
        /// Project row.
        project: i64,
        /// The promotion.
        promotion: String,
        /// `promotion`, `rollback` or `emergency`.
        kind: String,
        /// Where it stands now.
        state: String,
        /// The environment that it leads to.
        environment: String,
        /// What is promoted: `repository@digest`, by the names in development.
        items: Vec<String>,
    },
    /// Somebody asks for the emergency passage: an alarm.
    EmergencyRaised {
        /// Project row.
        project: i64,
        /// The environment that it leads to.
        environment: String,
        /// Who asks.
        requested_by: String,
        /// Why.
        reason: String,
    },
    /// Something must stay as it is, until the hold is lifted.
    HoldSet {
        /// Project name.
        project: String,
        /// The hold's number.
        hold: i64,
        /// `legal` or `quarantine`.
        kind: String,
        /// What it is on: a repository, a tag or a digest.
        target: String,
    },
    /// A hold was lifted.
    HoldLifted {
        /// Project name.
        project: String,
        /// The hold's number.
        hold: i64,
        /// `legal` or `quarantine`.
        kind: String,
        /// What it was on.
        target: String,
    },
    /// An image is on its way into an archive or back, or has arrived.
    ArchiveChanged {
        /// Project name.
        project: String,
        /// The archive's number.
        archive: i64,
        /// `storing`, `archived`, `restoring`, `restored`, `failed` or `destroyed`.
        state: String,
        /// Repository name.
        repository: String,
        /// Digest, `algorithm:hex`.
        digest: String,
    },
    /// A run of retention has ended.
    RetentionEnded {
        /// Project name.
        project: String,
        /// The run's number.
        run: i64,
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
            Self::ManifestPlaced { .. } => "manifest_placed",
            Self::ManifestDeleted { .. } => "manifest_deleted",
            Self::ManifestsAdded { .. } => "manifests_added",
            Self::ManifestsRemoved { .. } => "manifests_removed",
            Self::BaseUpdated { .. } => "base_updated",
            Self::RebuildWanted { .. } => "rebuild_wanted",
            Self::CommitReceived { .. } => "commit_received",
            Self::TagDeleted { .. } => "tag_deleted",
            Self::TagMoved { .. } => "tag_moved",
            Self::PromotionChanged { .. } => "promotion_changed",
            Self::EmergencyRaised { .. } => "emergency_raised",
            Self::HoldSet { .. } => "hold_set",
            Self::HoldLifted { .. } => "hold_lifted",
            Self::ArchiveChanged { .. } => "archive_changed",
            Self::RetentionEnded { .. } => "retention_ended",
            Self::QuotaWarned { .. } => "quota_warned",
        }
    }
}
