//! Reading outside of transactions: points inline, scans on threads of their own.
//!
//! Every statement sees what was committed before it. A scan is ended when its time is up or nobody waits for it: as
//! long as it runs, the log cannot be reset.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{self, Location};
use crate::error::Error;
use crate::row::Row;
use crate::value::Value;

/// Instructions of SQLite's machine between two looks at the clock: some tens of microseconds.
const LOOK_EVERY: i32 = 4096;

/// Connections for point reads: as many as ran at the same moment.
#[derive(Debug)]
pub(super) struct Points {
    location: Location,
    idle: Mutex<Vec<Connection>>,
}

impl Points {
    pub(super) fn new(location: Location) -> Self {
        Self { location, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn get(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(&self.location)?,
        };
        let row = connection::query_opt(&connection, sql, params);
        if !matches!(row, Err(Error::Unavailable { .. })) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        row
    }

    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn open(location: &Location) -> Result<Connection, Error> {
    location.open_reader().map_err(|source| Error::Unavailable { doing: "opening a reader", source: source.into() })
}

/// One scan that waits for a thread.
#[derive(Debug)]
struct Scan {
    sql: &'static str,
    params: Vec<Value>,
    deadline: Instant,
    /// Set when its caller is gone.
    is_abandoned: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<Vec<Row>, Error>>,
}

/// Scans that wait for a thread.
#[derive(Debug, Default)]
struct Line {
    waiting: Mutex<VecDeque<Scan>>,
    condvar: Condvar,
    is_closing: Arc<AtomicBool>,
}

/// The threads that scan.
#[derive(Debug)]
pub(super) struct Scans {
    line: Arc<Line>,
    threads: Vec<JoinHandle<()>>,
    limit: Duration,
}

/// Marks a scan as abandoned when its caller goes away.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Scans {
    pub(super) fn start(location: &Location, threads: usize, limit: Duration) -> Result<Self, std::io::Error> {
        let line = Arc::new(Line::default());
        let mut scans = Self { line, threads: Vec::new(), limit };
        for number in 0..threads.max(1) {
            let (line, location) = (Arc::clone(&scans.line), location.clone());
            let thread = std::thread::Builder::new().name(format!("db-scan-{number}"));
            scans.threads.push(thread.spawn(move || serve(&line, &location))?);
        }
        Ok(scans)
    }

    pub(super) async fn list(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        let (answer, row) = oneshot::channel();
        let abandon = Abandon(Arc::default());
        let is_abandoned = Arc::clone(&abandon.0);
        let deadline = Instant::now() + self.limit;
        let scan = Scan { sql, params: params.to_vec(), deadline, is_abandoned, answer };
        self.line.waiting().push_back(scan);
        self.line.condvar.notify_one();
        row.await.unwrap_or(Err(Error::Busy))
    }

    /// Ends the threads, with the scans that they run, and waits for them.
    pub(super) fn close(&mut self) {
        let mut waiting = self.line.waiting();
        self.line.is_closing.store(true, Ordering::Relaxed);
        waiting.clear();
        drop(waiting);
        self.line.condvar.notify_all();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread that scans the database panicked");
            }
        }
    }
}

/// The body of a scanning thread.
fn serve(line: &Line, location: &Location) {
    let mut connection = None;
    while let Some(scan) = line.next() {
        let rows = run(&mut connection, location, &scan, &line.is_closing);
        if matches!(rows, Err(Error::Unavailable { .. })) {
            connection = None;
        }
        // The caller may be gone.
        scan.answer.send(rows).ok();
    }
}

impl Line {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Scan>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Scan> {
        let mut waiting = self.waiting();
        loop {
            if let Some(scan) = waiting.pop_front() {
                return Some(scan);
            }
            if self.is_closing.load(Ordering::Relaxed) {
                return None;
            }
            waiting = self.condvar.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn run(
    connection: &mut Option<Connection>,
    location: &Location,
    scan: &Scan,
    is_closing: &Arc<AtomicBool>,
) -> Result<Vec<Row>, Error> {
    let is_over = {
        let ends = [Arc::clone(&scan.is_abandoned), Arc::clone(is_closing)];
        let deadline = scan.deadline;
        move || ends.iter().any(|end| end.load(Ordering::Relaxed)) || Instant::now() >= deadline
    };
    if is_over() {
        return Err(Error::Busy);
    }
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(open(location)?),
    };
    connection
        .progress_handler(LOOK_EVERY, Some(is_over))
        .map_err(|source| Error::Unavailable { doing: "setting a scan's limit", source: source.into() })?;
    connection::query(connection, scan.sql, &scan.params)
}
