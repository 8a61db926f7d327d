//! The database at its door, on SQLite and (where `WHARF_TEST_POSTGRES` names a server) on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

mod audit;
mod concurrency;
mod copy;
mod crash;
mod freeze;
mod full;
mod job;
mod keyring;
mod lease;
mod limit;
mod log;
mod migration;
mod model;
mod open;
mod outbox;
mod read;
mod transaction;
mod turn;

use std::sync::Arc;

use tempfile::TempDir;
use wharf_db::{Db, Error, Settings, Tx, params};

/// A SQLite database whatever the environment says, for what only SQLite does.
async fn sqlite(change: impl FnOnce(&mut Settings)) -> (TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(format!("sqlite:{}", folder.path().join("wharf.db").display()));
    change(&mut settings);
    let db = Db::open(&settings, wharf_testkit::clock(), Vec::new()).await.unwrap();
    (folder, db)
}

/// Adds a row to the table that the tests use: `leases`, as it has a key, bytes and a number.
async fn put(tx: &mut Tx<'_>, name: &str, number: i64) -> Result<u64, Error> {
    let sql = "INSERT INTO leases (name, token, expires_at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at";
    tx.execute(sql, &params![name, [1_u8, 2], number]).await
}

/// What a transaction sees under a name.
async fn seen(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, Error> {
    let row = tx.query_opt("SELECT expires_at FROM leases WHERE name = ?1", &params![name]).await?;
    row.map(|row| row.integer(0)).transpose()
}

/// What is committed under a name.
async fn committed(db: &Db, name: &str) -> Option<i64> {
    let row = db.get("SELECT expires_at FROM leases WHERE name = ?1", &params![name]).await.unwrap();
    row.map(|row| row.integer(0).unwrap())
}

/// A second handle to the same database.
async fn open_again(settings: &Settings) -> Result<Db, Error> {
    Db::open(settings, Arc::new(wharf_context::SystemClock), Vec::new()).await
}
