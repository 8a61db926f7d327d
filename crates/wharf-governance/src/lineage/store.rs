//! SQL of lineage: `blob_diff_ids`, `lineage_chains`, `lineage_images`, `lineage_members`, `lineage_places`.

pub(super) mod carried;
pub(super) mod catch_up;
pub(super) mod chain;
pub(super) mod diff_id;
pub(super) mod image;
pub(super) mod place;
pub(super) mod walk;

use data_encoding::HEXLOWER;
use wharf_db::Row;
use wharf_oci::Digest;

use crate::error::Error;

/// A list of digests as the statements take it: JSON of hexadecimal texts.
pub(super) fn hex_list<'d>(digests: impl IntoIterator<Item = &'d Digest>) -> String {
    let hex = digests.into_iter().map(|digest| HEXLOWER.encode(&digest.to_bytes()));
    serde_json::Value::from_iter(hex).to_string()
}

/// A list of ids.
pub(super) fn id_list(ids: &[i64]) -> String {
    serde_json::Value::from_iter(ids.iter().copied()).to_string()
}

pub(super) fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    Digest::from_bytes(row.bytes(column)?).ok_or(Error::MalformedRow { what: "a digest" })
}

pub(super) fn optional_digest(row: &Row, column: usize) -> Result<Option<Digest>, Error> {
    row.optional_bytes(column)?.map(|_| digest(row, column)).transpose()
}
