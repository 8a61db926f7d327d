//! URLs by which a client reads a blob from the storage itself.

use super::Blob;
use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// A URL by which anybody may read the blob's bytes, for as long as the settings say; `None` where there are no such
    /// URLs. Collection lets bytes lie until every URL that was given out has ended.
    pub async fn presign_blob(&self, blob: &Blob) -> Result<Option<String>, Error> {
        let valid = self.settings.presigned_for;
        if valid.is_zero() {
            return Ok(None);
        }
        let presigned = self.store.presign(&blob.storage_key, valid).await;
        presigned.map_err(Error::store(format!("presign blob `{}`", blob.digest)))
    }
}
