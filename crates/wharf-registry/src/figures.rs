//! Counters of what the registry does, for whoever shows metrics. Counting costs an atomic addition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::collection::Collected;
use crate::collection::status::Backlog;
use crate::fsck::FsckRun;
use crate::registry::Registry;

/// What this process did since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Uploads that were begun.
    pub uploads_opened: u64,
    /// Requests that are sending bytes into an upload at this moment.
    pub uploads_active: u64,
    /// Blobs that were pushed.
    pub blobs_pushed: u64,
    /// Bytes of the blobs that were pushed.
    pub pushed_bytes: u64,
    /// Blobs that were linked into another repository instead.
    pub blobs_mounted: u64,
    /// Manifests that were pushed.
    pub manifests_pushed: u64,
    /// Uploads that collection gave up.
    pub uploads_expired: u64,
    /// Blobs whose bytes collection deleted.
    pub blobs_collected: u64,
    /// How many bytes these were.
    pub collected_bytes: u64,
    /// Blobs that collection has looked at.
    pub blobs_reviewed: u64,
    /// Manifests that collection took out of the bin for good.
    pub manifests_collected: u64,
    /// What waits to be collected, on all nodes, as it was some seconds ago.
    pub backlog: Backlog,
    /// Rows that collection deals with in a second, here; 0 while it rests.
    pub collecting_rows_per_second: u64,
    /// Pushes that were refused for want of quota.
    pub quota_refusals: u64,
    /// Projects that use more than a limit that warns.
    pub quota_warned_projects: u64,
    /// When the last check ended, in seconds since 1970; 0 before the first.
    pub fsck_ended_seconds: u64,
    /// What it found that is neither repaired nor as it should be.
    pub fsck_findings: u64,
    /// Pulls that found no room on their way into the audit log.
    pub pulls_dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) uploads_opened: AtomicU64,
    uploads_active: AtomicU64,
    pub(crate) blobs_pushed: AtomicU64,
    pub(crate) pushed_bytes: AtomicU64,
    pub(crate) blobs_mounted: AtomicU64,
    pub(crate) manifests_pushed: AtomicU64,
    uploads_expired: AtomicU64,
    blobs_collected: AtomicU64,
    collected_bytes: AtomicU64,
    blobs_reviewed: AtomicU64,
    manifests_collected: AtomicU64,
    backlog: Mutex<Backlog>,
    /// Of the pass that goes on.
    pub(crate) collecting_rows_per_second: AtomicU64,
    pub(crate) quota_refusals: AtomicU64,
    fsck_ended_seconds: AtomicU64,
    fsck_findings: AtomicU64,
}

impl Counters {
    /// Counts a request that sends bytes, until the result is dropped.
    pub(crate) fn receiving(&self) -> Receiving<'_> {
        add(&self.uploads_active, 1);
        Receiving(self)
    }

    pub(crate) fn collected(&self, collected: &Collected) {
        add(&self.uploads_expired, collected.uploads as u64);
        add(&self.blobs_collected, collected.blobs as u64);
        add(&self.collected_bytes, collected.size_bytes);
        add(&self.blobs_reviewed, collected.reviewed as u64);
        add(&self.manifests_collected, collected.manifests as u64);
    }

    /// Notes what waits to be collected.
    pub(crate) fn waits(&self, backlog: Backlog) {
        *self.backlog.lock().unwrap_or_else(PoisonError::into_inner) = backlog;
    }

    /// Notes what a check came to, once it has ended.
    pub(crate) fn checked(&self, run: &FsckRun) {
        let Some(ended_at) = run.ended_at else { return };
        let seconds = u64::try_from(ended_at.seconds()).unwrap_or(0);
        self.fsck_ended_seconds.store(seconds, Ordering::Relaxed);
        self.fsck_findings.store(run.open + run.quarantined, Ordering::Relaxed);
    }
}

/// A request that is sending bytes.
pub(crate) struct Receiving<'c>(&'c Counters);

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.0.uploads_active.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl Registry {
    /// What this process did so far.
    pub fn figures(&self) -> Figures {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            uploads_opened: read(&counters.uploads_opened),
            uploads_active: read(&counters.uploads_active),
            blobs_pushed: read(&counters.blobs_pushed),
            pushed_bytes: read(&counters.pushed_bytes),
            blobs_mounted: read(&counters.blobs_mounted),
            manifests_pushed: read(&counters.manifests_pushed),
            uploads_expired: read(&counters.uploads_expired),
            blobs_collected: read(&counters.blobs_collected),
            collected_bytes: read(&counters.collected_bytes),
            blobs_reviewed: read(&counters.blobs_reviewed),
            manifests_collected: read(&counters.manifests_collected),
            backlog: *counters.backlog.lock().unwrap_or_else(PoisonError::into_inner),
            collecting_rows_per_second: read(&counters.collecting_rows_per_second),
            quota_refusals: read(&counters.quota_refusals),
            quota_warned_projects: self.desk.warned_projects(),
            fsck_ended_seconds: read(&counters.fsck_ended_seconds),
            fsck_findings: read(&counters.fsck_findings),
            pulls_dropped: self.pulls.dropped(),
        }
    }
}
