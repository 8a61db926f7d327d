//! Digests as the catalog keeps them: one algorithm byte, then the hash.

use data_encoding::HEXLOWER;
use wharf_db::Row;
use wharf_oci::Digest;

use crate::error::Error;

/// Digests as a JSON list of hexadecimal texts, which both databases unfold into rows.
pub(crate) fn hex_list(digests: &[Digest]) -> String {
    let list: Vec<String> = digests.iter().map(|digest| HEXLOWER.encode(&digest.to_bytes())).collect();
    serde_json::Value::from(list).to_string()
}

/// One digest in such a list.
pub(crate) fn hex(digest: &Digest) -> String {
    HEXLOWER.encode(&digest.to_bytes())
}

/// A column that must hold a digest.
pub(crate) fn read(row: &Row, column: usize) -> Result<Digest, Error> {
    Digest::from_bytes(row.bytes(column)?).ok_or(Error::MalformedRow { what: "a digest" })
}

/// A column that may hold one.
pub(crate) fn read_if_any(row: &Row, column: usize) -> Result<Option<Digest>, Error> {
    row.optional_bytes(column)?.map(|_| read(row, column)).transpose()
}
