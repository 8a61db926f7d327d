//! SQL of `blob_diff_ids`.

use std::collections::HashMap;

use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::Digest;

use super::{digest, hex_list, optional_digest};
use crate::error::Error;
use crate::lineage::facts::Unpacked;

const FIND: Statement = Statement::dialects(
    "SELECT b.digest, b.diff_id, b.problem FROM json_each(?1) j CROSS JOIN blob_diff_ids b ON b.digest = unhex(j.value)",
    "SELECT b.digest, b.diff_id, b.problem FROM json_array_elements_text(CAST(?1 AS text)::json) j \
     JOIN blob_diff_ids b ON b.digest = decode(j.value, 'hex')",
);

/// What is known of these layers.
pub(in crate::lineage) async fn find(db: &Db, digests: &[Digest]) -> Result<HashMap<Digest, Unpacked>, Error> {
    let rows = db.list(FIND, &params![hex_list(digests)]).await?;
    let read = |row: &wharf_db::Row| {
        let unpacked = match optional_digest(row, 1)? {
            Some(diff_id) => Unpacked::As(diff_id),
            None => Unpacked::Never(row.optional_text(2)?.unwrap_or_default().to_owned()),
        };
        Ok((digest(row, 0)?, unpacked))
    };
    rows.iter().map(read).collect()
}

/// Keeps what was computed of a layer's bytes. Whoever came first has computed the same.
pub(in crate::lineage) async fn put(
    tx: &mut Tx<'_>,
    blob: &Digest,
    unpacked: &Unpacked,
    size_bytes: i64,
) -> Result<(), Error> {
    let (diff_id, problem) = match unpacked {
        Unpacked::As(diff_id) => (Some(diff_id.to_bytes()), None),
        Unpacked::Never(problem) => (None, Some(problem.as_str())),
    };
    let now = tx.now();
    tx.execute(
        "INSERT INTO blob_diff_ids (digest, diff_id, size_bytes, problem, computed_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (digest) DO NOTHING",
        &params![blob.to_bytes(), diff_id, size_bytes, problem, now],
    )
    .await?;
    Ok(())
}
