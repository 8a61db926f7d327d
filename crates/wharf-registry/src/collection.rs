//! Collection: gives back what nothing refers to any more, while everybody pushes and pulls.
//!
//! Whoever may have orphaned a blob gives it a review date in the same transaction; a push that relies on a blob moves
//! that date first and reads the blob's state afterwards. Workers on any node take due reviews in batches, decide in a
//! short transaction and delete bytes outside of it. What one of them has taken is its own for `LEASE`; should it die,
//! any other goes on with it afterwards. The cost follows what changed, not what is stored.
//!
//! Reading order: `pass` (the order of the steps), `untagged` with its `rule`, `status`, [`forecast`], [`holders`].

pub mod forecast;
pub mod holders;
pub(crate) mod pass;
#[cfg(test)]
mod plans;
pub(crate) mod rule;
pub mod status;
pub(crate) mod store;
pub(crate) mod untagged;

use std::time::Duration;

use wharf_context::{Context, Maintain, Timestamp};
use wharf_db::AuditEntry;

use crate::error::Error;
use crate::registry::Registry;
use pass::Pass;

/// How many rows one step takes, and how many blobs the store is asked to delete at a time.
const BATCH: usize = 1_000;

/// For how long what a worker has taken is its own.
const LEASE: Duration = Duration::from_secs(300);

/// What one pass gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Uploads that nobody continued.
    pub uploads: usize,
    /// Manifests whose time in the bin was over.
    pub manifests: usize,
    /// Manifests that went to the bin because nothing has needed them for long.
    pub untagged: usize,
    /// Blobs that were looked at.
    pub reviewed: usize,
    /// Blobs whose bytes are gone now.
    pub blobs: usize,
    /// How many bytes these were.
    pub size_bytes: u64,
}

impl Collected {
    /// How many rows were dealt with.
    fn rows(&self) -> u64 {
        (self.uploads + self.manifests + self.untagged + self.reviewed + self.blobs) as u64
    }

    /// Rows in a second.
    fn rate(&self, time: Duration) -> u64 {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1_000);
        self.rows().saturating_mul(1_000_000) / micros
    }
}

impl Registry {
    /// Collects until nothing is due. Safe to run on any number of nodes at once.
    pub async fn collect(&self) -> Result<Collected, Error> {
        // Two passes of one process would only take turns.
        let _turn = self.collecting.turn.lock().await;
        let mut pass = Pass::begin(self);
        let ended = pass.run().await;
        pass.end().await?;
        ended.map(|()| pass.collected)
    }

    /// Asks this process for a pass now. Says when it was asked for: a worker that started later has done it.
    pub async fn start_collection(&self, _: Maintain, ctx: &Context) -> Result<Timestamp, Error> {
        let asked_at = self
            .db
            .transaction(async |tx| {
                tx.audit(&AuditEntry::new(ctx, "collection.start", "registry")).await?;
                Ok::<_, Error>(tx.now())
            })
            .await?;
        self.collecting.ask();
        Ok(asked_at)
    }

    /// Collects every `interval`, and when it is asked to, until the future is dropped. A pass that fails is logged and
    /// tried again.
    pub async fn run_collection(&self) {
        tokio::join!(self.collect_for_ever(), self.watch_backlog());
    }

    async fn collect_for_ever(&self) {
        loop {
            match self.collect().await {
                Ok(collected) if collected == Collected::default() => {}
                Ok(collected) => tracing::info!(?collected, "collected"),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "collection failed and will be tried again"
                ),
            }
            let interval = self.settings.interval.max(Duration::from_secs(1));
            // Asked for or not, the next pass begins.
            tokio::time::timeout(interval, self.collecting.wanted.notified()).await.ok();
        }
    }
}
