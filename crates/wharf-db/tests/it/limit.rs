//! Limits of time, and connections that end: on both databases.

use std::time::Duration;

use tokio::sync::Notify;
use wharf_context::Kind;
use wharf_db::{Db, Error, Settings};
use wharf_testkit::Database;

use crate::read::ENDLESS;
use crate::{committed, open_again, put};

const SHORT: Duration = Duration::from_millis(150);

/// A second handle, with one connection.
async fn with_settings(database: &Database, change: impl FnOnce(&mut Settings)) -> Db {
    let mut settings = Settings { pool_size: 1, ..database.settings().clone() };
    change(&mut settings);
    open_again(&settings).await.unwrap()
}

#[tokio::test]
async fn whoever_waits_too_long_is_told_that_the_database_is_busy() {
    let database = Database::open().await;
    let db = with_settings(&database, |settings| settings.wait_timeout = SHORT).await;
    let (go_on, begun) = (Notify::new(), Notify::new());
    let first = db.transaction(async |tx| {
        begun.notify_one();
        go_on.notified().await;
        put(tx, "first", 1).await
    });
    let second = async {
        begun.notified().await;
        let waited = tokio::time::timeout(Duration::from_secs(10), wait_for_a_turn(&db)).await;
        go_on.notify_one();
        waited.unwrap()
    };
    let (_, second) = tokio::join!(first, second);
    assert!(matches!(second, Err(Error::Busy)), "{second:?}");
    assert_eq!(second.unwrap_err().kind(), Kind::Unavailable);
}

async fn wait_for_a_turn(db: &Db) -> Result<u64, Error> {
    db.transaction(async |tx| put(tx, "second", 2).await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_never_ends_is_ended_and_others_go_on() {
    let database = Database::open().await;
    let db = with_settings(&database, |settings| settings.transaction_timeout = SHORT).await;
    let endless = db
        .transaction(async |tx| {
            put(tx, "endless", 1).await?;
            tx.query(ENDLESS, &[]).await
        })
        .await;
    assert!(matches!(endless, Err(Error::TooLong { .. })), "{endless:?}");
    db.transaction(async |tx| put(tx, "later", 2).await).await.unwrap();
    assert_eq!((committed(&db, "endless").await, committed(&db, "later").await), (None, Some(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_wait_for_each_other_are_both_done_in_the_end() {
    let database = Database::open().await;
    let db = &database.db;
    put_both(db, "a", "b").await.unwrap();
    for _ in 0..10 {
        let (one, other) = tokio::join!(put_both(db, "a", "b"), put_both(db, "b", "a"));
        one.unwrap();
        other.unwrap();
    }
    assert_eq!((committed(db, "a").await, committed(db, "b").await), (Some(21), Some(21)));
}

/// Locks the rows in the order given.
async fn put_both(db: &Db, first: &str, second: &str) -> Result<(), Error> {
    db.transaction(async |tx| {
        for name in [first, second] {
            let before = crate::seen(tx, name).await?.unwrap_or(0);
            put(tx, name, before + 1).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    })
    .await
}

/// On SQLite there is no connection that somebody else could end, and nothing must happen.
#[tokio::test]
async fn connections_that_the_server_has_ended_are_replaced() {
    let database = Database::open().await;
    let db = &database.db;
    for number in 0..3 {
        db.transaction(async |tx| put(tx, "a", number).await).await.unwrap();
        end_connections(&database).await;
        assert_eq!(committed(db, "a").await, Some(number));
        end_connections(&database).await;
    }
    db.transaction(async |tx| put(tx, "a", 9).await).await.unwrap();
    assert_eq!(committed(db, "a").await, Some(9));
}

/// Ends all sessions on the test's database but the one that does so.
async fn end_connections(database: &Database) {
    if database.is_postgres() {
        let other = open_again(&Settings { pool_size: 1, ..database.settings().clone() }).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.list(end, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_statement_stays_usable_when_its_table_gets_another_column() {
    let database = Database::open().await;
    let db = &database.db;
    let read =
        async || db.get("SELECT * FROM leases WHERE name = 'a'", &[]).await.unwrap().unwrap().into_values().len();
    let read_inside = async || {
        let row = db.transaction(async |tx| tx.query_opt("SELECT * FROM leases WHERE name = 'a'", &[]).await).await;
        row.unwrap().unwrap().into_values().len()
    };
    db.transaction(async |tx| put(tx, "a", 1).await).await.unwrap();
    assert_eq!((read().await, read_inside().await), (3, 3));
    let other = open_again(database.settings()).await.unwrap();
    other.transaction(async |tx| tx.execute("ALTER TABLE leases ADD COLUMN more INTEGER", &[]).await).await.unwrap();
    assert_eq!((read().await, read_inside().await), (4, 4));
}
