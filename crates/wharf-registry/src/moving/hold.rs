//! The hold: no bytes are deleted as long as it lasts, on any node.
//!
//! It is a lease. Whoever is about to delete bytes asks after it once they have been chosen: bytes that a snapshot taken
//! under the hold calls present were chosen later than that, and the hold is seen.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use wharf_context::Maintain;
use wharf_db::{Db, Lease, Tx};

use crate::error::Error;
use crate::registry::Registry;

const NAME: &str = "registry.bytes";
/// How long a hold outlives the process that has it.
const LENGTH: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// Nobody deletes bytes as long as this lives; it may have been lost when this process was stopped for too long. Dropped,
/// it is given back.
#[derive(Debug)]
pub struct BytesHold {
    db: Db,
    lease: Lease,
    keeper: JoinHandle<()>,
}

impl Registry {
    /// Keeps all bytes from being deleted. `None` while another backup or move has them.
    pub async fn hold_bytes(&self, _: Maintain) -> Result<Option<BytesHold>, Error> {
        let Some(lease) = self.db.lease(NAME, LENGTH).await? else { return Ok(None) };
        let (db, kept) = (self.db.clone(), lease.clone());
        let keeper = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW_EVERY).await;
                // A frozen catalog prolongs nothing, and lets nobody choose bytes to delete either.
                if let Err(error) = prolong(&db, &kept).await {
                    tracing::debug!(%error, "cannot prolong the hold on bytes");
                }
            }
        });
        Ok(Some(BytesHold { db: self.db.clone(), lease, keeper }))
    }

    /// Whether bytes that have just been replaced must stay for now; collection deletes them later. In doubt they stay.
    pub(crate) async fn holds_bytes(&self) -> bool {
        self.db.claim(async |tx| tx.is_leased(NAME).await).await.unwrap_or(true)
    }
}

/// Whether no bytes may be deleted, for who has chosen some in this transaction.
pub(crate) async fn is_held(tx: &mut Tx<'_>) -> Result<bool, Error> {
    Ok(tx.is_leased(NAME).await?)
}

impl BytesHold {
    /// Fails when the hold was lost at some time: then bytes may have gone that should have stayed.
    pub async fn confirm(&self) -> Result<(), Error> {
        prolong(&self.db, &self.lease).await
    }
}

/// A hold whose time was up is not taken up again, so that one that was lost stays lost.
async fn prolong(db: &Db, lease: &Lease) -> Result<(), Error> {
    db.transaction(async |tx| tx.prolong_lease(lease, LENGTH).await).await?;
    Ok(())
}

impl Drop for BytesHold {
    fn drop(&mut self) {
        self.keeper.abort();
        let (db, lease) = (self.db.clone(), self.lease.clone());
        let give_back = async move {
            if let Err(error) = db.release(lease).await {
                tracing::debug!(%error, "the hold on bytes ends by itself");
            }
        };
        // Without a runtime, or in a catalog that is frozen, it ends when its time is up.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(give_back);
        }
    }
}
