//! Lanes: work on batches in order, on a thread that is only held while there is work.
//!
//! A task of its own per upload that waits for the next batch would hold a thread for as long as the slowest client
//! cares to send; a few hundred of those and nobody else gets one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::batch::Batch;
use crate::error::Error;

/// How many batches wait in a lane before its feeder has to.
const DEPTH: usize = 2;

/// What a lane does with each batch.
pub(super) trait Work: Send + 'static {
    /// Does it. Blocks. After a failure it gets no further batch.
    fn take(&mut self, batch: &Batch) -> Result<(), Error>;
}

/// Work that takes batches in the order in which they are pushed.
#[derive(Debug)]
pub(super) struct Lane<W: Work> {
    shared: Arc<Shared<W>>,
}

#[derive(Debug)]
struct Shared<W> {
    inner: Mutex<Inner<W>>,
    // Told whenever room is made, work goes idle or has failed. One task waits: the lane's feeder.
    changed: Notify,
}

#[derive(Debug)]
struct Inner<W> {
    queue: VecDeque<Arc<Batch>>,
    // None while a thread has it.
    idle: Option<W>,
    failed: Option<Error>,
    is_broken: bool,
}

impl<W> Shared<W> {
    fn inner(&self) -> MutexGuard<'_, Inner<W>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> Lane<W> {
    pub(super) fn new(work: W) -> Self {
        let inner = Inner { queue: VecDeque::new(), idle: Some(work), failed: None, is_broken: false };
        Self { shared: Arc::new(Shared { inner: Mutex::new(inner), changed: Notify::new() }) }
    }

    /// Hands a batch over, waiting while the lane is full. Whether it can be of use: not once the work has failed.
    pub(super) async fn push(&self, batch: &Arc<Batch>) -> bool {
        loop {
            if let Some(is_alive) = self.try_push(batch) {
                return is_alive;
            }
            self.shared.changed.notified().await;
        }
    }

    fn try_push(&self, batch: &Arc<Batch>) -> Option<bool> {
        let mut inner = self.shared.inner();
        if inner.is_broken {
            return Some(false);
        }
        if inner.queue.len() >= DEPTH {
            return None;
        }
        inner.queue.push_back(Arc::clone(batch));
        if let Some(work) = inner.idle.take() {
            let run = Run { shared: Arc::clone(&self.shared), work: Some(work) };
            tokio::task::spawn_blocking(move || run.all());
        }
        Some(true)
    }

    /// Waits for all that was pushed, and gives the work back.
    pub(super) async fn end(self) -> Result<W, Error> {
        loop {
            if let Some(ended) = self.try_end() {
                return ended;
            }
            self.shared.changed.notified().await;
        }
    }

    fn try_end(&self) -> Option<Result<W, Error>> {
        let mut inner = self.shared.inner();
        if inner.is_broken {
            return Some(Err(inner.failed.take().unwrap_or(Error::Stopped)));
        }
        inner.idle.take().map(Ok)
    }
}

/// A thread's time with the work.
struct Run<W: Work> {
    shared: Arc<Shared<W>>,
    work: Option<W>,
}

impl<W: Work> Run<W> {
    fn all(mut self) {
        while let Some(batch) = self.next() {
            let done = self.work.as_mut().map_or(Ok(()), |work| work.take(&batch));
            if let Err(error) = done {
                self.shared.inner().failed = Some(error);
                return;
            }
        }
    }

    /// The next batch; when there is none, the work goes idle under the same lock, so that no batch is overlooked.
    fn next(&mut self) -> Option<Arc<Batch>> {
        let mut inner = self.shared.inner();
        let batch = inner.queue.pop_front();
        if batch.is_none() {
            inner.idle = self.work.take();
        }
        drop(inner);
        self.shared.changed.notify_one();
        batch
    }
}

impl<W: Work> Drop for Run<W> {
    /// Ended with the work in hand: it has failed or panicked, or the runtime was shut down before the thread began.
    fn drop(&mut self) {
        if self.work.take().is_some() {
            let mut inner = self.shared.inner();
            inner.is_broken = true;
            inner.queue.clear();
            drop(inner);
            self.shared.changed.notify_one();
        }
    }
}
