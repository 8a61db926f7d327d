//! Transactions: what is kept, what is undone, who may borrow what.

use wharf_db::{Db, Error, Tx, params};
use wharf_testkit::Database;

fn assert_send<T: Send>(value: T) -> T {
    value
}

async fn put(tx: &mut Tx<'_>, name: &str, expires_at: i64) -> Result<u64, Error> {
    tx.execute(
        "INSERT INTO leases (name, token, expires_at) VALUES (?1, ?2, ?3)",
        &params![name, [1_u8, 2], expires_at],
    )
    .await
}

async fn value(db: &Db, name: &str) -> Option<i64> {
    let row = db.get("SELECT expires_at FROM leases WHERE name = ?1", &params![name]).await.unwrap();
    row.map(|row| row.integer(0).unwrap())
}

#[tokio::test]
async fn a_transaction_borrows_its_surroundings_and_its_future_is_send() {
    let database = Database::open().await;
    let name = String::from("a");
    let seen = [1];
    let future = database.db.transaction(async |tx| {
        put(tx, &name, 7).await?;
        let rows = tx.query("SELECT name, token FROM leases ORDER BY name", &[]).await?;
        for row in &rows {
            assert_eq!(row.bytes(1)?, [1, 2]);
        }
        Ok::<_, Error>((rows.len(), seen.len()))
    });
    assert_eq!(assert_send(future).await.unwrap(), (1, 1));
    assert_eq!(value(&database.db, &name).await, Some(7));
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
    assert_eq!(value(&database.db, "a").await, None);
    assert!(database.db.list("SELECT name FROM leases", &[]).await.unwrap().is_empty());
}
