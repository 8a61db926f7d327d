//! The table `audit_shipping`.

use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::transaction::Tx;

const GET: &str = "SELECT sequence FROM audit_shipping WHERE receiver = ?1";
const SET: &str = "\
    INSERT INTO audit_shipping (receiver, sequence) VALUES (?1, ?2) \
    ON CONFLICT (receiver) DO UPDATE SET sequence = excluded.sequence WHERE audit_shipping.sequence < excluded.sequence";

pub(in crate::audit) async fn get(db: &Db, receiver: &str) -> Result<i64, Error> {
    db.get(GET, &params![receiver]).await?.map_or(Ok(0), |row| row.integer(0))
}

pub(in crate::audit) async fn set(tx: &mut Tx<'_>, receiver: &str, sequence: i64) -> Result<(), Error> {
    tx.execute(SET, &params![receiver, sequence]).await.map(drop)
}
