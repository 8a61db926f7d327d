//! A stage: use cases that wait before every step (a transaction, a read, a call of the store) until it is their turn.

use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use wharf_blob::{
    Appended, Body, BoxFuture, Error, Memory, Reader, StorageKey, Store, Stored, Upload, UploadKey, UploadState,
};
use wharf_db::Pace;
use wharf_oci::Algorithm;

tokio::task_local! {
    /// Which of the two it is. Whoever is neither never waits.
    static ACTOR: usize;
}

/// Both actors, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    waiting: Mutex<[Option<oneshot::Sender<()>>; 2]>,
    done: Mutex<[bool; 2]>,
    changed: Notify,
}

/// One decision of a schedule: who went on, and who could have.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) taken: usize,
    pub(crate) possible: Vec<usize>,
}

impl Stage {
    async fn step(&self) {
        let Ok(actor) = ACTOR.try_with(|actor| *actor) else { return };
        let (go, gone) = oneshot::channel();
        self.waiting.lock().expect("no panic")[actor] = Some(go);
        self.changed.notify_one();
        // The stage goes on until both are done.
        gone.await.ok();
    }

    /// Runs both actors by the choices in `wanted`, and after them each to its end. Says what was chosen.
    pub(crate) async fn run(
        self: &Arc<Self>,
        actors: [Pin<Box<dyn Future<Output = ()> + Send>>; 2],
        wanted: &[usize],
    ) -> Vec<Choice> {
        *self.done.lock().expect("no panic") = [false; 2];
        let mut tasks = Vec::new();
        for (number, actor) in actors.into_iter().enumerate() {
            let stage = Arc::clone(self);
            tasks.push(tokio::spawn(ACTOR.scope(number, async move {
                stage.step().await;
                actor.await;
                stage.done.lock().expect("no panic")[number] = true;
                stage.changed.notify_one();
            })));
        }
        let mut choices: Vec<Choice> = Vec::new();
        loop {
            let possible = self.settled(&tasks).await;
            let Some(first) = possible.first() else { break };
            let last = choices.last().map_or(*first, |choice| choice.taken);
            let stays = if possible.contains(&last) { last } else { *first };
            let taken = wanted.get(choices.len()).copied().filter(|wanted| possible.contains(wanted)).unwrap_or(stays);
            let go = self.waiting.lock().expect("no panic")[taken].take();
            choices.push(Choice { taken, possible });
            go.expect("it waits").send(()).ok();
        }
        for task in tasks {
            task.await.expect("the actor ends well");
        }
        choices
    }

    /// Waits until each actor waits or is done; those that wait.
    async fn settled(&self, tasks: &[tokio::task::JoinHandle<()>]) -> Vec<usize> {
        loop {
            let changed = self.changed.notified();
            let (waiting, done) = {
                let waiting = self.waiting.lock().expect("no panic");
                let done = self.done.lock().expect("no panic");
                ([waiting[0].is_some(), waiting[1].is_some()], *done)
            };
            let is_over = |actor: usize| done[actor] || tasks[actor].is_finished();
            if (0..2).all(|actor| waiting[actor] || is_over(actor)) {
                return (0..2).filter(|actor| waiting[*actor]).collect();
            }
            tokio::time::timeout(Duration::from_millis(200), changed).await.ok();
        }
    }
}

impl Pace for Stage {
    fn wait(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.step())
    }
}

/// A store in memory whose every call is a step; it counts how it is asked to delete.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) memory: Arc<Memory>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) deletes: AtomicUsize,
}

impl Staged {
    pub(crate) fn new(memory: &Arc<Memory>, stage: &Arc<Stage>) -> Self {
        Self { memory: Arc::clone(memory), stage: Arc::clone(stage), deletes: AtomicUsize::new(0) }
    }
}

impl Store for Staged {
    fn begin(&self, upload: UploadKey) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.begin(upload).await
        })
    }

    fn append<'a>(&'a self, upload: &'a UploadKey, state: UploadState, body: Body) -> BoxFuture<'a, Appended> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.append(upload, state, body).await
        })
    }

    fn finish<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<StorageKey, Error>> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.finish(upload, state).await
        })
    }

    fn abort<'a>(&'a self, upload: &'a UploadKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.abort(upload).await
        })
    }

    fn open<'a>(&'a self, key: &'a StorageKey, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.open(key, range).await
        })
    }

    fn size<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move {
            self.stage.step().await;
            self.memory.size(key).await
        })
    }

    fn delete<'a>(&'a self, keys: &'a [StorageKey]) -> BoxFuture<'a, Result<(), Error>> {
        self.deletes.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.stage.step().await;
            self.memory.delete(keys).await
        })
    }

    fn uploads(&self) -> BoxFuture<'_, Result<Vec<Upload>, Error>> {
        self.memory.uploads()
    }

    fn list(&self, after: Option<StorageKey>, limit: usize) -> BoxFuture<'_, Result<Vec<Stored>, Error>> {
        self.memory.list(after, limit)
    }

    fn reread<'a>(&'a self, upload: &'a UploadKey, state: &'a UploadState) -> BoxFuture<'a, Result<Reader, Error>> {
        self.memory.reread(upload, state)
    }

    fn rehash<'a>(
        &'a self,
        upload: &'a UploadKey,
        state: UploadState,
        algorithm: Algorithm,
    ) -> BoxFuture<'a, Result<UploadState, Error>> {
        self.memory.rehash(upload, state, algorithm)
    }
}
