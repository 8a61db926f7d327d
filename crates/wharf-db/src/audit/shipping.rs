//! Shipping: how far each receiver has been sent the chain. Who sends, and how, is not known here.

use super::store;
use crate::db::Db;
use crate::error::Error;
use crate::lease::Lease;

impl Db {
    /// The number of the last row that `receiver` has been sent; 0 where it was never sent any.
    pub async fn shipped(&self, receiver: &str) -> Result<i64, Error> {
        store::shipping::get(self, receiver).await
    }

    /// Notes that `receiver` has been sent all rows up to `sequence`; only for the holder of `lease`.
    pub async fn set_shipped(&self, lease: &Lease, receiver: &str, sequence: i64) -> Result<(), Error> {
        self.transaction(async |tx| {
            tx.check_lease(lease).await?;
            store::shipping::set(tx, receiver, sequence).await
        })
        .await
    }
}
