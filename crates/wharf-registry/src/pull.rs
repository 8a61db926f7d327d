//! Pulls: who pulled what, and when each manifest was last asked for. Both beside the request's path.
//!
//! A request that pulls leaves two notes in memory; some seconds later they are written in batches. The log has all pulls, a share of them,
//! or none ([`PullLog`]); when a manifest was last asked for is kept in any case, because retention goes by it. It is exact to
//! [`crate::Settings::last_pull_interval`]: within that, a manifest is written once, however often it is pulled.

mod recent;
mod store;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use wharf_context::{Context, Timestamp};
use wharf_db::audit::journal::{Journal, Room};
use wharf_db::{AuditEntry, Db, Tx};
use wharf_oci::{Digest, Reference, RepositoryName};

use self::recent::Recent;
use crate::error::Error;
use crate::registry::Registry;
use crate::settings::Settings;

/// How often notes are written.
const EVERY: Duration = Duration::from_secs(5);
/// How many different pulls of the log have room between two writings. Nobody is refused a pull, so no address has a share.
const ROOM: Room = Room { entries: 50_000, per_address: usize::MAX };
/// How many manifests one transaction marks as pulled.
const BATCH: usize = 200;

/// Which pulls the audit log has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PullLog {
    /// None.
    Off,
    /// This share of them, from 0 to 1.
    Sampled(f64),
    /// All of them.
    Full,
}

/// What a request for a manifest was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// Its bytes.
    Manifest,
    /// Only that it is there: clients that have it ask so before they run it again.
    Headers,
}

/// What one process knows of pulls that is not written yet.
#[derive(Debug)]
pub(crate) struct Pulls {
    log: PullLog,
    journal: Journal,
    /// Runs round once for each pull that the log has.
    sampling: AtomicU32,
    recent: Recent,
}

impl Pulls {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            log: settings.pull_log,
            journal: Journal::new(ROOM),
            sampling: AtomicU32::new(0),
            recent: Recent::new(settings.last_pull_interval),
        }
    }

    /// Whether this pull is one for the log. Of each hundred, a share of 0.01 takes exactly one.
    fn is_logged(&self) -> bool {
        match self.log {
            PullLog::Off => false,
            PullLog::Full => true,
            PullLog::Sampled(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of the numbers that there are is one of them; what is beyond is cut to the ends"
                )]
                let step = (share.clamp(0.0, 1.0) * f64::from(u32::MAX)).ceil() as u32;
                let before = self.sampling.fetch_add(step, Ordering::Relaxed);
                before.checked_add(step).is_none()
            }
        }
    }

    /// How many pulls found no room on their way into the log.
    pub(crate) fn dropped(&self) -> u64 {
        self.journal.dropped()
    }
}

impl Registry {
    /// Notes that a manifest was pulled. Costs no statement.
    pub fn note_pull(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        reference: &Reference,
        (digest, pulled): (&Digest, Pulled),
    ) {
        let now = self.clock.now();
        self.pulls.recent.note(repository, digest, now);
        if pulled == Pulled::Manifest && self.pulls.is_logged() {
            let resource = match reference {
                Reference::Tag(tag) => format!("{repository}:{tag}"),
                Reference::Digest(digest) => format!("{repository}@{digest}"),
            };
            let details = json!({ "digest": digest.to_string() });
            self.pulls.journal.note(AuditEntry::new(ctx, "manifest.pull", resource).with_details(details), now);
        }
    }

    /// When a manifest was last asked for, as far as it is written: to some seconds and
    /// [`Settings::last_pull_interval`]. `None` where nobody ever has.
    pub async fn last_pulled(
        tx: &mut Tx<'_>,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Timestamp>, wharf_db::Error> {
        store::last_pulled(tx, repository, digest).await
    }

    /// Of `digests`, those that were ever asked for in a repository, and when they last were; as exactly as
    /// [`Registry::last_pulled`] says.
    pub async fn last_pulls(
        tx: &mut Tx<'_>,
        repository: &RepositoryName,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, Timestamp)>, Error> {
        store::last_pulls(tx, repository, digests).await
    }

    /// Writes what was noted, until the future is dropped.
    pub async fn run_pulls(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.write_pulls().await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "pulls were not written down; it will be tried again");
            }
        }
    }

    /// Writes what was noted so far.
    pub async fn write_pulls(&self) -> Result<(), Error> {
        self.pulls.journal.flush(&self.db).await?;
        let mut due = self.pulls.recent.take_due();
        // Nodes that mark the same manifests do so in one order and cannot wait for each other.
        due.sort();
        let interval = self.settings.last_pull_interval;
        let mut rest = due.as_slice();
        while !rest.is_empty() {
            let batch = &rest[..rest.len().min(BATCH)];
            if let Err(error) = mark(&self.db, batch, interval).await {
                self.pulls.recent.put_back(rest);
                return Err(error.into());
            }
            rest = &rest[batch.len()..];
        }
        Ok(())
    }
}

/// A manifest in a repository, and when it was pulled.
type Mark = (RepositoryName, Digest, Timestamp);

async fn mark(db: &Db, batch: &[Mark], interval: Duration) -> Result<(), wharf_db::Error> {
    // Others may mark the same manifests; nothing is decided by what is read here.
    db.claim(async |tx| {
        for (repository, digest, at) in batch {
            store::mark(tx, (repository, digest), *at, interval).await?;
        }
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_pulls_is_logged_evenly() {
        for (share, wanted) in [(0.0, 0..=0), (0.01, 99..=101), (0.5, 4_999..=5_001), (1.0, 9_999..=10_000)] {
            let pulls = Pulls::new(&Settings { pull_log: PullLog::Sampled(share), ..Settings::default() });
            let logged = (0..10_000).filter(|_| pulls.is_logged()).count();
            assert!(wanted.contains(&logged), "{share}: {logged}");
        }
    }
}
