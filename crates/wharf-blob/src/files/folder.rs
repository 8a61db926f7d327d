//! Folders: making their names durable, one fsync for all who wait at the same time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::Durability;
use super::layout::{Folder, Layout};
use crate::blocking;
use crate::error::Error;

/// How many folders one request syncs at a time.
const AT_ONCE: usize = 8;

/// The folders of a store.
#[derive(Debug)]
pub(super) struct Folders {
    layout: Arc<Layout>,
    durability: Durability,
    queues: Mutex<HashMap<Folder, Arc<Queue>>>,
    // The folders of the fan-out that are known to survive a power loss; 65,536 at most.
    durable: Mutex<HashSet<[u8; 2]>>,
}

/// Those who wait for one folder. Everyone takes a number after changing the folder; an fsync that begins later covers
/// them.
#[derive(Debug, Default)]
struct Queue {
    numbers: AtomicU64,
    covered: tokio::sync::Mutex<Covered>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Covered {
    synced: u64,
    // An fsync that failed told so once; a second one would succeed without having written anything.
    failed: u64,
}

impl Folders {
    pub(super) fn new(layout: Arc<Layout>, durability: Durability) -> Self {
        Self { layout, durability, queues: Mutex::default(), durable: Mutex::default() }
    }

    /// Makes a folder of the fan-out and everything above it, durably.
    pub(super) async fn make(&self, fan_out: [u8; 2]) -> Result<(), Error> {
        if self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(&fan_out) {
            return Ok(());
        }
        let [upper, _] = fan_out;
        let layout = Arc::clone(&self.layout);
        blocking::run(move || {
            layout.make_folder(Folder::Upper(upper))?;
            layout.make_folder(Folder::Lower(fan_out))
        })
        .await??;
        // Also when they were there: whoever made them may not have got as far as this.
        self.sync(Folder::Blobs).await?;
        self.sync(Folder::Upper(upper)).await?;
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(fan_out);
        Ok(())
    }

    /// Makes the names in many folders durable.
    pub(super) async fn sync_all(&self, fan_outs: impl IntoIterator<Item = [u8; 2]>) -> Result<(), Error> {
        let syncs = fan_outs.into_iter().map(|fan_out| self.sync(Folder::Lower(fan_out)));
        stream::iter(syncs).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Makes the names that are in a folder now durable.
    pub(super) async fn sync(&self, folder: Folder) -> Result<(), Error> {
        match self.durability {
            Durability::Full => {}
            Durability::None => return Ok(()),
        }
        let queue = Arc::clone(self.queues.lock().unwrap_or_else(PoisonError::into_inner).entry(folder).or_default());
        let synced = self.wait(folder, &queue).await;
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: nobody else waits.
        if Arc::strong_count(&queue) == 2 {
            queues.remove(&folder);
        }
        synced
    }

    async fn wait(&self, folder: Folder, queue: &Queue) -> Result<(), Error> {
        let number = queue.numbers.fetch_add(1, Ordering::SeqCst) + 1;
        let mut covered = queue.covered.lock().await;
        if covered.failed >= number {
            let source = std::io::Error::other("the sync that this one shared has failed");
            return Err(Error::Folder { action: "sync", folder: folder.name(), source });
        }
        if covered.synced >= number {
            return Ok(());
        }
        let last = queue.numbers.load(Ordering::SeqCst);
        let layout = Arc::clone(&self.layout);
        let synced = blocking::run(move || layout.sync_folder(folder)).await?;
        match &synced {
            Ok(()) => covered.synced = last,
            Err(_) => covered.failed = last,
        }
        synced
    }
}
