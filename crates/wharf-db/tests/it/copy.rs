//! Copying a whole database: SQLite and PostgreSQL, in every direction.

use std::time::Duration;

use wharf_db::{CopiedTable, Db, Error, Settings, Tx, Value, params};
use wharf_testkit::Database;

use crate::{open_again, sqlite};

/// Adds a row.
async fn put(tx: &mut Tx<'_>, name: &str) -> Result<u64, Error> {
    tx.execute("INSERT INTO user_groups (name, created_at) VALUES (?1, ?2)", &params![name, i64::MAX]).await
}

/// Rows of every kind of value, in tables that refer to each other, with numbers that are no longer used.
async fn fill(db: &Db) {
    db.transaction(async |tx| {
        for name in ["a", "ü", "b"] {
            put(tx, name).await?;
        }
        for name in ["one", "two", "gone"] {
            tx.execute("INSERT INTO projects (name, is_public, created_at) VALUES (?1, 1, -5)", &params![name]).await?;
        }
        tx.execute("DELETE FROM projects WHERE name = 'gone'", &[]).await?;
        let member = "INSERT INTO project_members (project_id, kind, name, member_id, role, since_at) \
                      SELECT id, 0, 'ü', 7, 1, 0 FROM projects WHERE name = ?1";
        tx.execute(member, &params!["two"]).await?;
        let job =
            "INSERT INTO jobs (kind, payload, created_at, run_at, attempts, token) VALUES (?1, '{}', 1, 2, 3, ?2)";
        tx.execute(job, &params!["x", None::<Vec<u8>>]).await?;
        tx.execute(job, &params!["y", [0_u8, 255]]).await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn copy(source: &Db, target: &Db) -> Result<Vec<CopiedTable>, Error> {
    source.copy_to(target, |_| ()).await
}

/// What the database numbers the next project.
async fn next_number(db: &Db) -> i64 {
    let insert = "INSERT INTO projects (name, is_public, created_at) VALUES ('next', 0, 0) RETURNING id";
    let row = db.transaction(async |tx| tx.query_opt(insert, &[]).await).await.unwrap();
    row.unwrap().integer(0).unwrap()
}

async fn assert_copies(source: &Db, target: &Db) {
    fill(source).await;
    assert!(target.is_empty().await.unwrap() && !source.is_empty().await.unwrap());
    let copied = copy(source, target).await.unwrap();
    assert_eq!(source.digest_tables().await.unwrap(), copied);
    assert_eq!(target.digest_tables().await.unwrap(), copied);
    let rows = |name: &str| copied.iter().find(|table| table.name == name).map(|table| table.rows);
    assert_eq!(
        (rows("user_groups"), rows("projects"), rows("jobs"), rows("users")),
        (Some(3), Some(2), Some(2), Some(0))
    );
    assert_eq!(rows("migrations"), None, "each database has its own");
    let list = "SELECT token FROM jobs ORDER BY id";
    let tokens = target.list(list, &[]).await.unwrap();
    assert_eq!((tokens[0].value(0), tokens[1].value(0)), (&Value::Null, &Value::Bytes(vec![0, 255])));
    assert_eq!(next_number(target).await, 4, "a number that was given is never given again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_every_row_and_goes_on_numbering() {
    let (source, target) = (Database::open().await, Database::open().await);
    assert_copies(&source.db, &target.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_from_any_database_to_sqlite() {
    let source = Database::open().await;
    let (_folder, target) = sqlite(|_| ()).await;
    assert_copies(&source.db, &target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_from_sqlite_to_any_database() {
    let target = Database::open().await;
    let (_folder, source) = sqlite(|_| ()).await;
    assert_copies(&source, &target.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_a_row_is_refused_and_stays_as_it_is() {
    let (source, target) = (Database::open().await, Database::open().await);
    fill(&source.db).await;
    target.db.transaction(async |tx| put(tx, "mine").await).await.unwrap();
    let before = target.db.digest_tables().await.unwrap();
    let refused = copy(&source.db, &target.db).await.unwrap_err();
    assert!(matches!(&refused, Error::TargetNotEmpty { table } if table == "user_groups"), "{refused}");
    assert_eq!(target.db.digest_tables().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_one_snapshot_whatever_is_written_meanwhile() {
    let (source, target) = (Database::open().await, Database::open().await);
    fill(&source.db).await;
    let before = source.db.digest_tables().await.unwrap();
    let (writing, db) = (tokio::runtime::Handle::current(), source.db.clone());
    let mut rows = 0;
    let copied = source.db.copy_to(&target.db, move |_| {
        rows += 1;
        writing.block_on(db.transaction(async |tx| put(tx, &format!("later{rows}")).await)).unwrap();
    });
    assert_eq!(copied.await.unwrap(), before);
    assert_ne!(source.db.digest_tables().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_nobody_waits_for_leaves_nothing() {
    let (source, target) = (Database::open().await, Database::open().await);
    fill(&source.db).await;
    let empty = target.db.digest_tables().await.unwrap();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, waiting) = std::sync::mpsc::channel::<()>();
    let mut began = Some(began);
    let copying = source.db.copy_to(&target.db, move |_| {
        if let Some(began) = began.take() {
            began.send(()).ok();
            waiting.recv().ok();
        }
    });
    tokio::select! {
        _ = copying => panic!("it waits for us"),
        begun = has_begun => begun.unwrap(),
    }
    go_on.send(()).unwrap();
    // Its transaction ends before another begins; then the target is as empty as it was.
    wharf_testkit::eventually("the copy is rolled back", async || copy(&source.db, &target.db).await.is_ok()).await;
    assert_ne!(target.db.digest_tables().await.unwrap(), empty);
}

#[tokio::test]
async fn a_database_in_memory_says_that_it_cannot_be_copied() {
    let target = Database::open().await;
    let db = open_again(&Settings::new("sqlite::memory:")).await.unwrap();
    assert!(matches!(copy(&db, &target.db).await, Err(Error::InMemory)));
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_with_other_tables_are_told_apart() {
    let (source, target) = (Database::open().await, Database::open().await);
    let add = "ALTER TABLE user_groups ADD COLUMN more TEXT";
    target.db.transaction(async |tx| tx.execute(add, &[]).await).await.unwrap();
    let refused = copy(&source.db, &target.db).await.unwrap_err();
    assert!(matches!(&refused, Error::SchemaDiffers { table } if table == "user_groups"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_lease_on_the_source_holds_none_on_the_copy() {
    let (source, target) = (Database::open().await, Database::open().await);
    let minute = Duration::from_secs(60);
    assert!(source.db.lease("work", minute).await.unwrap().is_some());
    copy(&source.db, &target.db).await.unwrap();
    assert!(target.db.lease("work", minute).await.unwrap().is_some());
}
