//! Opening: which URLs name a database, and what is said when there is none.

use wharf_context::Kind;
use wharf_db::{Error, Settings, params};
use wharf_testkit::Database;

use crate::{committed, open_again, put};

#[tokio::test]
async fn a_database_in_memory_works_like_one_in_a_file() {
    let db = open_again(&Settings::new("sqlite::memory:")).await.unwrap();
    db.transaction(async |tx| put(tx, "a", 1).await).await.unwrap();
    let failed = db.transaction(async |tx| put(tx, "b", 1).await.and(Err::<(), _>(Error::Busy))).await;
    assert!(failed.is_err());
    assert_eq!((committed(&db, "a").await, committed(&db, "b").await), (Some(1), None));
    assert_eq!(db.list("SELECT name FROM leases", &[]).await.unwrap().len(), 1);
    let other = open_again(&Settings::new("sqlite::memory:")).await.unwrap();
    assert_eq!(committed(&other, "a").await, None, "each has its own");
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    let missing = open_again(&Settings::new("sqlite:/no/such/folder/wharf.db")).await.unwrap_err();
    assert!(missing.to_string().contains("/no/such/folder/wharf.db"));
    assert_eq!(missing.kind(), Kind::Unavailable);
    let refused = open_again(&Settings::new("postgres://u:secret@127.0.0.1:1/d")).await.unwrap_err();
    assert!(refused.to_string().contains("u:***@127.0.0.1"), "{refused}");
    let unknown = open_again(&Settings::new("mysql://u:secret@h/d")).await.unwrap_err();
    assert!(matches!(unknown, Error::Url { .. }));
    assert!(!unknown.to_string().contains("secret"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.db");
    std::fs::write(&path, "this is a text and not a database, and long enough to be read as one").unwrap();
    let error = open_again(&Settings::new(format!("sqlite:{}", path.display()))).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn rows_outlive_the_handle() {
    let database = Database::open().await;
    database.db.transaction(async |tx| put(tx, "a", 1).await).await.unwrap();
    let again = open_again(database.settings()).await.unwrap();
    assert_eq!(committed(&again, "a").await, Some(1));
}

/// On SQLite the setting means nothing and must do no harm.
#[tokio::test]
async fn behind_a_pgbouncer_no_prepared_statement_is_left_on_a_connection() {
    let database = Database::open().await;
    let settings = Settings { pgbouncer: true, pool_size: 1, ..database.settings().clone() };
    let db = open_again(&settings).await.unwrap();
    for number in 0..3 {
        db.transaction(async |tx| {
            put(tx, "a", number).await?;
            crate::seen(tx, "a").await
        })
        .await
        .unwrap();
        assert_eq!(committed(&db, "a").await, Some(number));
        let rows = db.list("SELECT name FROM leases WHERE token = ?1", &params![[1_u8, 2]]).await.unwrap();
        assert_eq!(rows.len(), 1);
    }
    if database.is_postgres() {
        let left = db.get("SELECT count(*) FROM pg_prepared_statements", &[]).await.unwrap().unwrap();
        assert_eq!(left.integer(0).unwrap(), 0);
    }
}
