//! The digest of a table: over every value of every row, in an encoding that both databases share.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::CopiedTable;
use super::side::Table;
use crate::value::Value;

/// A digest that grows row by row.
pub(super) struct TableDigest {
    hasher: Sha256,
    rows: u64,
}

impl TableDigest {
    pub(super) fn new() -> Self {
        Self { hasher: Sha256::new(), rows: 0 }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Each value is its kind, its length and its bytes, so that no two rows read alike.
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            match value {
                Value::Null => self.hasher.update([0]),
                Value::Integer(integer) => {
                    self.hasher.update([1]);
                    self.hasher.update(integer.to_be_bytes());
                }
                Value::Text(text) => self.sized(2, text.as_bytes()),
                Value::Bytes(bytes) => self.sized(3, bytes),
            }
        }
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.hasher.update([kind]);
        self.hasher.update((bytes.len() as u64).to_be_bytes());
        self.hasher.update(bytes);
    }

    pub(super) fn finish(self, table: &Table) -> CopiedTable {
        let digest = HEXLOWER.encode(&self.hasher.finalize());
        CopiedTable { name: table.name.clone(), rows: self.rows, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> String {
        let table = Table { name: "t".to_owned(), columns: Vec::new(), key: Vec::new(), parents: Vec::new() };
        let mut digest = TableDigest::new();
        rows.iter().for_each(|row| digest.add(row));
        digest.finish(&table).digest
    }

    #[test]
    fn rows_that_differ_anywhere_have_other_digests() {
        let text = |text: &str| Value::Text(text.to_owned());
        let digests = [
            digest(&[]),
            digest(&[&[Value::Null]]),
            digest(&[&[Value::Integer(0)]]),
            digest(&[&[text("")]]),
            digest(&[&[text("ab"), text("c")]]),
            digest(&[&[text("a"), text("bc")]]),
            digest(&[&[Value::Bytes(b"ab".to_vec()), text("c")]]),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }
}
