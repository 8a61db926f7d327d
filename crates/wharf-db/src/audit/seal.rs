//! Sealing: committed rows get their numbers and hashes, some hundred at a time.
//!
//! Numbers of rows are not in the order of commits, so sealing takes whatever is unsealed. Any number of nodes may seal: the
//! row of the chain's end is locked first and compared when it is set, so they take turns and leave no gap. It sees what is committed
//! and takes part in no one's isolation, so that writers never have to try again because of it.

use wharf_context::Timestamp;

use super::chain::Link;
use super::{AuditRecord, store};
use crate::db::Db;
use crate::error::Error;

/// How many rows one transaction seals at most: a few milliseconds of SQLite's one writer.
pub const SEAL_ROWS: u32 = 256;

impl Db {
    /// Seals what is committed and unsealed, up to [`SEAL_ROWS`]; says how many rows that were.
    pub async fn seal_audit(&self) -> Result<u32, Error> {
        if !store::seal::has_unsealed(self).await? {
            return Ok(0);
        }
        self.claim(async |tx| {
            let head = store::seal::lock_head(tx).await?;
            let rows = store::seal::unsealed(tx, SEAL_ROWS).await?;
            let mut end = head;
            for row in &rows {
                end = end.next(row);
                store::seal::seal(tx, row.id, &end).await?;
            }
            if end != head {
                store::seal::set_head(tx, &head, &end).await?;
            }
            Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
        })
        .await
    }

    /// The end of the chain.
    pub async fn audit_head(&self) -> Result<Link, Error> {
        store::seal::head(self).await
    }

    /// Sealed rows in the order of the chain, from the one after `after`.
    pub async fn list_chain(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Error> {
        store::seal::list(self, after, limit).await
    }

    /// The first row of the chain that was written at `at` or later, or the number behind the last one. The chain is in the order
    /// of commits, which is that of time but for as long as a transaction may take.
    pub async fn find_chained(&self, at: Timestamp) -> Result<i64, Error> {
        let (mut low, mut high) = (1, self.audit_head().await?.sequence + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let is_before = self.get_chained(middle).await?.is_some_and(|row| row.at < at);
            (low, high) = if is_before { (middle + 1, high) } else { (low, middle) };
        }
        Ok(low)
    }

    /// One sealed row.
    pub async fn get_chained(&self, sequence: i64) -> Result<Option<AuditRecord>, Error> {
        store::seal::get(self, sequence).await
    }
}
