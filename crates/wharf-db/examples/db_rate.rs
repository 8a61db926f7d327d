//! Transactions per second of one SQLite file, from 1 and from 64 tasks: `cargo run --release -p wharf-db --example db_rate`.
//!
//! Each transaction has three statements, as a small push has. The file lies in the folder given as the first argument,
//! by default the present one: it must be on a disk, or the figure says nothing. `synchronous` is FULL as always.

#![expect(clippy::print_stdout, reason = "the figures are for whoever runs this")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wharf_context::SystemClock;
use wharf_db::{Db, Settings, params};

const SECONDS: u64 = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = tempfile::tempdir_in(folder)?;
    let settings = Settings::new(format!("sqlite:{}", folder.path().join("rate.db").display()));
    let db = Db::open(&settings, Arc::new(SystemClock), Vec::new()).await?;
    for tasks in [1, 8, 64, 256] {
        measure(&db, tasks).await?;
    }
    point_reads(&db).await?;
    println!("{:#?}", db.figures());
    Ok(())
}

async fn measure(db: &Db, tasks: u64) -> Result<(), Box<dyn Error>> {
    let before = db.figures();
    let start = Instant::now();
    let end = start + Duration::from_secs(SECONDS);
    let running: Vec<_> = (0..tasks).map(|task| tokio::spawn(turn_over(db.clone(), task, end))).collect();
    let mut slowest = Duration::ZERO;
    for task in running {
        slowest = slowest.max(task.await??);
    }
    let (after, seconds) = (db.figures(), start.elapsed().as_secs_f64());
    let (transactions, commits) = (after.committed - before.committed, after.commits - before.commits);
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let (rate, batch) = (transactions as f64 / seconds, transactions as f64 / commits as f64);
    println!("{tasks:>4} tasks: {rate:>8.0} transactions/s, {batch:>5.1} per commit, slowest {slowest:?}");
    Ok(())
}

/// Runs transactions until `end`, and says how long the slowest took.
async fn turn_over(db: Db, task: u64, end: Instant) -> Result<Duration, wharf_db::Error> {
    let name = format!("task {task}");
    let mut slowest = Duration::ZERO;
    let mut number = 0_i64;
    while Instant::now() < end {
        number += 1;
        let start = Instant::now();
        db.transaction(async |tx| three_statements(tx, &name, number).await).await?;
        slowest = slowest.max(start.elapsed());
    }
    Ok(slowest)
}

async fn three_statements(tx: &mut wharf_db::Tx<'_>, name: &str, number: i64) -> Result<(), wharf_db::Error> {
    let put = "INSERT INTO leases (name, token, expires_at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at";
    tx.query_opt("SELECT expires_at FROM leases WHERE name = ?1", &params![name]).await?;
    tx.execute(put, &params![name, [7_u8; 16], number]).await?;
    let enqueue = "INSERT INTO jobs (kind, payload, created_at, run_at, attempts) VALUES ('rate', ?1, ?2, ?2, 0)";
    tx.execute(enqueue, &params![name, number]).await.map(drop)
}

async fn point_reads(db: &Db) -> Result<(), Box<dyn Error>> {
    let (start, mut reads) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(1) {
        db.get("SELECT expires_at FROM leases WHERE name = ?1", &params!["task 0"]).await?;
        reads += 1;
    }
    println!("point reads from one task: {:.1} µs each", start.elapsed().as_secs_f64() * 1e6 / f64::from(reads));
    Ok(())
}
