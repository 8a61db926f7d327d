//! Turns at SQLite's writer: a waiter that does not come is passed over, a holder that does not go is sent away.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use wharf_db::{Error, Settings, params};

use crate::{committed, put, sqlite};

/// Polls a future once and leaves it.
async fn poll_once<F: Future>(future: &mut std::pin::Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_waiter_that_is_not_polled_is_passed_over_and_has_its_turn_later() {
    let (_folder, db) = sqlite(|_| ()).await;
    let (go_on, begun) = (Notify::new(), Notify::new());
    let mut first = pin!(db.transaction(async |tx| {
        begun.notify_one();
        go_on.notified().await;
        put(tx, "first", 1).await
    }));
    poll_once(&mut first).await;
    begun.notified().await;
    let mut sleepy = pin!(db.transaction(async |tx| put(tx, "sleepy", 2).await));
    poll_once(&mut sleepy).await;
    let third = tokio::spawn({
        let db = db.clone();
        async move { db.transaction(async |tx| put(tx, "third", 3).await).await }
    });
    tokio::task::yield_now().await;
    go_on.notify_one();
    // `sleepy` is offered the turn and is not polled: neither of the others may wait for it.
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(third.await.unwrap().unwrap(), 1);
    assert_eq!(committed(&db, "sleepy").await, None);
    assert_eq!(sleepy.await.unwrap(), 1);
    assert_eq!(committed(&db, "sleepy").await, Some(2));
}

#[tokio::test]
async fn a_transaction_that_holds_the_writer_too_long_is_rolled_back() {
    let limit = |settings: &mut Settings| settings.transaction_timeout = Duration::from_millis(100);
    let (_folder, db) = sqlite(limit).await;
    let (go_on, begun) = (Notify::new(), Notify::new());
    let mut stuck = pin!(db.transaction(async |tx| {
        put(tx, "stuck", 1).await?;
        begun.notify_one();
        go_on.notified().await;
        put(tx, "stuck", 2).await
    }));
    poll_once(&mut stuck).await;
    begun.notified().await;
    db.transaction(async |tx| put(tx, "other", 3).await).await.unwrap();
    assert_eq!((committed(&db, "stuck").await, committed(&db, "other").await), (None, Some(3)));
    go_on.notify_one();
    assert!(matches!(stuck.await, Err(Error::Revoked)));
    assert_eq!(committed(&db, "stuck").await, None);
}

#[tokio::test]
async fn a_transaction_sent_away_is_told_so_even_if_it_asks_for_nothing_more() {
    let limit = |settings: &mut Settings| settings.transaction_timeout = Duration::from_millis(100);
    let (_folder, db) = sqlite(limit).await;
    let (go_on, begun) = (Notify::new(), Notify::new());
    let mut stuck = pin!(db.transaction(async |tx| {
        put(tx, "stuck", 1).await?;
        begun.notify_one();
        go_on.notified().await;
        Ok::<_, Error>(())
    }));
    poll_once(&mut stuck).await;
    begun.notified().await;
    db.transaction(async |tx| put(tx, "other", 3).await).await.unwrap();
    go_on.notify_one();
    assert!(matches!(stuck.await, Err(Error::Revoked)));
}

#[tokio::test]
async fn a_lone_transaction_is_committed_although_nobody_follows() {
    let (_folder, db) = sqlite(|_| ()).await;
    for number in 0..50 {
        db.transaction(async |tx| put(tx, "a", number).await).await.unwrap();
    }
    assert_eq!(db.figures().commits, 50);
    assert_eq!(db.figures().largest_batch, 1);
}

#[tokio::test]
async fn the_log_is_written_back_and_does_not_grow_without_bound() {
    let (folder, db) = sqlite(|_| ()).await;
    for round in 0..80_u8 {
        let big = vec![round; 1 << 20];
        db.transaction(async |tx| {
            let sql = "INSERT INTO leases (name, token, expires_at) VALUES ('big', ?1, ?2) \
                       ON CONFLICT (name) DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at";
            tx.execute(sql, &params![&big, i32::from(round)]).await
        })
        .await
        .unwrap();
    }
    assert!(db.figures().checkpoints >= 2, "{:?}", db.figures());
    let log = std::fs::metadata(folder.path().join("wharf.db-wal")).unwrap().len();
    assert!(log < 40 << 20, "the log has {log} bytes after 80 MiB of changes");
    drop(db);
    assert!(!folder.path().join("wharf.db-wal").exists(), "closing writes the log back and removes it");
}
