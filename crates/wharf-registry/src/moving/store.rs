//! SQL of moving: which bytes there are.

use std::ops::RangeInclusive;

use wharf_blob::StorageKey;
use wharf_db::{Db, Row, params};
use wharf_oci::Digest;

use crate::blob::store::{digest, key};
use crate::collection::store::count;
use crate::error::Error;

/// Bytes that the catalog counts on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    pub(super) id: i64,
    pub(super) digest: Digest,
    pub(super) size_bytes: u64,
    pub(super) key: StorageKey,
}

/// Up to `limit` of them with numbers in `range`, in the order of their numbers.
pub(super) async fn present(db: &Db, range: RangeInclusive<i64>, limit: usize) -> Result<Vec<Present>, Error> {
    let rows = db
        .list(
            "SELECT id, digest, size_bytes, storage_key FROM blobs WHERE state = 0 AND id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
            &params![*range.start(), *range.end(), count(limit)],
        )
        .await?;
    let present = rows.iter().map(|row| {
        Ok(Present { id: row.integer(0)?, digest: digest(row, 1)?, size_bytes: number(row, 2)?, key: key(row, 3)? })
    });
    present.collect()
}

/// The highest number of any blob.
pub(super) async fn last_number(db: &Db) -> Result<i64, Error> {
    let row = db.get("SELECT max(id) FROM blobs", &[]).await?;
    Ok(row.map(|row| row.optional_integer(0)).transpose()?.flatten().unwrap_or(0))
}

/// How many there are, and how many bytes. It reads every row; `None` where that takes too long.
pub(super) async fn totals(db: &Db) -> Result<Option<(u64, u64)>, Error> {
    let totals = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM blobs WHERE state = 0";
    match db.list(totals, &[]).await {
        Ok(rows) => rows.first().map(|row| Ok((number(row, 0)?, number(row, 1)?))).transpose(),
        Err(wharf_db::Error::TooLong { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the catalog knows bytes under this key, and not only as deleted (1). Those that it calls lost are known: a
/// backup may be the one place that still has them.
pub(super) async fn is_known(db: &Db, key: &StorageKey) -> Result<bool, Error> {
    let row = db.get("SELECT 1 FROM blobs WHERE storage_key = ?1 AND state <> 1", &params![key.to_string()]).await?;
    Ok(row.is_some())
}

fn number(row: &Row, column: usize) -> Result<u64, Error> {
    u64::try_from(row.integer(column)?).map_err(|_| Error::MalformedRow { what: "a blob's size" })
}
