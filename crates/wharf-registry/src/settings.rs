//! What an operator may choose.

use std::time::Duration;

use wharf_context::quota::Limits;
use wharf_oci::Environments;

use crate::pull::PullLog;

/// Settings of the registry.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a blob that nothing refers to stays, so that a push in progress can still count on it.
    pub grace: Duration,
    /// How often collection looks for work.
    pub interval: Duration,
    /// How long deleted tags and manifests stay in the bin.
    pub bin_keep: Duration,
    /// How long a manifest may have no tag, and nothing else that needs it, until it goes to the bin by itself; `None`:
    /// for ever.
    pub untagged_after: Option<Duration>,
    /// For how long a URL is good that the store gives to whoever reads a blob; bytes stay as long. Zero where there are
    /// no such URLs.
    pub presigned_for: Duration,
    /// How long an upload may rest between two chunks before it is given up.
    pub upload_expiry: Duration,
    /// Whether an image may name layers that its repository does not have, as long as its config and one layer are
    /// there. The specification leaves it open (MAY reject); the official conformance suite asks for it.
    pub sparse_images: bool,
    /// What a project may use that nothing was pushed to before. Others keep what was set for them.
    pub quota: Limits,
    /// The environments: what stands in one of them but the first is placed there by governance alone.
    pub environments: Environments,
    /// Which pulls the audit log has.
    pub pull_log: PullLog,
    /// How exactly it is known when a manifest was last asked for: it is written once in this time at most.
    pub last_pull_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            grace: Duration::from_secs(24 * HOUR),
            interval: Duration::from_secs(60),
            bin_keep: Duration::from_secs(7 * 24 * HOUR),
            untagged_after: None,
            presigned_for: Duration::ZERO,
            upload_expiry: Duration::from_secs(24 * HOUR),
            sparse_images: true,
            quota: Limits::default(),
            environments: Environments::default(),
            pull_log: PullLog::Off,
            last_pull_interval: Duration::from_secs(600),
        }
    }
}
