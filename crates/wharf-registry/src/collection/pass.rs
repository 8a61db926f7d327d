//! One pass: every step, in batches, until no batch is full.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use tokio::sync::{Mutex, Notify};
use uuid::Uuid;
use wharf_context::Timestamp;
use wharf_db::{Error as CatalogError, Tx};
use wharf_oci::Digest;

use super::store::status::{self, Passing};
use super::{BATCH, Collected, LEASE, store};
use crate::blob::store::hex_list;
use crate::error::Error;
use crate::ports::Resting;
use crate::registry::Registry;
use crate::upload;
use crate::{blob, manifest, moving, quota};

/// What a process remembers between two passes.
#[derive(Debug)]
pub(crate) struct Collecting {
    /// The process, among all that collect.
    pub(super) id: Uuid,
    /// Held by the pass that goes on.
    pub(super) turn: Mutex<()>,
    /// Somebody wants a pass now.
    pub(super) wanted: Notify,
    is_asked: AtomicBool,
    /// When the store was last asked for uploads that no row owns.
    orphans_at: AtomicI64,
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            id: Uuid::now_v7(),
            turn: Mutex::default(),
            wanted: Notify::new(),
            is_asked: AtomicBool::new(false),
            orphans_at: AtomicI64::new(i64::MIN),
        }
    }
}

impl Collecting {
    pub(super) fn ask(&self) {
        self.is_asked.store(true, Ordering::SeqCst);
        self.wanted.notify_one();
    }

    /// Whether it is time to look for orphaned uploads again: all of a store's uploads are listed for it.
    fn is_time_for_orphans(&self, now: Timestamp, every: std::time::Duration) -> bool {
        let last = self.orphans_at.load(Ordering::Relaxed);
        let is_time = last == i64::MIN || Timestamp(last).plus(every) <= now;
        if is_time {
            self.orphans_at.store(now.0, Ordering::Relaxed);
        }
        is_time
    }
}

/// A pass that goes on.
pub(super) struct Pass<'r> {
    registry: &'r Registry,
    pub(super) collected: Collected,
    is_asked: bool,
    began: Instant,
    started_at: Option<Timestamp>,
}

impl<'r> Pass<'r> {
    pub(super) fn begin(registry: &'r Registry) -> Self {
        let is_asked = registry.collecting.is_asked.swap(false, Ordering::SeqCst);
        Self { registry, collected: Collected::default(), is_asked, began: Instant::now(), started_at: None }
    }

    pub(super) async fn run(&mut self) -> Result<(), Error> {
        if self.is_asked {
            self.note(Passing::GoesOn).await?;
        }
        while self.step().await? {}
        self.abort_orphans().await
    }

    /// Writes down how it ended, unless it was one of the many that found nothing to do.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        self.registry.counters.collecting_rows_per_second.store(0, Ordering::Relaxed);
        if self.started_at.is_some() {
            self.note(Passing::Ended).await?;
        }
        self.registry.counters.collected(&self.collected);
        Ok(())
    }

    /// Takes one batch of everything; says whether some batch was full, so that more may be waiting.
    async fn step(&mut self) -> Result<bool, Error> {
        let before = self.collected;
        let uploads = self.registry.expire_uploads().await?;
        let manifests = self.registry.empty_expired().await?;
        let untagged = self.registry.review_untagged().await?;
        let reviewed = self.registry.review_blobs().await?;
        let (blobs, size_bytes) = self.registry.delete_blobs().await?;
        let collected = &mut self.collected;
        collected.uploads += uploads;
        collected.manifests += manifests;
        collected.untagged += untagged.binned;
        collected.reviewed += reviewed;
        collected.blobs += blobs;
        collected.size_bytes += size_bytes;
        if *collected != before {
            let rate = collected.rate(self.began.elapsed());
            self.registry.counters.collecting_rows_per_second.store(rate, Ordering::Relaxed);
            self.note(Passing::GoesOn).await?;
        }
        Ok([uploads, manifests, untagged.taken, reviewed, blobs].iter().any(|done| *done >= BATCH))
    }

    async fn note(&mut self, passing: Passing) -> Result<(), Error> {
        let (id, collected, started_at) = (self.registry.collecting.id, self.collected, self.started_at);
        let began = self.began;
        let started_at = self
            .registry
            .db
            .transaction(async |tx| {
                let started_at = started_at.unwrap_or(tx.now().minus(began.elapsed()));
                status::note_worker(tx, (id, started_at), &collected, passing).await?;
                Ok::<_, Error>(started_at)
            })
            .await?;
        self.started_at = Some(started_at);
        Ok(())
    }

    /// Ends uploads in the store that no row owns: those of requests that died before they came to the catalog.
    async fn abort_orphans(&self) -> Result<(), Error> {
        let registry = self.registry;
        let expiry = registry.settings.upload_expiry;
        if !registry.collecting.is_time_for_orphans(registry.clock.now(), expiry / 24) {
            return Ok(());
        }
        let resting = registry.store.uploads().await.map_err(Error::store("list uploads"))?;
        for upload in resting.iter().filter(|upload| upload.age > expiry) {
            if !upload::is_known(&registry.db, &upload.key).await? {
                registry.store.abort(&upload.key).await.map_err(Error::store("give up an orphaned upload"))?;
            }
        }
        Ok(())
    }
}

