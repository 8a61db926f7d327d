//! A full disk: those who need space are told so, what was acknowledged stays, and it all goes on when there is space.

use tokio::task::JoinSet;
use wharf_context::Kind;
use wharf_db::{Db, Error, params};

use crate::{committed, put, sqlite};

/// Lets the database grow by a little only: SQLite then behaves as on a full disk, until the connection is reopened.
async fn limit_space(db: &Db) {
    db.transaction(async |tx| {
        let pages = tx.query_opt("PRAGMA page_count", &[]).await?.unwrap().integer(0)?;
        assert!(pages < 400);
        tx.query_opt("PRAGMA max_page_count = 400", &[]).await
    })
    .await
    .unwrap();
}

async fn grow(db: &Db, name: &str) -> Result<(), Error> {
    let bytes = vec![7_u8; 20_000];
    db.transaction(async |tx| {
        put(tx, name, 1).await?;
        tx.execute("UPDATE leases SET token = ?2 WHERE name = ?1", &params![name, &bytes]).await.map(drop)
    })
    .await
}

async fn assert_sound(db: &Db) {
    let rows = db.list("PRAGMA integrity_check", &[]).await.unwrap();
    assert_eq!(rows[0].text(0).unwrap(), "ok");
}

#[tokio::test]
async fn whoever_needs_more_space_than_there_is_gets_exhausted_and_leaves_nothing() {
    let (_folder, db) = sqlite(|_| ()).await;
    limit_space(&db).await;
    let mut kept = Vec::new();
    let error = loop {
        let name = format!("{}", kept.len());
        match grow(&db, &name).await {
            Ok(()) => kept.push(name),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Exhausted, "{error:?}");
    assert!(!kept.is_empty());
    for name in &kept {
        assert_eq!(committed(&db, name).await, Some(1));
    }
    assert_eq!(committed(&db, &kept.len().to_string()).await, None);
    assert_sound(&db).await;
    // The connection was opened again, and has space.
    grow(&db, "later").await.unwrap();
    assert_eq!(committed(&db, "later").await, Some(1));
    assert_eq!(db.figures().lost_batches, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_of_a_lost_batch_are_told_and_what_was_acknowledged_stays() {
    let (_folder, db) = sqlite(|_| ()).await;
    let mut lost = 0;
    for round in 0..20 {
        limit_or_ignore(&db).await;
        let mut tasks = JoinSet::new();
        for task in 0..16 {
            let (db, name) = (db.clone(), format!("{round}/{task}"));
            tasks.spawn(async move {
                let result = put_some(&db, &name, task).await;
                (name, result)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            let (name, result) = ended.unwrap();
            assert_eq!(committed(&db, &name).await.is_some(), result.is_ok(), "{name}: {result:?}");
            if let Err(error) = result {
                assert_eq!(error.kind(), Kind::Exhausted, "{error:?}");
                lost += 1;
            }
        }
        assert_sound(&db).await;
    }
    assert!(lost > 0);
    assert!(db.figures().lost_batches > 0);
}

/// No page may be added from now on.
async fn limit_or_ignore(db: &Db) {
    db.transaction(async |tx| tx.query_opt("PRAGMA max_page_count = 1", &[]).await).await.unwrap();
}

/// One of the tasks needs more space than there is.
async fn put_some(db: &Db, name: &str, task: u32) -> Result<(), Error> {
    if task == 7 {
        return grow(db, name).await;
    }
    db.transaction(async |tx| put(tx, name, 1).await.map(drop)).await
}
