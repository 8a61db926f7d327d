//! Where the keys come from: a port, because the catalog keeps them and this crate does not know it.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::store::BoxFuture;

/// The keys that blobs are sealed under. Each has an id, which stands in the head of what is sealed under it.
pub trait Keys: fmt::Debug + Send + Sync {
    /// The key for new blobs.
    fn newest(&self) -> BoxFuture<'_, Result<DataKey, KeysError>>;

    /// The key of that id, also when it is no longer used for new blobs.
    fn find(&self, id: Uuid) -> BoxFuture<'_, Result<DataKey, KeysError>>;
}

/// A key that blobs are sealed under: never used itself, but what each blob's own key is derived from.
#[derive(Clone)]
pub struct DataKey {
    /// Its id.
    pub id: Uuid,
    secret: Arc<Zeroizing<[u8; 32]>>,
}

impl DataKey {
    /// The key `secret`, of which `id` is the name.
    pub fn new(id: Uuid, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { id, secret: Arc::new(secret) }
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret[..]
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a key was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// There is no such key: the catalog is not the one that these bytes were sealed with.
    #[error("there is no data key `{id}`")]
    Unknown {
        /// The id that was asked for.
        id: Uuid,
    },
    /// Keys cannot be had at the moment.
    #[error("data keys are not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
