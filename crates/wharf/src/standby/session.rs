//! Following: items come in, bytes and batches go to where they belong, and the primary hears of it.
//!
//! Batches are taken in their order, each after the bytes that it may name. Bytes are brought over beside them, several at
//! once, so that a large blob holds up nobody who does not wait for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use tokio::task::JoinSet;
use uuid::Uuid;
use wharf_blob::StorageKey;
use wharf_db::log::{Entry, Replica};

use super::bytes::Carrier;
use super::message::{Done, Item, Reader, StoredBlob};
use super::progress::Progress;

/// Blobs that are on their way at once.
const AT_ONCE: usize = 64;
/// How often the primary hears from us when there is nothing to tell.
const BEAT: Duration = Duration::from_secs(1);

/// How long the primary may be silent: it says something every second.
const SILENCE: Duration = Duration::from_secs(10);

/// The copy of the catalog; gone when somebody has taken it over.
pub(super) type SharedReplica = Arc<Mutex<Option<Replica>>>;

/// One connection to the primary.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: Uuid,
    pub(super) carrier: Carrier,
    pub(super) replica: SharedReplica,
    pub(super) progress: Arc<Progress>,
}

/// What is under way.
#[derive(Debug, Default)]
struct Work {
    tasks: JoinSet<anyhow::Result<()>>,
    batches: Vec<(u64, wharf_db::LogBatch)>,
}

impl Session {
    /// Follows until something breaks.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        tokio::select! {
            received = self.receive() => received,
            told = self.tell() => told,
        }
    }

    async fn receive(&self) -> anyhow::Result<()> {
        let path = format!("log?session={}&number={}", self.id, self.progress.done());
        let (_, mut pieces) = self.carrier.peer.stream(&path).await?.context("the primary has no log")?;
        let (mut reader, mut work) = (Reader::default(), Work::default());
        loop {
            tokio::select! {
                piece = tokio::time::timeout(SILENCE, pieces.next()) => {
                    let Some(piece) = piece.context("the primary is silent")? else { bail!("the primary has ended the connection") };
                    reader.add(&piece.context("the connection to the primary broke")?);
                    while let Some((number, item)) = reader.next()? {
                        self.take(&mut work, number, item).await?;
                    }
                    self.flush(&mut work).await?;
                }
                Some(ended) = work.tasks.join_next() => ended.context("bringing over bytes")??,
            }
        }
    }

    async fn take(&self, work: &mut Work, number: u64, item: Item) -> anyhow::Result<()> {
        self.progress.hear(number);
        match item {
            Item::Beat => {}
            Item::Batch { after, batch } => {
                if self.progress.done() < after {
                    self.flush(work).await?;
                    self.wait_for(work, after).await?;
                }
                work.batches.push((number, batch));
            }
            Item::Stored { key, size_bytes, bytes } => {
                let blob = StoredBlob { key, size_bytes };
                self.progress.set_busy(key);
                let (carrier, progress) = (self.carrier.clone(), Arc::clone(&self.progress));
                work.tasks.spawn(async move {
                    let brought = carrier.bring(blob, bytes).await;
                    progress.set_idle(key);
                    brought.map(|()| progress.finish(&[number]))
                });
            }
            Item::Deleted(keys) => {
                let (carrier, progress) = (self.carrier.clone(), Arc::clone(&self.progress));
                // In their order: a batch before it may be the one that says that nothing counts on them.
                self.flush(work).await?;
                work.tasks.spawn(async move {
                    delete(&carrier, &progress, &keys).await.map(|()| progress.finish(&[number]))
                });
            }
        }
        while work.tasks.len() >= AT_ONCE {
            self.flush(work).await?;
            self.join(work).await?;
        }
        Ok(())
    }

    /// Waits until all up to `number` is done: batches are, so it is bytes that are on their way.
    async fn wait_for(&self, work: &mut Work, number: u64) -> anyhow::Result<()> {
        while self.progress.done() < number {
            ensure!(!work.tasks.is_empty(), "the primary has left out something before {number}");
            self.join(work).await?;
        }
        Ok(())
    }

    async fn join(&self, work: &mut Work) -> anyhow::Result<()> {
        match work.tasks.join_next().await {
            Some(ended) => ended.context("bringing over bytes")?,
            None => Ok(()),
        }
    }

    /// Makes the batches that have come durable, all at once.
    async fn flush(&self, work: &mut Work) -> anyhow::Result<()> {
        if work.batches.is_empty() {
            return Ok(());
        }
        let done = self.progress.done();
        let batches = std::mem::take(&mut work.batches);
        let numbers: Vec<u64> = batches.iter().map(|(number, _)| *number).collect();
        let entries = batches.into_iter().map(|(number, batch)| Entry { number, done, batch }).collect();
        let replica = Arc::clone(&self.replica);
        let appended = tokio::task::spawn_blocking(move || {
            let mut replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
            replica.as_mut().context("the catalog was taken over")?.append(entries).context("take in a batch")
        });
        appended.await.context("taking in a batch")??;
        self.progress.finish(&numbers);
        Ok(())
    }

    /// Tells the primary what is done, as soon as something is, and now and then.
    async fn tell(&self) -> anyhow::Result<()> {
        let mut changes = self.progress.changes();
        loop {
            changes.mark_unchanged();
            let (done, more) = self.progress.take_news();
            let news = Done { session: self.id, done, more, is_whole: true };
            self.carrier.peer.post::<()>("done", &news).await?;
            // Nothing new within the time is news, too.
            tokio::time::timeout(BEAT, changes.changed()).await.ok();
        }
    }
}

async fn delete(carrier: &Carrier, progress: &Progress, keys: &[StorageKey]) -> anyhow::Result<()> {
    progress.wait_for_idle(keys).await;
    carrier.store.delete(keys).await.context("delete bytes")
}
