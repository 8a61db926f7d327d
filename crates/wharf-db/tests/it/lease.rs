//! Leases: one holder at a time, and a token that outlives no holder.

use std::time::Duration;

use tokio::task::JoinSet;
use wharf_context::Kind;
use wharf_db::Error;
use wharf_testkit::Database;

use crate::put;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_lease_has_one_holder_until_it_ends() {
    let database = Database::open().await;
    let db = &database.db;
    let first = db.lease("seal", MINUTE).await.unwrap().unwrap();
    assert_eq!(first.name(), "seal");
    assert_eq!(db.lease("seal", MINUTE).await.unwrap(), None);
    assert!(db.lease("other", MINUTE).await.unwrap().is_some());
    database.clock.advance(MINUTE);
    assert!(db.lease("seal", MINUTE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lease_that_is_renewed_does_not_end() {
    let database = Database::open().await;
    let db = &database.db;
    let mut lease = db.lease("seal", MINUTE).await.unwrap().unwrap();
    for _ in 0..3 {
        database.clock.advance(MINUTE / 2);
        lease = db.renew(&lease, MINUTE).await.unwrap();
        assert_eq!(db.lease("seal", MINUTE).await.unwrap(), None);
    }
    db.release(lease).await.unwrap();
    assert!(db.lease("seal", MINUTE).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_lost_the_lease_can_change_nothing_under_it() {
    let database = Database::open().await;
    let db = &database.db;
    let lost = db.lease("seal", MINUTE).await.unwrap().unwrap();
    let checked = db.transaction(async |tx| tx.check_lease(&lost).await).await;
    checked.unwrap();
    database.clock.advance(MINUTE);
    // Its time is up, but nobody has taken it: nothing speaks against it.
    db.transaction(async |tx| tx.check_lease(&lost).await).await.unwrap();
    let held = db.lease("seal", MINUTE).await.unwrap().unwrap();
    let refused = db
        .transaction(async |tx| {
            put(tx, "sealed", 1).await?;
            tx.check_lease(&lost).await
        })
        .await;
    assert!(matches!(&refused, Err(Error::LeaseLost { name }) if name == "seal"));
    assert_eq!(refused.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(crate::committed(db, "sealed").await, None);
    assert!(matches!(db.renew(&lost, MINUTE).await, Err(Error::LeaseLost { .. })));
    db.release(lost).await.unwrap();
    db.transaction(async |tx| tx.check_lease(&held).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_ask_one_gets_the_lease() {
    let database = Database::open().await;
    let mut asking = JoinSet::new();
    for _ in 0..16 {
        let db = database.db.clone();
        asking.spawn(async move { db.lease("seal", MINUTE).await.unwrap().is_some() });
    }
    let got = asking.join_all().await;
    assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
}