impl Registry {
    async fn expire_uploads(&self) -> Result<usize, Error> {
        let before = self.clock.now().minus(self.settings.upload_expiry);
        let expired = upload::expired(&self.db, before, BATCH).await?;
        for record in &expired {
            self.expire(record).await?;
        }
        Ok(expired.len())
    }

    async fn empty_expired(&self) -> Result<usize, Error> {
        let before = self.clock.now().minus(self.settings.bin_keep);
        let ids = manifest::store::expired(&self.db, before, BATCH).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let (keep, grace) = (self.settings.bin_keep, self.settings.grace);
        self.db
            .transaction(async |tx| {
                let before = tx.now().minus(keep);
                // Somebody may have restored some since they were listed, or another worker be at them.
                let ids = manifest::store::still_expired(tx, &ids, before).await?;
                let ids = self.without_kept(tx, ids).await?;
                manifest::store::erase(tx, &ids, grace).await
            })
            .await
    }

    /// Of manifests whose time in the bin is over, those that nobody has a hand on. The others' time begins anew.
    async fn without_kept(&self, tx: &mut Tx<'_>, ids: Vec<i64>) -> Result<Vec<i64>, Error> {
        let Some(admission) = self.admission.as_ref().filter(|_| !ids.is_empty()) else { return Ok(ids) };
        let resting = manifest::store::resting(tx, &ids).await?;
        let (ids, resting): (Vec<i64>, Vec<Resting>) = resting.into_iter().unzip();
        let kept: HashSet<usize> = admission.must_stay(tx, &resting).await?.into_iter().collect();
        let (kept, going): (Vec<_>, Vec<_>) = ids.into_iter().enumerate().partition(|(at, _)| kept.contains(at));
        let kept: Vec<i64> = kept.into_iter().map(|(_, id)| id).collect();
        manifest::store::bin_anew(tx, &kept).await?;
        Ok(going.into_iter().map(|(_, id)| id).collect())
    }

    async fn review_blobs(&self) -> Result<usize, Error> {
        let digests = self.db.claim(async |tx| store::claim_reviews(tx, BATCH, LEASE).await).await?;
        let mut waiting = vec![digests.as_slice()];
        while let Some(batch) = waiting.pop() {
            match self.judge(batch).await {
                // Others got in the way of so many rows, or they have very many links: half as many at a time.
                Err(Error::Catalog(CatalogError::Contended { .. } | CatalogError::TooLong { .. }))
                    if batch.len() > 1 =>
                {
                    let (left, right) = batch.split_at(batch.len() / 2);
                    waiting.extend([left, right]);
                }
                judged => judged?,
            }
        }
        Ok(digests.len())
    }

    /// Decides on blobs: links that no manifest backs go, and a blob without any link is marked for deletion.
    async fn judge(&self, digests: &[Digest]) -> Result<(), Error> {
        if digests.is_empty() {
            return Ok(());
        }
        let presigned_for = self.settings.presigned_for;
        self.db
            .transaction(async |tx| {
                let due = store::take_due(tx, digests).await?;
                blob::store::unlink_unbacked(tx, &due).await?;
                quota::store::content::release(tx, &hex_list(&due)?).await?;
                store::mark_unlinked(tx, &due, presigned_for).await
            })
            .await
    }

    /// Deletes the bytes of blobs that were found to be unused, then their rows.
    async fn delete_blobs(&self) -> Result<(usize, u64), Error> {
        let dying = self
            .db
            .claim(async |tx| {
                let dying = store::claim_dying(tx, BATCH, LEASE).await?;
                // A backup or a move counts on bytes that it has seen present. They stay until it has ended.
                Ok::<_, Error>(if moving::hold::is_held(tx).await? { Vec::new() } else { dying })
            })
            .await?;
        if dying.is_empty() {
            return Ok((0, 0));
        }
        let keys: Vec<_> = dying.iter().map(|dying| dying.storage_key).collect();
        self.store.delete(&keys).await.map_err(Error::store("delete collected blobs"))?;
        let ids: Vec<i64> = dying.iter().map(|dying| dying.id).collect();
        self.db.transaction(async |tx| store::forget(tx, &ids).await).await?;
        Ok((dying.len(), dying.iter().map(|dying| dying.size_bytes).sum()))
    }
}
