//! The parts' figures in the form that `/metrics` shows.

use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry as Metrics;
use wharf_db::Db;
use wharf_governance::Governance;
use wharf_identity::{AuditFigures, Identity};
use wharf_registry::Registry;

use crate::server::mode::Mode;
use crate::standby::hub::{Hub, PrimaryStatus};
use crate::standby::{Standby, StandbyStatus};
use crate::syslog::Progress;

/// One figure: its name, what it counts, and where it is found.
type Line<F> = (&'static str, &'static str, fn(&F) -> u64);

/// What only grows in the catalog.
const CATALOG: [Line<wharf_db::Figures>; 14] = [
    ("wharf_db_transactions_committed", "Transactions that ended well", |figures| figures.committed),
    ("wharf_db_transactions_rolled_back", "Transactions that were rolled back", |figures| figures.rolled_back),
    ("wharf_db_transactions_retried", "Attempts that others got in the way of", |figures| figures.retried),
    ("wharf_db_commits", "Commits; on SQLite one serves many transactions", |figures| figures.commits),
    ("wharf_db_batches_lost", "Commits that failed", |figures| figures.lost_batches),
    ("wharf_db_checkpoints", "Times that the SQLite log was written back", |figures| figures.checkpoints),
    ("wharf_db_waits", "Waits for the writer or a connection", |figures| figures.waits),
    ("wharf_db_waited_microseconds", "How long these waits took together", |figures| figures.waited_micros),
    ("wharf_db_gets", "Point reads", |figures| figures.gets),
    ("wharf_db_lists", "Scans", |figures| figures.lists),
    ("wharf_db_statements_too_long", "Statements that were ended for taking too long", |figures| figures.too_long),
    ("wharf_jobs_succeeded", "Jobs that ended well", |figures| figures.jobs_succeeded),
    ("wharf_jobs_failed", "Attempts at jobs that failed", |figures| figures.jobs_failed),
    ("wharf_jobs_buried", "Jobs that were given up", |figures| figures.jobs_buried),
];

/// What only grows in the registry.
const REGISTRY: [Line<wharf_registry::Figures>; 12] = [
    ("wharf_uploads_opened", "Blob uploads that were begun", |figures| figures.uploads_opened),
    ("wharf_uploads_expired", "Blob uploads that were given up because nobody continued them", |figures| {
        figures.uploads_expired
    }),
    ("wharf_blobs_pushed", "Blobs that were pushed", |figures| figures.blobs_pushed),
    ("wharf_blobs_pushed_bytes", "Bytes of the blobs that were pushed", |figures| figures.pushed_bytes),
    ("wharf_blobs_mounted", "Blobs that were linked into another repository", |figures| figures.blobs_mounted),
    ("wharf_blobs_collected", "Blobs whose bytes collection deleted", |figures| figures.blobs_collected),
    ("wharf_blobs_collected_bytes", "Bytes of the blobs that collection deleted", |figures| figures.collected_bytes),
    ("wharf_blobs_reviewed", "Blobs that collection looked at", |figures| figures.blobs_reviewed),
    ("wharf_manifests_collected", "Manifests that collection took out of the bin for good", |figures| {
        figures.manifests_collected
    }),
    ("wharf_manifests_pushed", "Manifests that were pushed", |figures| figures.manifests_pushed),
    ("wharf_quota_refusals", "Pushes that were refused for want of quota", |figures| figures.quota_refusals),
    ("wharf_audit_pulls_dropped", "Pulls that found no room on their way into the audit log", |figures| {
        figures.pulls_dropped
    }),
];

/// What only grows in governance.
const GOVERNANCE: [Line<wharf_governance::Figures>; 2] = [
    ("wharf_webhooks_delivered", "Webhook deliveries that a receiver took", |figures| figures.webhooks_succeeded),
    ("wharf_webhooks_failed", "Attempts at webhook deliveries that failed", |figures| figures.webhooks_failed),
];

/// What rises and falls in the registry.
const GAUGES: [Line<wharf_registry::Figures>; 9] = [
    ("wharf_uploads_active", "Requests that are sending bytes into an upload", |figures| figures.uploads_active),
    ("wharf_collection_due_blobs", "Blobs that collection is to look at now", |figures| figures.backlog.reviews),
    ("wharf_collection_due_manifests", "Manifests whose time in the bin is over", |figures| figures.backlog.manifests),
    ("wharf_collection_deleting_blobs", "Blobs whose bytes are to be deleted now", |figures| figures.backlog.deleting),
    ("wharf_collection_deleting_bytes", "How many bytes these are", |figures| figures.backlog.deleting_bytes),
    ("wharf_collection_rows_per_second", "Rows that the pass that goes on deals with in a second", |figures| {
        figures.collecting_rows_per_second
    }),
    ("wharf_quota_warned_projects", "Projects that use more than a limit that warns", |figures| {
        figures.quota_warned_projects
    }),
    (
        "wharf_fsck_ended_timestamp_seconds",
        "When the last check of the registry ended, in seconds since 1970",
        |figures| figures.fsck_ended_seconds,
    ),
    ("wharf_fsck_findings", "What that check found that is neither repaired nor as it should be", |figures| {
        figures.fsck_findings
    }),
];

/// What rises in the audit log, as this node knows it.
const AUDIT: [Line<AuditFigures>; 2] = [
    ("wharf_audit_sealed_rows", "Rows of the audit log that are in its chain", |figures| figures.sealed_rows),
    (
        "wharf_audit_signed_timestamp_seconds",
        "When it was last seen that the whole chain is signed, in seconds since 1970",
        |figures| figures.signed_seconds,
    ),
];

