//! SQL of `lineage_catch_up`.

use wharf_db::{Db, Reading, Tx, params};

use crate::error::Error;

const NAME: &str = "images";

/// Notes that the walk has begun; says whether it had not before.
pub(in crate::lineage) async fn begin(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "INSERT INTO lineage_catch_up (name, position) VALUES (?1, 0) ON CONFLICT (name) DO NOTHING",
            &params![NAME],
        )
        .await?;
    Ok(changed == 1)
}

/// Where the walk is; `None` when it has ended.
pub(in crate::lineage) async fn position(db: &Db) -> Result<Option<i64>, Error> {
    let sql = "SELECT position FROM lineage_catch_up WHERE name = ?1 AND ended_at IS NULL";
    let row = db.get(sql, &params![NAME]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

/// Whether it has begun and not ended.
pub(in crate::lineage) async fn is_going_on(from: &mut impl Reading) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM lineage_catch_up WHERE name = ?1 AND ended_at IS NULL";
    Ok(from.get(sql.into(), &params![NAME]).await?.is_some())
}

pub(in crate::lineage) async fn go_on(tx: &mut Tx<'_>, position: i64) -> Result<(), Error> {
    tx.execute("UPDATE lineage_catch_up SET position = ?2 WHERE name = ?1", &params![NAME, position]).await?;
    Ok(())
}

pub(in crate::lineage) async fn end(tx: &mut Tx<'_>) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE lineage_catch_up SET ended_at = ?2 WHERE name = ?1", &params![NAME, now]).await?;
    Ok(())
}
