//! Syncing behind the writer: a large upload gets onto the disk while it arrives, instead of all in the end.
//!
//! The kernel would keep gigabytes in memory before it begins, and the sync that the client waits for would come on top
//! of the transfer. This is only about time: the sync that makes the promise is the append's last one.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::blocking;
use crate::error::Error;
use crate::key::UploadKey;

/// How much is written between two syncs.
const STEP_BYTES: usize = 32 * 1024 * 1024;

/// How many of these syncs one store has at a time: each holds a thread, and no disk is faster for more.
pub(super) const AT_ONCE: usize = 4;

/// The syncs of one append.
#[derive(Debug)]
pub(super) struct Behind {
    upload: UploadKey,
    file: Arc<File>,
    permits: Arc<Semaphore>,
    unsynced_bytes: usize,
    // An error is told by one sync only, so every outcome is kept until it is asked for.
    running: Option<JoinHandle<io::Result<()>>>,
    failed: Option<Error>,
}

impl Behind {
    pub(super) fn new(upload: UploadKey, file: Arc<File>, permits: &Arc<Semaphore>) -> Self {
        Self { upload, file, permits: Arc::clone(permits), unsynced_bytes: 0, running: None, failed: None }
    }

    /// More is being written: begins a sync when there is enough for one and none is running. Whether all went well so
    /// far.
    pub(super) async fn note(&mut self, size_bytes: usize) -> bool {
        self.unsynced_bytes += size_bytes;
        if self.unsynced_bytes < STEP_BYTES || self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return true;
        }
        self.wait().await;
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            let file = Arc::clone(&self.file);
            self.unsynced_bytes = 0;
            self.running = Some(tokio::task::spawn_blocking(move || {
                let _permit = permit;
                file.sync_data()
            }));
        }
        self.failed.is_none()
    }

    /// Waits for the last of them; whether all went well.
    pub(super) async fn end(mut self) -> Result<(), Error> {
        self.wait().await;
        self.failed.map_or(Ok(()), Err)
    }

    async fn wait(&mut self) {
        let Some(running) = self.running.take() else { return };
        let upload = self.upload;
        let synced = blocking::outcome(running.await)
            .and_then(|synced| synced.map_err(|source| Error::Upload { action: "sync", upload, source }));
        if let Err(error) = synced {
            self.failed.get_or_insert(error);
        }
    }
}
