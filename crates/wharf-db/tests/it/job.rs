//! Jobs: run at least once, by one worker at a time, later after a failure, and listed when given up.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use wharf_context::Clock;
use wharf_db::{Db, Error, Job, NewJob, Worker, WorkerSettings};
use wharf_testkit::{Database, eventually};

use crate::put;

const MINUTE: Duration = Duration::from_secs(60);

fn settings() -> WorkerSettings {
    WorkerSettings {
        poll: Duration::from_millis(20),
        lease: MINUTE,
        attempts: 3,
        first_pause: MINUTE,
        longest_pause: 4 * MINUTE,
        ..WorkerSettings::default()
    }
}

/// A running worker that ends with this value.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(worker: Worker) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(worker.run(async {
            stopped.await.ok();
        }));
        Self { stop: Some(stop), task }
    }

    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
    }
}

async fn enqueue(database: &Database, kind: &'static str, payload: &str, delay: Duration) -> i64 {
    let run_at = database.clock.now().plus(delay);
    let enqueue =
        database.db.transaction(async |tx| tx.enqueue(NewJob { kind, payload: payload.to_owned(), run_at }).await);
    enqueue.await.unwrap()
}

async fn count(db: &Db) -> i64 {
    db.get("SELECT count(*) FROM jobs", &[]).await.unwrap().unwrap().integer(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_runs_once_and_is_gone() {
    let database = Database::open().await;
    let runs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&runs);
    let worker = Worker::new(database.db.clone(), settings()).handle("scan", move |job: Job| {
        seen.lock().unwrap().push((job.payload, job.attempts));
        async { Ok::<_, Error>(()) }
    });
    let running = Running::start(worker);
    enqueue(&database, "scan", "\"a\"", Duration::ZERO).await;
    eventually("the job is done", async || count(&database.db).await == 0).await;
    running.stop().await;
    assert_eq!(*runs.lock().unwrap(), [("\"a\"".to_owned(), 1)]);
    assert_eq!(database.db.figures().jobs_succeeded, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_jobs_are_shared_by_workers_and_each_runs_once() {
    let database = Database::open().await;
    let other = Db::open(database.settings(), Arc::clone(&database.clock) as _, Vec::new()).await.unwrap();
    let runs = Arc::new(Mutex::new(Vec::new()));
    let start = |db: &Db| {
        let runs = Arc::clone(&runs);
        Running::start(Worker::new(db.clone(), settings()).handle("scan", move |job: Job| {
            runs.lock().unwrap().push(job.id);
            async {
                tokio::task::yield_now().await;
                Ok::<_, Error>(())
            }
        }))
    };
    let workers = [start(&database.db), start(&database.db), start(&other)];
    let mut ids = BTreeSet::new();
    for _ in 0..100 {
        ids.insert(enqueue(&database, "scan", "{}", Duration::ZERO).await);
    }
    eventually("all jobs are done", async || count(&database.db).await == 0).await;
    for worker in workers {
        worker.stop().await;
    }
    let runs = runs.lock().unwrap();
    assert_eq!(runs.len(), 100, "none ran twice");
    assert_eq!(runs.iter().copied().collect::<BTreeSet<_>>().len(), 100);
}

#[tokio::test]
async fn a_job_of_another_kind_and_one_for_later_are_left_alone() {
    let database = Database::open().await;
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    enqueue(&database, "other", "{}", Duration::ZERO).await;
    enqueue(&database, "scan", "{}", MINUTE).await;
    enqueue(&database, "scan", "{}", Duration::ZERO).await;
    let running = Running::start(Worker::new(database.db.clone(), settings()).handle("scan", move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, Error>(()) }
    }));
    eventually("the job that is due is done", async || count(&database.db).await == 2).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    database.clock.advance(MINUTE);
    eventually("the later one is done too", async || count(&database.db).await == 1).await;
    running.stop().await;
    assert_eq!(database.db.job_delay(database.clock.now()).await.unwrap(), MINUTE);
}

#[tokio::test]
async fn a_job_that_fails_is_tried_later_and_later_and_then_listed_as_dead() {
    let database = Database::open().await;
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    let id = enqueue(&database, "scan", "{}", Duration::ZERO).await;
    let worker = Worker::new(database.db.clone(), settings()).handle("scan", move |_| {
        let attempt = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(attempt != 1, "the second attempt panics");
            Err::<(), _>(format!("attempt {attempt}"))
        }
    });
    let running = Running::start(worker);
    let failed = async |times| eventually("it failed", async || database.db.figures().jobs_failed == times).await;
    failed(1).await;
    database.clock.advance(MINUTE);
    failed(2).await;
    database.clock.advance(2 * MINUTE);
    let dead = async || database.db.dead_jobs(0, 10).await.unwrap();
    eventually("it is given up", async || !dead().await.is_empty()).await;
    let list = dead().await;
    assert_eq!((list[0].id, list[0].attempts, list[0].last_error.as_str()), (id, 3, "attempt 2"));
    assert_eq!(list[0].dead_at, database.clock.now());
    assert_eq!(database.db.dead_jobs(id, 10).await.unwrap(), []);
    database.clock.advance(100 * MINUTE);
    database.db.transaction(async |tx| tx.revive_job(id).await).await.unwrap();
    failed(4).await;
    running.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 4);
    assert!(!database.db.transaction(async |tx| tx.discard_job(id).await).await.unwrap(), "it is not dead now");
}

