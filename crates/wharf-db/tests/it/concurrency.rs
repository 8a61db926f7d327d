//! Many at once: nothing is lost, nobody is answered too early, and those that meet are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use wharf_db::{Db, Error};
use wharf_testkit::Database;

use crate::{committed, put, seen};

async fn run_all<F: Future<Output = ()> + Send + 'static>(tasks: impl Iterator<Item = F>) {
    let mut running: JoinSet<()> = tasks.collect();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// An error as parts have them: their own reasons, and the database's.
enum Refusal {
    Exists,
    Db(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Db(error)
    }
}

async fn add_one(db: &Db, attempts: &AtomicU32) -> Result<u64, Error> {
    db.transaction(async |tx| {
        attempts.fetch_add(1, Ordering::Relaxed);
        let before = seen(tx, "counter").await?.unwrap_or(0);
        put(tx, "counter", before + 1).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_of_a_shared_counter_is_lost() {
    let database = Database::open().await;
    let attempts = Arc::new(AtomicU32::new(0));
    run_all((0..16).map(|_| {
        let (db, attempts) = (database.db.clone(), Arc::clone(&attempts));
        async move {
            for _ in 0..10 {
                add_one(&db, &attempts).await.unwrap();
            }
        }
    }))
    .await;
    assert_eq!(committed(&database.db, "counter").await, Some(160));
    let figures = database.db.figures();
    assert_eq!(figures.committed, 160);
    assert_eq!(u64::from(attempts.load(Ordering::Relaxed)), 160 + figures.retried);
}

async fn leave_unless_alone(db: &Db, own: &str) -> Result<(), Error> {
    db.transaction(async |tx| {
        let row = tx.query_opt("SELECT count(*) FROM leases WHERE expires_at = 1", &[]).await?;
        if row.unwrap().integer(0)? == 2 {
            put(tx, own, 0).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rule_over_two_rows_holds_when_two_transactions_meet() {
    // Write skew: each sees that the other row is there and removes its own. One of them must see that it is alone.
    for round in 0..10 {
        let database = Database::open().await;
        let db = database.db.clone();
        db.transaction(async |tx| {
            put(tx, "a", 1).await?;
            put(tx, "b", 1).await
        })
        .await
        .unwrap();
        let barrier = Arc::new(Barrier::new(2));
        run_all(["a", "b"].into_iter().map(|own| {
            let (db, barrier) = (db.clone(), Arc::clone(&barrier));
            async move {
                barrier.wait().await;
                leave_unless_alone(&db, own).await.unwrap();
            }
        }))
        .await;
        let left = db.list("SELECT name FROM leases WHERE expires_at = 1", &[]).await.unwrap();
        assert_eq!(left.len(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_answered_is_committed() {
    let database = Database::open().await;
    run_all((0..64).map(|task| {
        let db = database.db.clone();
        async move {
            for number in 0..20 {
                let name = format!("{task}/{number}");
                db.transaction(async |tx| put(tx, &name, number).await).await.unwrap();
                // Another connection: it sees only what is committed.
                assert_eq!(committed(&db, &name).await, Some(number));
            }
        }
    }))
    .await;
    let figures = database.db.figures();
    assert_eq!(figures.committed, 64 * 20);
    assert!(database.is_postgres() || figures.commits < figures.committed, "commits are shared: {figures:?}");
}

async fn create(db: &Db, name: &str, number: i64) -> Result<(), Refusal> {
    db.transaction(async |tx| {
        if seen(tx, name).await?.is_some() {
            return Err(Refusal::Exists);
        }
        put(tx, name, number).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_is_not_answered_before_what_it_was_judged_by_is_committed() {
    let database = Database::open().await;
    run_all((0..64).map(|task| {
        let db = database.db.clone();
        async move {
            for number in 0..20 {
                let name = format!("{}", number % 5);
                let result = create(&db, &name, task).await;
                match result {
                    Ok(()) | Err(Refusal::Exists) => assert!(committed(&db, &name).await.is_some()),
                    Err(Refusal::Db(error)) => panic!("{error}"),
                }
            }
        }
    }))
    .await;
}

/// Keeps half of the numbers.
async fn put_or_fail(db: &Db, name: &str, number: i64) -> Result<u64, Error> {
    db.transaction(async |tx| {
        put(tx, name, number).await?;
        match number % 4 {
            0 => Err(Error::Busy),
            1 => tx.execute("INSERT INTO nowhere VALUES (1)", &[]).await,
            _ => Ok(0),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_that_fail_do_not_harm_those_that_do_not() {
    let database = Database::open().await;
    run_all((0..32).map(|task: i64| {
        let db = database.db.clone();
        async move {
            for number in 0..20 {
                let name = format!("{task}/{number}");
                let result = put_or_fail(&db, &name, task + number).await;
                let is_kept = (task + number) % 4 > 1;
                assert_eq!(result.is_ok(), is_kept);
                assert_eq!(committed(&db, &name).await.is_some(), is_kept);
            }
        }
    }))
    .await;
}
