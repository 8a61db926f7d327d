//! SQL of `build_results` and `build_selections`.

use wharf_db::{Db, Row, params};
use wharf_oci::{Algorithm, Digest};

use super::{Entry, Key, Known};
use crate::error::Error;

/// What an operation leads to.
pub(super) async fn find(db: &Db, key: &Digest) -> Result<Known, Error> {
    let row = db.get("SELECT chain FROM build_results WHERE operation = ?1", &params![key.to_bytes()]).await?;
    let Some(row) = row else { return Ok(Known::Nothing) };
    Ok(match row.optional_bytes(0)? {
        None => Known::Empty,
        Some(bytes) => Digest::from_bytes(bytes).map_or(Known::Nothing, Known::Chain),
    })
}

/// Notes what an operation leads to.
pub(super) async fn put(db: &Db, key: &Key, title: &str, chain: Option<&Digest>) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO build_results (operation, chain, title, inputs, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (operation) DO UPDATE SET chain = ?2, title = ?3, inputs = ?4, created_at = ?5";
    db.transaction(async |tx| {
        // SQL knows no NUL in texts, and a command may hold one.
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let (digest, chain) = (key.digest.to_bytes(), chain.map(Digest::to_bytes));
        let values = params![digest, chain, clean(title), clean(&key.inputs.to_string()), tx.now()];
        tx.execute(PUT, &values).await?;
        Ok(())
    })
    .await
}

/// The digest of what was selected of a file system.
pub(super) async fn selection(db: &Db, chain: &Digest, query: &str) -> Result<Option<Digest>, Error> {
    const GET: &str = "SELECT digest FROM build_selections WHERE chain = ?1 AND query = ?2";
    let query = Digest::of(Algorithm::Sha256, query.as_bytes());
    let row = db.get(GET, &params![chain.to_bytes(), query.to_bytes()]).await?;
    row.map(|row| Ok(Digest::from_bytes(row.bytes(0)?))).transpose().map(Option::flatten)
}

/// Notes the digest of what was selected of a file system.
pub(super) async fn put_selection(db: &Db, chain: &Digest, query: &str, digest: &Digest) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO build_selections (chain, query, digest) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let query = Digest::of(Algorithm::Sha256, query.as_bytes());
    db.transaction(async |tx| {
        tx.execute(PUT, &params![chain.to_bytes(), query.to_bytes(), digest.to_bytes()]).await?;
        Ok(())
    })
    .await
}

/// The inputs of the last operation of this title.
pub(super) async fn last(db: &Db, title: &str) -> Result<Option<String>, Error> {
    const GET: &str = "SELECT inputs FROM build_results WHERE title = ?1 ORDER BY created_at DESC LIMIT 1";
    let row = db.get(GET, &params![title.replace('\0', "\u{fffd}")]).await?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// All that was made, the latest first.
pub(super) async fn list(db: &Db) -> Result<Vec<Entry>, Error> {
    const LIST: &str = "SELECT title, chain, created_at FROM build_results ORDER BY created_at DESC, title";
    let entry = |row: &Row| {
        let chain = row.optional_bytes(1)?.and_then(Digest::from_bytes);
        Ok(Entry { title: row.text(0)?.to_owned(), chain, is_there: true, created_at: row.integer(2)? })
    };
    db.list(LIST, &[]).await?.iter().map(entry).collect()
}

/// Forgets what led to chains that are gone.
pub(super) async fn forget(db: &Db, chains: &[Digest]) -> Result<(), Error> {
    db.transaction(async |tx| {
        for chain in chains {
            tx.execute("DELETE FROM build_results WHERE chain = ?1", &params![chain.to_bytes()]).await?;
            tx.execute("DELETE FROM build_selections WHERE chain = ?1", &params![chain.to_bytes()]).await?;
        }
        Ok(())
    })
    .await
}