#[tokio::test]
async fn a_dead_job_can_be_discarded() {
    let database = Database::open().await;
    let id = enqueue(&database, "scan", "{}", Duration::ZERO).await;
    let once = WorkerSettings { attempts: 1, ..settings() };
    let running =
        Running::start(Worker::new(database.db.clone(), once).handle("scan", |_| async { Err::<(), _>("no") }));
    let dead = async || database.db.dead_jobs(0, 10).await.unwrap().len();
    eventually("it is given up", async || dead().await == 1).await;
    running.stop().await;
    assert!(database.db.transaction(async |tx| tx.discard_job(id).await).await.unwrap());
    assert_eq!((dead().await, count(&database.db).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_died_is_overtaken_and_can_change_nothing_afterwards() {
    let database = Database::open().await;
    let db = &database.db;
    enqueue(&database, "scan", "{}", Duration::ZERO).await;
    let (taken, first_job) = (Arc::new(Notify::new()), Arc::new(Mutex::new(None)));
    let (notify, keep) = (Arc::clone(&taken), Arc::clone(&first_job));
    let stuck = tokio::spawn(
        Worker::new(db.clone(), settings())
            .handle("scan", move |job: Job| {
                *keep.lock().unwrap() = Some(job);
                notify.notify_one();
                std::future::pending::<Result<(), Error>>()
            })
            .run(std::future::pending()),
    );
    taken.notified().await;
    stuck.abort();
    assert!(stuck.await.unwrap_err().is_cancelled());
    database.clock.advance(MINUTE);
    let second = Arc::new(AtomicU32::new(0));
    let attempts = Arc::clone(&second);
    let (own, db_of_handler) = (db.clone(), db.clone());
    let running = Running::start(Worker::new(own, settings()).handle("scan", move |job: Job| {
        attempts.store(job.attempts, Ordering::SeqCst);
        let db = db_of_handler.clone();
        async move {
            db.transaction(async |tx| {
                put(tx, "done", 2).await?;
                tx.complete(&job).await
            })
            .await
        }
    }));
    eventually("the job is done", async || count(db).await == 0).await;
    running.stop().await;
    assert_eq!(second.load(Ordering::SeqCst), 2, "the second attempt");
    assert_eq!(crate::committed(db, "done").await, Some(2));
    let late = first_job.lock().unwrap().take().unwrap();
    let checked = db
        .transaction(async |tx| {
            put(tx, "done", 1).await?;
            tx.check_lease(&late.lease).await
        })
        .await;
    assert!(matches!(checked, Err(Error::LeaseLost { .. })));
    assert_eq!(crate::committed(db, "done").await, Some(2));
}

#[tokio::test]
async fn a_job_that_runs_for_long_keeps_its_lease() {
    let database = Database::open().await;
    let lease = Duration::from_millis(300);
    enqueue(&database, "scan", "{}", Duration::ZERO).await;
    let ended = Arc::new(Notify::new());
    let end = Arc::clone(&ended);
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    let worker = Worker::new(database.db.clone(), WorkerSettings { lease, ..settings() }).handle("scan", move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        let end = Arc::clone(&end);
        async move {
            end.notified().await;
            Ok::<_, Error>(())
        }
    });
    let running = Running::start(worker);
    let leased_until = async || {
        let row = database.db.get("SELECT run_at FROM jobs", &[]).await.unwrap();
        row.map_or(0, |row| row.integer(0).unwrap())
    };
    for _ in 0..4 {
        let before = leased_until().await;
        database.clock.advance(lease / 2);
        eventually("the lease is renewed", async || leased_until().await > before).await;
    }
    ended.notify_one();
    eventually("the job is done", async || count(&database.db).await == 0).await;
    running.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_worker_that_is_stopped_lets_its_jobs_end_and_takes_no_more() {
    let database = Database::open().await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move |_| {
            begun.notify_one();
            let go_on = Arc::clone(&go_on);
            async move {
                go_on.notified().await;
                Ok::<_, Error>(())
            }
        }
    };
    let one = WorkerSettings { parallel: 1, ..settings() };
    let running = Running::start(Worker::new(database.db.clone(), one).handle("scan", handler));
    enqueue(&database, "scan", "1", Duration::ZERO).await;
    enqueue(&database, "scan", "2", Duration::ZERO).await;
    begun.notified().await;
    let mut stopping = Box::pin(running.stop());
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut stopping).await.is_err(), "its job is not done");
    go_on.notify_one();
    stopping.await;
    assert_eq!(count(&database.db).await, 1, "the second job is left for others");
}
