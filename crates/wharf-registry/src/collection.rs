//! Collection: gives back what nothing refers to any more, while everybody pushes and pulls.
//!
//! Whoever may have orphaned a blob gives it a review date in the same transaction; a push that relies on a blob moves
//! that date first and reads the blob's state afterwards. A worker takes due reviews in batches, decides in a short
//! transaction and deletes bytes outside of it. The cost follows what changed, not what is stored.

mod store;

use std::time::Duration;

use crate::error::Error;
use crate::registry::Registry;
use crate::upload;

/// How many rows one step takes.
const BATCH: usize = 1_000;

/// What one pass gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Uploads that nobody continued.
    pub uploads: usize,
    /// Manifests whose time in the bin was over.
    pub manifests: usize,
    /// Blobs whose bytes are gone now.
    pub blobs: usize,
}

impl Registry {
    /// Collects until nothing is due. Safe to run on any number of nodes at once.
    pub async fn collect(&self) -> Result<Collected, Error> {
        let mut collected = Collected::default();
        while self.step(&mut collected).await? {}
        self.abort_orphans().await?;
        self.counters.collected(&collected);
        Ok(collected)
    }

    /// Takes one batch of everything; says whether some batch was full, so that more may be waiting.
    async fn step(&self, collected: &mut Collected) -> Result<bool, Error> {
        let uploads = self.expire_uploads().await?;
        let manifests = self.empty_bin().await?;
        let reviewed = self.review_blobs().await?;
        let blobs = self.delete_blobs().await?;
        collected.uploads += uploads;
        collected.manifests += manifests;
        collected.blobs += blobs;
        Ok([uploads, manifests, reviewed, blobs].iter().any(|done| *done >= BATCH))
    }

    /// Collects every `interval` until the future is dropped. A pass that fails is logged and tried again.
    pub async fn run_collection(&self) {
        loop {
            match self.collect().await {
                Ok(collected) if collected == Collected::default() => {}
                Ok(collected) => tracing::info!(?collected, "collected"),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "collection failed and will be tried again"
                ),
            }
            tokio::time::sleep(self.settings.interval.max(Duration::from_secs(1))).await;
        }
    }

    async fn expire_uploads(&self) -> Result<usize, Error> {
        let before = self.clock.now().minus(self.settings.upload_expiry);
        let expired = upload::expired(&self.db, before, BATCH).await?;
        for record in &expired {
            self.discard(record).await?;
        }
        Ok(expired.len())
    }

    async fn empty_bin(&self) -> Result<usize, Error> {
        let (keep, grace) = (self.settings.bin_keep, self.settings.grace);
        self.db
            .transaction(async |tx| {
                let before = tx.now().minus(keep);
                store::empty_bin(tx, before, grace, BATCH).await
            })
            .await
    }

    async fn review_blobs(&self) -> Result<usize, Error> {
        self.db.transaction(async |tx| store::review(tx, BATCH).await).await
    }

    /// Deletes the bytes of blobs that were found to be unused, then their rows.
    async fn delete_blobs(&self) -> Result<usize, Error> {
        let dying = store::dying(&self.db, BATCH).await?;
        if dying.is_empty() {
            return Ok(0);
        }
        let keys: Vec<_> = dying.iter().map(|(_, key)| *key).collect();
        self.store.delete(&keys).await.map_err(Error::store("delete collected blobs"))?;
        let ids: Vec<i64> = dying.iter().map(|(id, _)| *id).collect();
        self.db.transaction(async |tx| store::forget(tx, &ids).await).await?;
        Ok(dying.len())
    }

    /// Ends uploads in the store that no row owns: those of requests that died before they came to the catalog.
    async fn abort_orphans(&self) -> Result<(), Error> {
        let resting = self.store.uploads().await.map_err(Error::store("list uploads"))?;
        for upload in resting.iter().filter(|upload| upload.age > self.settings.upload_expiry) {
            if !upload::is_known(&self.db, &upload.key).await? {
                self.store.abort(&upload.key).await.map_err(Error::store("give up an orphaned upload"))?;
            }
        }
        Ok(())
    }
}
