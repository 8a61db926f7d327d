//! Verifying the chain: rows and checkpoints in their order, one at a time, without a database.
//!
//! Pure. It stops at the first thing that is wrong: behind it, nothing is proven.

use wharf_context::Timestamp;
use wharf_db::audit::{AuditRecord, Link};

use super::checkpoint::CheckpointKeys;

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Another row comes where one should be.
    #[error("row {wanted} is missing or not in its place: row {found} stands there")]
    NotNext {
        /// The number that comes next.
        wanted: i64,
        /// The number that was found.
        found: i64,
    },
    /// The row's hash is not the one that its fields and the row before it give.
    #[error("row {sequence} was changed, or one before it was")]
    Changed {
        /// Its number.
        sequence: i64,
    },
    /// Something else stands in the place of a row.
    #[error("what stands behind row {after} is neither a row nor a checkpoint: it was changed, or cut off")]
    Unreadable {
        /// The last row that is one.
        after: i64,
    },
    /// A row has no number.
    #[error("a row behind row {after} has no place in the chain")]
    Unsealed {
        /// The last row that has one.
        after: i64,
    },
    /// No key that is believed signed it.
    #[error("the checkpoint behind row {after} is signed by none of the keys that are believed")]
    Unsigned {
        /// The row before it.
        after: i64,
    },
    /// It is about another row than the one before it.
    #[error("a checkpoint of row {stated} stands behind row {after}: rows between are missing or not in their place")]
    Misplaced {
        /// The row that it is about.
        stated: i64,
        /// The row before it.
        after: i64,
    },
    /// What was signed is not what the rows give.
    #[error("the rows up to {sequence} are not those that were signed")]
    Contradicted {
        /// The row that it is about.
        sequence: i64,
    },
    /// Nobody has signed the last rows.
    #[error("the end is missing or was added to: {rows} rows stand behind the last checkpoint")]
    NoEnd {
        /// How many.
        rows: i64,
    },
    /// Less is there than what the beginning says.
    #[error("the end is missing: the log goes to row {wanted}, and the last one here is {found}")]
    Truncated {
        /// What should be the last row.
        wanted: i64,
        /// What is.
        found: i64,
    },
}

/// What is proven so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many rows were looked at.
    pub rows: u64,
    /// How many checkpoints were verified.
    pub checkpoints: u64,
    /// The last row that a checkpoint covers; `None` before the first one.
    pub proven_to: Option<i64>,
    /// When that was signed.
    pub signed_at: Option<Timestamp>,
    /// By which key.
    pub key_id: Option<String>,
}

/// What to do about a checkpoint by a key that is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It is a fault.
    Refused,
    /// It proves nothing, and does no harm: only one key is believed, and it was not always the one that signed.
    PassedOver,
}

/// A log that is being verified.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    keys: CheckpointKeys,
    others: Others,
    end: Link,
    proof: Proof,
}

impl ChainVerifier {
    /// A log that goes on behind `start`, which is believed until a checkpoint proves it.
    pub fn new(start: Link, keys: CheckpointKeys, others: Others) -> Self {
        Self { keys, others, end: start, proof: Proof::default() }
    }

    /// Looks at the next row.
    pub fn row(&mut self, record: &AuditRecord) -> Result<(), Fault> {
        let link = record.link.ok_or(Fault::Unsealed { after: self.end.sequence })?;
        let next = self.end.next(record);
        if link.sequence != next.sequence {
            return Err(Fault::NotNext { wanted: next.sequence, found: link.sequence });
        }
        if link.hash != next.hash {
            return Err(Fault::Changed { sequence: link.sequence });
        }
        self.end = next;
        self.proof.rows += 1;
        Ok(())
    }

    /// Looks at a checkpoint that stands behind the last row.
    pub fn checkpoint(&mut self, document: &str) -> Result<(), Fault> {
        let Some(statement) = self.keys.verify(document) else {
            let refused = Fault::Unsigned { after: self.end.sequence };
            return if self.others == Others::PassedOver { Ok(()) } else { Err(refused) };
        };
        let (stated, end) = (statement.link, self.end);
        if stated.sequence != end.sequence {
            return Err(Fault::Misplaced { stated: stated.sequence, after: end.sequence });
        }
        if stated.hash != end.hash {
            return Err(Fault::Contradicted { sequence: stated.sequence });
        }
        self.proof.checkpoints += 1;
        self.proof.proven_to = Some(stated.sequence);
        self.proof.signed_at = Some(statement.at);
        self.proof.key_id = Some(statement.key_id);
        Ok(())
    }

    /// What is proven so far.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Where the chain stands.
    pub fn end(&self) -> Link {
        self.end
    }

    /// Nothing more comes; the log says that it goes to row `last`.
    pub fn finish(self, last: i64) -> (Proof, Result<(), Fault>) {
        let found = self.end.sequence;
        let proven_to =
            self.proof.proven_to.unwrap_or(found.saturating_sub(i64::try_from(self.proof.rows).unwrap_or(0)));
        let fault = if found != last {
            Err(Fault::Truncated { wanted: last, found })
        } else if proven_to < found {
            Err(Fault::NoEnd { rows: found - proven_to })
        } else {
            Ok(())
        };
        (self.proof, fault)
    }
}

#[cfg(test)]
mod tests;
