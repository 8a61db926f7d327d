//! Migrations: forward only, and never on a database that is not ours.

use wharf_db::{Error, Settings};
use wharf_testkit::Database;

use crate::open_again;

async fn change(database: &Database, sql: &'static str) {
    database.db.transaction(async |tx| tx.execute(sql, &[]).await).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_at_the_last_migration_opens_again() {
    let database = Database::open().await;
    let db = open_again(database.settings()).await.unwrap();
    let rows = db.list("SELECT number, name FROM migrations ORDER BY number", &[]).await.unwrap();
    assert_eq!(rows[0].text(1).unwrap(), "0001_db");
    assert_eq!(rows[0].integer(0).unwrap(), 1);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_told_so() {
    let database = Database::open().await;
    let insert = "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (99, '0099_later', 1, '')";
    change(&database, insert).await;
    let error = open_again(database.settings()).await.unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer version"));
}

#[tokio::test]
async fn a_migration_whose_text_was_changed_is_named() {
    let database = Database::open().await;
    change(&database, "UPDATE migrations SET checksum = checksum + 1 WHERE number = 2").await;
    let error = open_again(database.settings()).await.unwrap_err();
    assert!(matches!(&error, Error::MigrationChanged { name } if name == "0002_identity"), "{error}");
}

#[tokio::test]
async fn a_database_of_somebody_else_is_not_touched() {
    let database = Database::open().await;
    change(&database, "DROP TABLE migrations").await;
    let error = open_again(database.settings()).await.unwrap_err();
    assert!(matches!(error, Error::Foreign), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_may_open_a_new_database_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(format!("sqlite:{}", folder.path().join("wharf.db").display()));
    let openings: Vec<_> = (0..4)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { open_again(&settings).await.map(drop) })
        })
        .collect();
    for opening in openings {
        opening.await.unwrap().unwrap();
    }
}
