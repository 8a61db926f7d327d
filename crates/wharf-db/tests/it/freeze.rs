//! Freezing: who may still do what, and until when.

use wharf_context::Kind;
use wharf_db::Error;
use wharf_testkit::Database;

use crate::{committed, open_again, put};

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_read_and_not_written_until_it_is_thawed() {
    let database = Database::open().await;
    let db = &database.db;
    db.transaction(async |tx| put(tx, "a", 1).await).await.unwrap();
    db.freeze().await.unwrap();
    let refused = db.transaction(async |tx| put(tx, "a", 2).await).await.unwrap_err();
    assert!(matches!(refused, Error::Frozen) && refused.kind() == Kind::Unavailable, "{refused}");
    assert!(matches!(db.claim(async |tx| put(tx, "a", 2).await).await, Err(Error::Frozen)));
    assert_eq!(committed(db, "a").await, Some(1));
    assert_eq!(db.list("SELECT name FROM leases", &[]).await.unwrap().len(), 1);
    db.thaw().await.unwrap();
    db.transaction(async |tx| put(tx, "a", 3).await).await.unwrap();
    assert_eq!(committed(db, "a").await, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_committed_when_it_is_frozen_stays_all_there_is() {
    let database = Database::open().await;
    let db = &database.db;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut written = 0;
                while db.transaction(async |tx| put(tx, &format!("{writer}/{written}"), 1).await).await.is_ok() {
                    written += 1;
                }
                written
            })
        })
        .collect();
    wharf_testkit::eventually("everybody writes", async || {
        db.list("SELECT name FROM leases", &[]).await.unwrap().len() > 50
    })
    .await;
    db.freeze().await.unwrap();
    let seen = db.list("SELECT name FROM leases", &[]).await.unwrap().len();
    let mut acknowledged = 0;
    for writer in writers {
        acknowledged += writer.await.unwrap();
    }
    let after = db.list("SELECT name FROM leases", &[]).await.unwrap().len();
    assert_eq!(seen, after, "nothing came after it was frozen");
    // On PostgreSQL a session that is ended while it commits may have committed.
    let lost = seen.abs_diff(acknowledged);
    assert!(acknowledged <= seen && (lost == 0 || database.is_postgres()), "{acknowledged} of {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_every_node_is_frozen_and_goes_on_after_it() {
    let database = Database::open().await;
    if !database.is_postgres() {
        return;
    }
    let other = open_again(database.settings()).await.unwrap();
    other.transaction(async |tx| put(tx, "a", 1).await).await.unwrap();
    database.db.freeze().await.unwrap();
    let refused = other.transaction(async |tx| put(tx, "a", 2).await).await.unwrap_err();
    assert!(matches!(refused, Error::Frozen), "{refused}");
    assert_eq!(committed(&other, "a").await, Some(1), "reads go on");
    let third = open_again(database.settings()).await.unwrap();
    assert!(matches!(third.transaction(async |tx| put(tx, "a", 2).await).await, Err(Error::Frozen)));
    database.db.thaw().await.unwrap();
    for node in [&other, &third, &database.db] {
        node.transaction(async |tx| put(tx, "a", 3).await).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_has_gone_is_noted_in_a_frozen_database_and_taken_back() {
    let database = Database::open().await;
    let db = &database.db;
    assert_eq!(db.moved("catalog").await.unwrap(), None);
    db.freeze().await.unwrap();
    db.set_moved("catalog", "elsewhere").await.unwrap();
    let other = open_again(database.settings()).await.unwrap();
    assert_eq!(other.moved("catalog").await.unwrap().unwrap().place, "elsewhere");
    db.clear_moved("catalog").await.unwrap();
    db.thaw().await.unwrap();
    assert_eq!(other.moved("catalog").await.unwrap(), None);
}

#[tokio::test]
async fn a_lease_is_seen_inside_of_a_transaction_until_it_ends() {
    let database = Database::open().await;
    let db = &database.db;
    let is_leased = async || db.transaction(async |tx| tx.is_leased("bytes").await).await.unwrap();
    assert!(!is_leased().await);
    let lease = db.lease("bytes", std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    assert!(is_leased().await);
    database.clock.advance(std::time::Duration::from_secs(61));
    assert!(!is_leased().await);
    db.release(lease).await.unwrap();
}
