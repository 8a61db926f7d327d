//! Checkpoints: signed statements of where the chain stood. Here they are kept; who signs and what they say is not known here.

use wharf_context::Timestamp;

use super::chain::ChainHash;
use super::store;
use crate::db::Db;
use crate::error::Error;

/// One signed statement: up to this row, this is the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the last row that it covers.
    pub sequence: i64,
    /// That row's hash.
    pub hash: ChainHash,
    /// When it was signed.
    pub at: Timestamp,
    /// By which key.
    pub key_id: String,
    /// The statement with its signature.
    pub document: String,
}

/// The public half of a key that signed checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditKey {
    /// Its id.
    pub id: String,
    /// The key.
    pub public_key: Vec<u8>,
}

impl Db {
    /// Keeps a checkpoint and the key that verifies it. One for the same row stays as it is.
    pub async fn put_checkpoint(&self, checkpoint: &Checkpoint, key: &AuditKey) -> Result<(), Error> {
        self.transaction(async |tx| {
            store::checkpoint::put_key(tx, key).await?;
            store::checkpoint::put(tx, checkpoint).await
        })
        .await
    }

    /// Keeps a key that signs something else than a checkpoint, too, so that whoever verifies finds it.
    pub async fn note_audit_key(&self, key: &AuditKey) -> Result<(), Error> {
        self.transaction(async |tx| store::checkpoint::put_key(tx, key).await).await
    }

    /// The last checkpoint.
    pub async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        store::checkpoint::last(self).await
    }

    /// Checkpoints in the order of the chain, from the first that covers more than row `after`.
    pub async fn list_checkpoints(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, Error> {
        store::checkpoint::list(self, after, limit).await
    }

    /// Every key that ever signed a checkpoint.
    pub async fn list_audit_keys(&self) -> Result<Vec<AuditKey>, Error> {
        store::checkpoint::keys(self).await
    }
}
