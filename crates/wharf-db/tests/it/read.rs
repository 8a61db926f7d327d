//! Reading outside of transactions.

use std::time::Duration;

use wharf_context::Kind;
use wharf_db::{Db, Error, Statement, params};
use wharf_testkit::Database;

use crate::{put, sqlite};

/// Counts for longer than any test waits.
pub(crate) const ENDLESS: Statement = Statement::dialects(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT max(i) FROM n",
    "SELECT max(i) FROM generate_series(1::bigint, 100000000000) AS n (i)",
);

#[tokio::test]
async fn a_scan_that_takes_too_long_is_ended_and_its_thread_goes_on() {
    let database = Database::open().await;
    let settings =
        wharf_db::Settings { scan_timeout: Duration::from_millis(100), pool_size: 1, ..database.settings().clone() };
    let db = crate::open_again(&settings).await.unwrap();
    let error = db.list(ENDLESS, &[]).await.unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error:?}");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(db.figures().too_long, 1);
    assert_eq!(db.list("SELECT name FROM leases", &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_scan_whose_caller_is_gone_does_not_hold_its_thread() {
    let (_folder, db) = sqlite(|settings| settings.pool_size = 1).await;
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(20), db.list(ENDLESS, &[])).await;
        assert!(gone.is_err());
    }
    let rows = tokio::time::timeout(Duration::from_secs(5), db.list("SELECT name FROM leases", &[])).await;
    assert_eq!(rows.unwrap().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_see_what_is_committed_and_nothing_else() {
    let database = Database::open().await;
    let db = &database.db;
    let (written, read) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let transaction = db.transaction(async |tx| {
        put(tx, "a", 1).await?;
        written.notify_one();
        read.notified().await;
        Ok::<_, Error>(())
    });
    let reader = async {
        written.notified().await;
        assert_eq!(crate::committed(db, "a").await, None);
        assert!(db.list("SELECT name FROM leases", &[]).await.unwrap().is_empty());
        read.notify_one();
    };
    let (committed, ()) = tokio::join!(transaction, reader);
    committed.unwrap();
    assert_eq!(crate::committed(db, "a").await, Some(1));
    assert_eq!(db.list("SELECT name FROM leases", &[]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_read_at_the_same_time() {
    let database = Database::open().await;
    database.db.transaction(async |tx| put(tx, "a", 7).await).await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let db: Db = database.db.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert_eq!(crate::committed(&db, "a").await, Some(7));
                    assert_eq!(db.list("SELECT name FROM leases", &[]).await.unwrap().len(), 1);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((database.db.figures().gets, database.db.figures().lists), (1000, 1000));
}

#[tokio::test]
async fn reading_cannot_write_on_sqlite() {
    let (_folder, db) = sqlite(|_| ()).await;
    let insert = "INSERT INTO leases (name, token, expires_at) VALUES ('a', ?1, 1) RETURNING name";
    assert!(db.get(insert, &params![[1_u8]]).await.is_err());
    assert!(db.list(insert, &params![[1_u8]]).await.is_err());
    assert_eq!(crate::committed(&db, "a").await, None);
}

#[tokio::test]
async fn a_wrong_number_or_type_of_parameters_is_an_error() {
    let database = Database::open().await;
    let db = &database.db;
    for params in [&params![][..], &params!["a", "b"][..]] {
        let error = db.get("SELECT 1 FROM leases WHERE name = ?1", params).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
    }
}

#[tokio::test]
async fn a_parameter_may_stand_in_several_places() {
    let database = Database::open().await;
    let db = &database.db;
    db.transaction(async |tx| put(tx, "a", 5).await).await.unwrap();
    let sql = "SELECT name FROM leases WHERE expires_at > ?1 OR (expires_at = ?1 AND name > ?2) ORDER BY name";
    assert_eq!(db.list(sql, &params![5, ""]).await.unwrap().len(), 1);
    assert_eq!(db.list(sql, &params![5, "a"]).await.unwrap().len(), 0);
    assert_eq!(db.list(sql, &params![4, "a"]).await.unwrap().len(), 1);
}