/// The metrics of catalog and registry, and of a pair.
pub(super) fn metrics(late: Late) -> Metrics {
    let mut metrics = Metrics::default();
    metrics.register_collector(Box::new(late));
    metrics
}

/// Parts that a standby does not have before it takes over. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Late {
    parts: Arc<OnceLock<Parts>>,
    standby: Arc<OnceLock<Standby>>,
}

impl Late {
    /// The parts are there.
    pub(super) fn set(&self, parts: Parts) {
        // A take-over that is tried again has opened them before; those are closed then, and say nothing more.
        self.parts.set(parts).ok();
    }

    /// This server is a standby.
    pub(super) fn set_standby(&self, standby: Standby) {
        self.standby.set(standby).ok();
    }
}

impl std::fmt::Debug for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Late").field("parts", &self.parts.get()).finish_non_exhaustive()
    }
}

impl Collector for Late {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(parts) = self.parts.get() {
            return parts.encode(encoder);
        }
        self.standby.get().map_or(Ok(()), |standby| following(&mut encoder, &standby.status()))
    }
}

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) db: Db,
    pub(super) registry: Registry,
    pub(super) identity: Identity,
    pub(super) governance: Governance,
    pub(super) shipped: Option<Progress>,
    pub(super) mode: Mode,
    pub(super) hub: Option<Hub>,
}

impl Parts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let (catalog, registry) = (self.db.figures(), self.registry.figures());
        counters(&mut encoder, &CATALOG, &catalog)?;
        counters(&mut encoder, &REGISTRY, &registry)?;
        let dead = "Jobs of all nodes that were given up and wait for people to decide";
        gauge(&mut encoder, "wharf_jobs_dead", dead, catalog.jobs_dead)?;
        let delay = "For how long the job that waits longest has been due";
        gauge(&mut encoder, "wharf_jobs_delay_seconds", delay, catalog.jobs_delay_seconds)?;
        counters(&mut encoder, &GOVERNANCE, &self.governance.figures())?;
        let largest = "Transactions that one commit served at most";
        gauge(&mut encoder, "wharf_db_largest_batch", largest, catalog.largest_batch)?;
        let read_only = "Whether writes are refused because the registry is being moved";
        gauge(&mut encoder, "wharf_read_only", read_only, u64::from(self.mode.read_only().is_some()))?;
        for (name, help, read) in &GAUGES {
            gauge(&mut encoder, name, help, read(&registry))?;
        }
        self.audit(&mut encoder)?;
        self.hub.as_ref().map_or(Ok(()), |hub| followed(&mut encoder, &hub.status()))
    }

    fn audit(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let audit = self.identity.audit_figures();
        for (name, help, read) in &AUDIT {
            gauge(encoder, name, help, read(&audit))?;
        }
        let dropped: [Line<AuditFigures>; 1] = [(
            "wharf_audit_notes_dropped",
            "Refusals and log-ins that found no room on their way into the audit log",
            |audit| audit.notes_dropped,
        )];
        counters(encoder, &dropped, &audit)?;
        if let Some(shipped) = &self.shipped {
            let help = "Rows of the audit log that the syslog receiver was sent by this node";
            gauge(encoder, "wharf_audit_shipped_rows", help, shipped.sequence())?;
        }
        Ok(())
    }
}

/// A primary's word about its standby.
fn followed(encoder: &mut DescriptorEncoder<'_>, status: &PrimaryStatus) -> std::fmt::Result {
    let level = "Whether the standby has a whole copy and follows (on a standby: whether it does so itself)";
    gauge(encoder, "wharf_standby_level", level, u64::from(status.is_level))?;
    let bytes = "Bytes of the log that the standby has not confirmed";
    gauge(encoder, "wharf_standby_lag_bytes", bytes, status.lag_bytes)?;
    seconds(encoder, status.lag_seconds)?;
    gauge(encoder, "wharf_standby_epoch", EPOCH, status.epoch)?;
    gauge(encoder, "wharf_standby_fenced", "Whether another server has taken over", u64::from(status.is_fenced))
}

const EPOCH: &str = "How often somebody has taken over, from 1";

/// A standby's word about itself.
fn following(encoder: &mut DescriptorEncoder<'_>, status: &StandbyStatus) -> std::fmt::Result {
    let level = "Whether the standby has a whole copy and follows (on a standby: whether it does so itself)";
    gauge(encoder, "wharf_standby_level", level, u64::from(status.is_whole && status.is_following))?;
    let items = "Commits, blobs and deletions that the standby has heard of and does not have";
    gauge(encoder, "wharf_standby_lag_items", items, status.behind_items)?;
    seconds(encoder, status.behind_seconds.unwrap_or(f64::INFINITY))?;
    gauge(encoder, "wharf_standby_epoch", EPOCH, status.epoch)
}

fn seconds(encoder: &mut DescriptorEncoder<'_>, seconds: f64) -> std::fmt::Result {
    let help = "For how long the standby has not had all that the primary has";
    let gauge = ConstGauge::new(seconds);
    gauge.encode(encoder.encode_descriptor("wharf_standby_lag_seconds", help, None, gauge.metric_type())?)
}

fn counters<F>(encoder: &mut DescriptorEncoder<'_>, lines: &[Line<F>], figures: &F) -> std::fmt::Result {
    for (name, help, read) in lines {
        let counter = ConstCounter::new(read(figures));
        counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> std::fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}
