//! Data keys as administrators see and rotate them. What they are and what they seal: [`wharf_db::keyring`].

use serde_json::json;
use wharf_context::Context;

pub use wharf_db::{DataKeyRecord as DataKey, Purpose};

use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;

impl Identity {
    /// The data keys, the newest first.
    pub async fn list_data_keys(&self, ctx: &Context) -> Result<Vec<DataKey>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeKeys)?;
        Ok(self.keys.keyring()?.list().await?)
    }

    /// Makes a new data key for what is sealed from now on; returns its id. What was sealed stays readable.
    pub async fn rotate_data_key(&self, ctx: &Context, purpose: Purpose) -> Result<String, Error> {
        let keyring = self.keys.keyring()?;
        let rotated = self.db.transaction(async |tx| {
            Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::RotateKeys)?;
            let id = keyring.rotate(tx, purpose).await?;
            audit::record(tx, ctx, "data_key.rotate", &id, json!({ "purpose": purpose.name() })).await?;
            Ok::<_, Error>(id.to_string())
        });
        let id = rotated.await?;
        keyring.forget_newest();
        Ok(id)
    }

    /// Wraps all data keys by the newest master key; how many were wrapped by another one.
    pub async fn rewrap_data_keys(&self, ctx: &Context) -> Result<u64, Error> {
        let keyring = self.keys.keyring()?;
        let rewrapped = self.db.transaction(async |tx| {
            Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::RotateKeys)?;
            let count = keyring.rewrap(tx).await?;
            let details = json!({ "master": keyring.master(), "rewrapped": count });
            audit::record(tx, ctx, "master_key.rotate", &keyring.master(), details).await?;
            Ok::<_, Error>(count)
        });
        rewrapped.await
    }

    /// The fingerprint of the master key that [`Self::rewrap_data_keys`] wraps by.
    pub fn master_key(&self) -> Result<&str, Error> {
        Ok(self.keys.keyring()?.master())
    }
}
