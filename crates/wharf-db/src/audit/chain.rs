//! The chain: each row's hash covers all its fields, its number and the hash of the row before it.
//!
//! Pure. Whoever has the rows can compute it again, without a database and without a server. That nobody has computed a
//! whole new chain is for the signed checkpoints to say.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::AuditRecord;

/// What every hash begins with, so that no other text of ours has the same one.
const DOMAIN: &[u8] = b"wharf audit row 1\n";

/// The hash of a row and of all rows before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

/// A row's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The row's number: 1, 2, 3, without gaps.
    pub sequence: i64,
    /// Its hash.
    pub hash: ChainHash,
}

impl Link {
    /// What stands before the first row.
    pub const ORIGIN: Self = Self { sequence: 0, hash: ChainHash([0; 32]) };

    /// The place of `record` after this one.
    #[must_use]
    pub fn next(&self, record: &AuditRecord) -> Self {
        let sequence = self.sequence + 1;
        Self { sequence, hash: hash(&self.hash, sequence, record) }
    }
}

/// Numbers have eight bytes, texts their length in front, and what is absent differs from what is empty: two different rows
/// are never one text.
fn hash(previous: &ChainHash, sequence: i64, record: &AuditRecord) -> ChainHash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(previous.0);
    hasher.update(sequence.to_be_bytes());
    hasher.update(record.at.0.to_be_bytes());
    match record.caller_id {
        Some(id) => {
            hasher.update([1]);
            hasher.update(id.to_be_bytes());
        }
        None => hasher.update([0]),
    }
    hasher.update([u8::from(record.remote.is_some())]);
    let texts: [&str; 8] = [
        &record.request_id,
        &record.caller_kind,
        &record.caller_name,
        record.remote.as_deref().unwrap_or_default(),
        &record.action,
        &record.resource,
        &record.outcome,
        &record.details,
    ];
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    ChainHash(hasher.finalize().into())
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 digits of lower-case hex")]
pub struct HashError;

impl FromStr for ChainHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HashError)?;
        Self::try_from(bytes.as_slice())
    }
}

impl TryFrom<&[u8]> for ChainHash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use wharf_context::Timestamp;

    use super::*;

    fn record() -> AuditRecord {
        AuditRecord {
            id: 9,
            at: Timestamp(1_700_000_000_000_000),
            request_id: "r".to_owned(),
            caller_kind: "user".to_owned(),
            caller_id: Some(7),
            caller_name: "alice".to_owned(),
            remote: Some("192.0.2.1".to_owned()),
            action: "tag.delete".to_owned(),
            resource: "pay/app:1".to_owned(),
            outcome: "succeeded".to_owned(),
            details: "{}".to_owned(),
            link: None,
        }
    }

    #[test]
    fn the_hash_of_a_row_stays_what_it_is_in_exports() {
        let link = Link::ORIGIN.next(&record());
        assert_eq!(link.sequence, 1);
        assert_eq!(link.hash.to_string(), "85a2944cb243c1f8a4f4000c1196dd97443d953cb049d5322e61753d4cc2e3bc");
    }

    #[test]
    fn every_field_its_absence_and_its_border_count() {
        let row = record();
        let name = |name: &str, action: &str| AuditRecord {
            caller_name: name.to_owned(),
            action: action.to_owned(),
            ..record()
        };
        let others = [
            AuditRecord { at: Timestamp(row.at.0 + 1), ..record() },
            AuditRecord { request_id: "s".to_owned(), ..record() },
            AuditRecord { caller_kind: "robot".to_owned(), ..record() },
            AuditRecord { caller_id: Some(8), ..record() },
            AuditRecord { caller_id: None, ..record() },
            AuditRecord { remote: None, ..record() },
            AuditRecord { remote: Some(String::new()), ..record() },
            AuditRecord { resource: "pay/app:2".to_owned(), ..record() },
            AuditRecord { outcome: "denied".to_owned(), ..record() },
            AuditRecord { details: "{ }".to_owned(), ..record() },
            name("alicet", "ag.delete"),
            name("alic", "etag.delete"),
        ];
        let mut hashes: HashSet<_> = others.iter().map(|other| Link::ORIGIN.next(other).hash).collect();
        assert_eq!(hashes.len(), others.len());
        assert!(hashes.insert(Link::ORIGIN.next(&row).hash));
        let elsewhere = Link { sequence: 1, ..Link::ORIGIN };
        assert!(hashes.insert(elsewhere.next(&row).hash), "the number counts");
        assert_eq!(
            Link::ORIGIN.next(&AuditRecord { id: 10, ..record() }),
            Link::ORIGIN.next(&row),
            "it is the table's"
        );
    }

    proptest! {
        #[test]
        fn a_hash_reads_back(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(ChainHash(bytes).to_string().parse(), Ok(ChainHash(bytes)));
        }

        #[test]
        fn no_other_text_is_a_hash(text in ".{0,70}") {
            prop_assert!(text.parse::<ChainHash>().map_or(true, |hash| hash.to_string() == text));
        }
    }
}
