//! The table `moves`.

use super::Move;
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::transaction::Tx;

const PUT: &str = "INSERT INTO moves (what, place, moved_at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (what) DO UPDATE SET place = excluded.place, moved_at = excluded.moved_at";

pub(super) async fn put(tx: &mut Tx<'_>, what: &str, place: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(PUT, &params![what, place, now]).await.map(drop)
}

pub(super) async fn delete(tx: &mut Tx<'_>, what: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM moves WHERE what = ?1", &params![what]).await.map(drop)
}

pub(super) async fn get(db: &Db, what: &str) -> Result<Option<Move>, Error> {
    let row = db.get("SELECT place, moved_at FROM moves WHERE what = ?1", &params![what]).await?;
    row.map(|row| Ok(Move { place: row.text(0)?.to_owned(), moved_at: row.timestamp(1)? })).transpose()
}
