//! Transactions: what is kept, what is undone, who may borrow what.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use wharf_context::{Caller, Clock, Context, Event, Grants, Kind, RequestId};
use wharf_db::{AuditEntry, Db, Error, NewJob, Value, params};
use wharf_testkit::Database;

use crate::{committed, put, seen};

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_transaction_borrows_its_surroundings_and_its_future_is_send() {
    let database = Database::open().await;
    let name = String::from("a");
    let others = [String::from("b"), String::from("c")];
    let future = database.db.transaction(async |tx| {
        put(tx, &name, 7).await?;
        for other in &others {
            put(tx, other, 8).await?;
        }
        let rows = tx.query("SELECT name, token FROM leases ORDER BY name", &[]).await?;
        for row in &rows {
            assert_eq!(row.bytes(1)?, [1, 2]);
        }
        Ok::<_, Error>(rows.len())
    });
    assert_eq!(assert_send(future).await.unwrap(), 3);
    assert_eq!(committed(&database.db, &name).await, Some(7));
}

#[tokio::test]
async fn a_transaction_runs_on_another_task_with_what_it_owns() {
    let database = Database::open().await;
    let (db, name) = (database.db.clone(), String::from("a"));
    let task = tokio::spawn(async move { db.transaction(async |tx| put(tx, &name, 7).await).await });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn whatever_a_transaction_does_its_future_is_send() {
    let database = Database::open().await;
    let db = database.db.clone();
    let ctx = Context::new(Caller::system(), RequestId::generate(), None, Grants::default());
    let lease = db.lease("seal", Duration::from_secs(60)).await.unwrap().unwrap();
    let task = tokio::spawn(async move {
        db.transaction(async |tx| {
            tx.check_lease(&lease).await?;
            tx.audit(&AuditEntry::new(&ctx, "seal", "all")).await?;
            let event = Event::ManifestDeleted { repository: "p/a".to_owned(), digest: "sha256:0".to_owned() };
            tx.announce(event).await?;
            let id = tx.enqueue(NewJob { kind: "scan", payload: "{}".to_owned(), run_at: tx.now() }).await?;
            tx.revive_job(id).await
        })
        .await
    });
    assert!(!task.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_failed_closure_leaves_nothing() {
    let database = Database::open().await;
    let result: Result<(), Error> = database
        .db
        .transaction(async |tx| {
            put(tx, "a", 1).await?;
            Err(Error::Busy)
        })
        .await;
    assert!(matches!(result, Err(Error::Busy)));
    assert_eq!(committed(&database.db, "a").await, None);
    assert!(database.db.list("SELECT name FROM leases", &[]).await.unwrap().is_empty());
    assert_eq!(database.db.figures().rolled_back, 1);
}

#[tokio::test]
async fn a_callers_own_error_type_comes_back_as_it_was() {
    #[derive(Debug)]
    enum Own {
        Refused(u32),
        Db,
    }
    impl From<Error> for Own {
        fn from(_: Error) -> Self {
            Self::Db
        }
    }
    let database = Database::open().await;
    let refused: Result<(), Own> = database.db.transaction(async |_| Err(Own::Refused(7))).await;
    assert!(matches!(refused, Err(Own::Refused(7))));
    let failed: Result<u64, Own> = database.db.transaction(async |tx| Ok(tx.execute("nonsense", &[]).await?)).await;
    assert!(matches!(failed, Err(Own::Db)));
}

#[tokio::test]
async fn after_a_statement_error_the_transaction_refuses_further_statements() {
    let database = Database::open().await;
    let result = database
        .db
        .transaction(async |tx| {
            put(tx, "a", 1).await?;
            let broken = tx.execute("INSERT INTO leases (name, token) VALUES ('b', ?1)", &params![[1_u8]]).await;
            assert_eq!(broken.unwrap_err().kind(), Kind::Conflict);
            let refused = put(tx, "c", 1).await.unwrap_err();
            assert!(matches!(refused, Error::AfterFailure { .. }));
            Ok::<_, Error>(())
        })
        .await;
    assert!(matches!(result, Err(Error::Ignored)), "{result:?}");
    assert_eq!(committed(&database.db, "a").await, None);
    database.db.transaction(async |tx| put(tx, "a", 2).await).await.unwrap();
    assert_eq!(committed(&database.db, "a").await, Some(2));
}

#[tokio::test]
async fn text_with_a_nul_is_refused_on_both() {
    let database = Database::open().await;
    let result = database.db.transaction(async |tx| put(tx, "a\0b", 1).await).await;
    assert!(matches!(&result, Err(Error::Nul)));
    assert_eq!(result.unwrap_err().kind(), Kind::Invalid);
    let read = database.db.get("SELECT 1 FROM leases WHERE name = ?1", &params!["a\0"]).await;
    assert!(matches!(read, Err(Error::Nul)));
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let database = Database::open().await;
    let row = database
        .db
        .transaction(async |tx| {
            let insert = "INSERT INTO jobs (kind, payload, created_at, run_at, attempts, token, last_error, dead_at) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                          RETURNING kind, payload, created_at, run_at, attempts, token, last_error, dead_at";
            let values =
                params!["ü", String::new(), i64::MIN, i64::MAX, true, vec![0_u8, 255], None::<&str>, Some(tx.now()),];
            tx.query_opt(insert, &values).await
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.text(0).unwrap(), row.text(1).unwrap()), ("ü", ""));
    assert_eq!((row.integer(2).unwrap(), row.integer(3).unwrap()), (i64::MIN, i64::MAX));
    assert!(row.boolean(4).unwrap());
    assert_eq!(row.bytes(5).unwrap(), [0, 255]);
    assert_eq!((row.optional_text(6).unwrap(), row.value(6)), (None, &Value::Null));
    assert_eq!(row.timestamp(7).unwrap(), database.clock.now());
    assert!(matches!(row.integer(0), Err(Error::Column { column: 0, wanted: "an integer", found: "text" })));
    assert!(matches!(row.text(6), Err(Error::Column { found: "null", .. })));
    assert!(matches!(row.optional_bytes(8), Err(Error::Column { .. })));
}

#[tokio::test]
async fn sums_and_counts_are_integers_on_both() {
    let database = Database::open().await;
    let db = &database.db;
    db.transaction(async |tx| {
        put(tx, "a", i64::MAX - 1).await?;
        put(tx, "b", 1).await
    })
    .await
    .unwrap();
    let row = db.get("SELECT sum(expires_at), count(*), max(name) FROM leases", &[]).await.unwrap().unwrap();
    assert_eq!((row.integer(0).unwrap(), row.integer(1).unwrap(), row.text(2).unwrap()), (i64::MAX, 2, "b"));
}

#[tokio::test]
async fn text_is_ordered_by_its_bytes_on_both() {
    let database = Database::open().await;
    let names = ["a-b", "B", "a", "a/b", "ä", "ab", "a.b"];
    let db = &database.db;
    db.transaction(async |tx| {
        for name in names {
            put(tx, name, 1).await?;
        }
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let rows = db.list("SELECT name FROM leases ORDER BY name", &[]).await.unwrap();
    let listed: Vec<_> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn use_of_the_database_inside_a_transaction_is_refused() {
    let database = Database::open().await;
    let db = &database.db;
    let (mut nested, mut get, mut list) = (None, None, None);
    let outcomes = std::sync::Mutex::new((&mut nested, &mut get, &mut list));
    db.transaction(async |tx| {
        put(tx, "a", 1).await?;
        let inner = db.transaction(async |tx| put(tx, "b", 1).await).await;
        let (one, many) = (db.get("SELECT 1", &[]).await, db.list("SELECT 1", &[]).await);
        let mut outcomes = outcomes.lock().unwrap();
        (*outcomes.0, *outcomes.1, *outcomes.2) = (Some(inner), Some(one), Some(many));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert!(matches!(nested, Some(Err(Error::Nested))));
    assert!(matches!(get, Some(Err(Error::Nested))));
    assert!(matches!(list, Some(Err(Error::Nested))));
    assert_eq!((committed(db, "a").await, committed(db, "b").await), (Some(1), None));
}

#[tokio::test]
async fn a_panic_in_a_closure_leaves_nothing_and_the_database_goes_on() {
    let database = Database::open().await;
    let db = database.db.clone();
    let task = tokio::spawn(async move {
        db.transaction(async |tx| {
            put(tx, "a", 1).await?;
            assert!(seen(tx, "a").await?.is_none(), "this panics");
            Ok::<_, Error>(())
        })
        .await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(committed(&database.db, "a").await, None);
    database.db.transaction(async |tx| put(tx, "b", 2).await).await.unwrap();
    assert_eq!(committed(&database.db, "b").await, Some(2));
}

#[tokio::test]
async fn a_transaction_dropped_in_the_middle_leaves_nothing_and_the_database_goes_on() {
    let database = Database::open().await;
    let db = &database.db;
    let begun = tokio::sync::Notify::new();
    let mut dropped = Box::pin(db.transaction(async |tx| {
        put(tx, "a", 1).await?;
        begun.notify_one();
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    }));
    tokio::select! {
        _ = &mut dropped => unreachable!("it waits forever"),
        () = begun.notified() => {}
    }
    drop(dropped);
    for number in 0..20 {
        db.transaction(async |tx| put(tx, "b", number).await).await.unwrap();
    }
    assert_eq!((committed(db, "a").await, committed(db, "b").await), (None, Some(19)));
}

async fn put_twice(db: &Db, name: String, ran: &AtomicU32) -> Result<u64, Error> {
    db.transaction(async |tx| {
        put(tx, &name, 1).await?;
        tokio::task::yield_now().await;
        ran.fetch_add(1, Ordering::Relaxed);
        put(tx, &name, 2).await
    })
    .await
}

#[tokio::test]
async fn transactions_dropped_at_any_moment_wedge_nothing() {
    let database = Database::open().await;
    let db = &database.db;
    let ran = AtomicU32::new(0);
    for round in 0..200_usize {
        let mut futures: Vec<_> = (0..6).map(|task| Box::pin(put_twice(db, format!("task {task}"), &ran))).collect();
        // All are polled for another while, some of them less often, and then dropped where they are.
        let mut polls = 0;
        let polled = poll_fn(|cx| {
            polls += 1;
            let mut some = futures.iter_mut().skip(polls % (1 + round % 3));
            if some.any(|future| future.as_mut().poll(cx).is_ready()) { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::time::timeout(Duration::from_micros(u64::try_from(round).unwrap() * 20), polled).await.ok();
    }
    assert!(ran.load(Ordering::Relaxed) > 0);
    db.transaction(async |tx| put(tx, "end", 3).await).await.unwrap();
    assert_eq!(committed(db, "end").await, Some(3));
    let half_done = db.list("SELECT name FROM leases WHERE expires_at = 1", &[]).await.unwrap();
    assert!(half_done.is_empty());
}

#[tokio::test]
async fn time_stands_still_in_a_transaction_and_moves_between_two() {
    let database = Database::open().await;
    let clock = &database.clock;
    let now = async || {
        let first = database
            .db
            .transaction(async |tx| {
                let now = tx.now();
                clock.advance(Duration::from_secs(1));
                assert_eq!(tx.now(), now);
                Ok::<_, Error>(now)
            })
            .await;
        first.unwrap()
    };
    let (first, second) = (now().await, now().await);
    assert_eq!(second.0 - first.0, 1_000_000);
}
