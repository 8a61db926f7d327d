//! Sealing and signing the log while the server runs.
//!
//! Every node does it: what one has sealed or signed, the others find done.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use wharf_context::{Context, Kind};
use wharf_db::audit::seal::SEAL_ROWS;
use wharf_db::audit::{Checkpoint, Link};

use super::checkpoint;
use crate::error::Error;
use crate::identity::Identity;

/// How often committed rows are looked for. They are to be in the chain within a second.
const EVERY: Duration = Duration::from_millis(250);
/// How many rows a checkpoint covers at most, as long as rows come in faster than `checkpoint_every`.
const CHECKPOINT_ROWS: i64 = 10_000;

/// What this node knows of the log, for whoever shows metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFigures {
    /// The number of the last sealed row.
    pub sealed_rows: u64,
    /// When it was last seen that all of it is signed, in seconds since 1970; 0 before the first time.
    pub signed_seconds: u64,
    /// Refusals and log-ins that found no room on their way into it, since the process started.
    pub notes_dropped: u64,
}

/// The same, as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    sealed: AtomicI64,
    signed_seconds: AtomicI64,
}

impl Identity {
    /// What this node knows of the log.
    pub fn audit_figures(&self) -> AuditFigures {
        let read = |number: &AtomicI64| u64::try_from(number.load(Ordering::Relaxed)).unwrap_or_default();
        AuditFigures {
            sealed_rows: read(&self.progress.sealed),
            signed_seconds: read(&self.progress.signed_seconds),
            notes_dropped: self.journal.dropped(),
        }
    }

    /// Writes what was noted, seals rows and signs checkpoints until the future is dropped. What fails is logged and tried
    /// again.
    pub async fn run_audit(&self) {
        tokio::join!(self.seal_for_ever(), self.write_notes_for_ever());
    }

    async fn seal_for_ever(&self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut signed = Signed { at: None, sequence: 0 };
        loop {
            ticks.tick().await;
            if let Err(error) = self.seal_and_sign(&mut signed).await {
                tell(&error);
            }
        }
    }

    /// Seals all that is committed, and signs where the chain stands. For whoever exports it.
    pub async fn create_checkpoint(&self, ctx: &Context) -> Result<Option<Checkpoint>, Error> {
        self.read_audit(ctx).await?;
        self.seal_all().await?;
        let head = self.db.audit_head().await?;
        let last = self.db.last_checkpoint().await?;
        if let Some(last) = last.filter(|last| last.sequence >= head.sequence) {
            return Ok(Some(last));
        }
        if head.sequence == 0 { Ok(None) } else { self.sign_head(head).await.map(Some) }
    }

    async fn seal_and_sign(&self, signed: &mut Signed) -> Result<(), Error> {
        let rows = self.seal_all().await?;
        let is_time = signed.at.is_none_or(|at| at.elapsed() >= self.settings.checkpoint_every);
        if rows == 0 && !is_time {
            return Ok(());
        }
        let head = self.db.audit_head().await?;
        self.progress.sealed.store(head.sequence, Ordering::Relaxed);
        if !is_time && head.sequence - signed.sequence < CHECKPOINT_ROWS {
            return Ok(());
        }
        let last = self.db.last_checkpoint().await?.map_or(0, |last| last.sequence);
        if last < head.sequence {
            self.sign_head(head).await?;
        }
        self.progress.signed_seconds.store(self.clock.now().seconds(), Ordering::Relaxed);
        *signed = Signed { at: Some(Instant::now()), sequence: head.sequence };
        Ok(())
    }

    /// Seals until nothing is left; between two batches, others have their turn.
    async fn seal_all(&self) -> Result<u32, Error> {
        let mut rows = 0;
        loop {
            let sealed = self.db.seal_audit().await?;
            rows += sealed;
            if sealed < SEAL_ROWS {
                return Ok(rows);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn sign_head(&self, head: Link) -> Result<Checkpoint, Error> {
        let now = self.clock.now();
        let key = self.keys.signing(now).await?;
        let (checkpoint, key) = checkpoint::sign(&key, head, now)?;
        self.db.put_checkpoint(&checkpoint, &key).await?;
        Ok(checkpoint)
    }
}

/// When this node last saw to checkpoints, and how far they went.
#[derive(Debug)]
struct Signed {
    at: Option<Instant>,
    sequence: i64,
}

pub(super) fn tell(error: &Error) {
    let error_shown = error as &dyn std::error::Error;
    if error.kind() == Kind::Unavailable {
        tracing::debug!(error = error_shown, "the audit log waits: the catalog takes no writes");
    } else {
        tracing::warn!(error = error_shown, "the audit log was not brought up to date; it will be tried again");
    }
}
