//! Sealing: numbers without gaps, hashes that can be computed again, whoever seals and however many do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::audit::{AuditKey, Checkpoint};
use wharf_db::{AuditEntry, ChainHash, Db, Link, params};
use wharf_testkit::Database;

use super::{context, write};

/// Seals until nothing is left, and computes the whole chain again; how long it is.
async fn verified(db: &Db) -> i64 {
    while db.seal_audit().await.unwrap() > 0 {}
    let mut end = Link::ORIGIN;
    loop {
        let rows = db.list_chain(end.sequence, 50).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            end = end.next(&row);
            assert_eq!(row.link, Some(end));
        }
    }
    assert_eq!(db.audit_head().await.unwrap(), end);
    end.sequence
}

#[tokio::test]
async fn rows_are_sealed_once_in_the_order_that_they_were_found() {
    let database = Database::open().await;
    let db = &database.db;
    assert_eq!((db.seal_audit().await.unwrap(), db.audit_head().await.unwrap()), (0, Link::ORIGIN));
    for number in 0..300 {
        write(db, &AuditEntry::new(&context(), "tag.put", format!("p/{number}"))).await;
    }
    assert_eq!(db.seal_audit().await.unwrap(), 256);
    assert_eq!(db.seal_audit().await.unwrap(), 44);
    assert_eq!(verified(db).await, 300);
    let seventh = db.get_chained(7).await.unwrap().unwrap();
    assert_eq!(seventh.resource, "p/6");
    assert_eq!(db.get_chained(301).await.unwrap(), None);
}

/// Twice in one transaction, and perhaps taken back: neither may leave a trace in the numbers.
async fn write_twice(db: &Db, resource: &str, is_taken_back: bool) {
    let entry = AuditEntry::new(&context(), "tag.put", resource.to_owned());
    let kept: Result<(), wharf_db::Error> = db
        .transaction(async |tx| {
            tx.audit(&entry).await?;
            tx.audit(&entry).await?;
            if is_taken_back { Err(wharf_db::Error::Busy) } else { Ok(()) }
        })
        .await;
    assert_eq!(kept.is_err(), is_taken_back);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_sealers_at_once_leave_no_gap_and_are_in_no_writers_way() {
    let database = Database::open().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let sealers: Vec<_> = (0..4)
        .map(|_| {
            let (db, is_over) = (database.db.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    db.seal_audit().await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let db = database.db.clone();
            tokio::spawn(async move {
                for number in 0..40 {
                    write_twice(&db, &format!("p/{writer}-{number}"), number % 5 == 0).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for sealer in sealers {
        sealer.await.unwrap();
    }
    assert_eq!(verified(&database.db).await, 8 * 32 * 2);
    assert_eq!(database.db.figures().retried, 0, "nobody had to try again because rows were sealed");
}

#[tokio::test]
async fn a_row_that_was_changed_or_taken_away_breaks_the_chain_at_its_place() {
    let database = Database::open().await;
    let db = &database.db;
    for number in 0..5 {
        write(db, &AuditEntry::new(&context(), "tag.put", format!("p/{number}"))).await;
    }
    assert_eq!(verified(db).await, 5);
    db.transaction(async |tx| {
        tx.execute("UPDATE audit SET caller_name = 'mallory' WHERE sequence = ?1", &params![3]).await
    })
    .await
    .unwrap();
    let rows = db.list_chain(2, 1).await.unwrap();
    let before = db.get_chained(2).await.unwrap().unwrap().link.unwrap();
    assert_ne!(rows[0].link, Some(before.next(&rows[0])));
}

#[tokio::test]
async fn checkpoints_and_their_keys_are_kept_and_never_replaced() {
    let database = Database::open().await;
    let db = &database.db;
    let checkpoint = |sequence, key_id: &str| Checkpoint {
        sequence,
        hash: ChainHash([7; 32]),
        at: Timestamp(sequence),
        key_id: key_id.to_owned(),
        document: format!("signed by {key_id}"),
    };
    let key = |id: &str| AuditKey { id: id.to_owned(), public_key: id.as_bytes().to_vec() };
    assert_eq!(db.last_checkpoint().await.unwrap(), None);
    for (sequence, id) in [(4, "a"), (9, "b"), (9, "c"), (12, "a")] {
        db.put_checkpoint(&checkpoint(sequence, id), &key(id)).await.unwrap();
    }
    assert_eq!(db.last_checkpoint().await.unwrap(), Some(checkpoint(12, "a")));
    assert_eq!(db.list_checkpoints(4, 10).await.unwrap(), [checkpoint(9, "b"), checkpoint(12, "a")]);
    assert_eq!(db.list_audit_keys().await.unwrap(), ["a", "b", "c"].map(key));
}

#[tokio::test]
async fn a_time_is_found_in_the_chain() {
    let database = Database::open().await;
    let db = &database.db;
    let mut times = Vec::new();
    for number in 0..20 {
        write(db, &AuditEntry::new(&context(), "tag.put", format!("p/{number}"))).await;
        database.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(verified(db).await, 20);
    for row in db.list_chain(0, 20).await.unwrap() {
        times.push(row.at);
    }
    assert_eq!(db.find_chained(Timestamp(0)).await.unwrap(), 1);
    assert_eq!(db.find_chained(times[7]).await.unwrap(), 8);
    assert_eq!(db.find_chained(times[7].plus(Duration::from_secs(1))).await.unwrap(), 9);
    assert_eq!(db.find_chained(times[19].plus(Duration::from_secs(1))).await.unwrap(), 21);
}
