//! The keyring: keys that secrets and blobs are sealed under, kept in the catalog under a master key that is not there.
//!
//! A *data key* is 32 random bytes with an id and a purpose. The catalog holds it wrapped by the *master key*, which every
//! node is given from outside. So what lies in the catalog and in the blob store is worth nothing without that one key,
//! and changing it means wrapping a few rows anew and not sealing terabytes again.
//!
//! Several master keys may be at hand while one takes the other's place: rows say which one wraps them, new rows follow
//! those that are there, and [`Keyring::rewrap`] moves all of them at once. Data keys do not change, so they are kept in
//! memory for good; one that another node made is read when it is first met.

mod secret;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use uuid::Uuid;
use wharf_context::Timestamp;
use zeroize::Zeroizing;

pub use self::secret::{DataKey, MasterKey};
use self::store::Wrapped;
use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// For how long another node may seal new things under a key that was retired.
const NEWEST_FOR: Duration = Duration::from_secs(60);

/// What a data key is for. Keys of one purpose never seal things of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Secrets in the catalog.
    Catalog,
    /// Blobs in the blob store.
    Blobs,
}

impl Purpose {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Catalog, Self::Blobs];

    /// The word for it, in the catalog and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Blobs => "blobs",
        }
    }

    /// The purpose of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// The master keys that a node was given.
#[derive(Debug)]
pub struct MasterKeys {
    /// The one that [`Keyring::rewrap`] wraps by, and the first data keys of a new catalog.
    pub newest: MasterKey,
    /// Others that data keys may still be wrapped by.
    pub previous: Vec<MasterKey>,
}

impl MasterKeys {
    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.newest).chain(&self.previous)
    }

    fn get(&self, id: &str) -> Result<&MasterKey, Error> {
        self.all().find(|master| master.id() == id).ok_or_else(|| Error::MasterKey {
            needed: id.to_owned(),
            held: self.all().map(MasterKey::id).collect::<Vec<_>>().join("`, `"),
        })
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey, Error> {
        let info = &wrapped.info;
        let key = self.get(&info.master)?.unwrap(info.id, info.purpose, &wrapped.bytes);
        key.ok_or(Error::DataKey { id: info.id })
    }
}

/// A data key as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyRecord {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// The id of the master key that wraps it.
    pub master: String,
    /// Since when there is this key.
    pub created_at: Timestamp,
    /// Since when new things are sealed under another one.
    pub retired_at: Option<Timestamp>,
}

/// The keys of one catalog. Clones share them.
#[derive(Clone)]
pub struct Keyring {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    masters: MasterKeys,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<Uuid, Arc<DataKey>>,
    /// The newest of a purpose, and when that was read.
    newest: HashMap<Purpose, (Uuid, Timestamp)>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("masters", &self.inner.masters).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Whether a catalog has keys: then a node needs the master key that wraps them, and a new one would be of no use.
    pub async fn is_begun(db: &Db) -> Result<bool, Error> {
        store::is_begun(db).await
    }

    /// Opens a catalog's keys, and makes the first one of a new catalog, so that it is bound to its master key from the
    /// beginning. Fails with [`Error::MasterKey`] where a key is wrapped by a master key that is not given.
    pub async fn open(db: Db, masters: MasterKeys) -> Result<Self, Error> {
        let rows = store::list(&db).await?;
        let keyring = Self { inner: Arc::new(Inner { db, masters, known: RwLock::default() }) };
        for row in &rows {
            keyring.keep(row)?;
        }
        keyring.newest(Purpose::Catalog).await?;
        Ok(keyring)
    }

    /// The key that new things are sealed under; made if there is none. Another node's rotation is noticed within a
    /// minute.
    pub async fn newest(&self, purpose: Purpose) -> Result<Arc<DataKey>, Error> {
        let now = self.inner.db.rough_now();
        if let Some(key) = self.remembered(purpose, now) {
            return Ok(key);
        }
        let row = match store::newest(&self.inner.db, purpose).await? {
            Some(row) => row,
            None => self.inner.db.transaction(async |tx| self.make(tx, purpose).await).await?,
        };
        let key = self.keep(&row)?;
        self.known(|known| known.newest.insert(purpose, (key.id, now)));
        Ok(key)
    }

    /// The key of that id, also when it is retired; `None` when there never was one in this catalog.
    pub async fn find(&self, id: Uuid) -> Result<Option<Arc<DataKey>>, Error> {
        let known = self.inner.known.read().unwrap_or_else(PoisonError::into_inner).keys.get(&id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        store::get(&self.inner.db, id).await?.map(|row| self.keep(&row)).transpose()
    }

    /// Opens what [`DataKey::seal`] sealed for the place that `context` names.
    pub async fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = || Error::Unseal { place: context.to_owned() };
        let sealed = secret::Sealed::split(sealed).ok_or_else(broken)?;
        let key = self.find(sealed.key).await?.ok_or_else(broken)?;
        key.open(context, &sealed).ok_or_else(broken)
    }

    /// All keys, the newest first.
    pub async fn list(&self) -> Result<Vec<DataKeyRecord>, Error> {
        Ok(store::list(&self.inner.db).await?.into_iter().map(|row| row.info).collect())
    }

    /// Makes a new key for what is sealed from now on. What was sealed stays under the key that it was sealed under.
    pub async fn rotate(&self, tx: &mut Tx<'_>, purpose: Purpose) -> Result<Uuid, Error> {
        store::retire(tx, purpose).await?;
        let row = self.make(tx, purpose).await?;
        Ok(row.info.id)
    }

    /// Wraps every key by the newest master key; how many were wrapped by another one before.
    pub async fn rewrap(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let master = &self.inner.masters.newest;
        let mut count = 0;
        for row in store::list_in(tx).await?.iter().filter(|row| row.info.master != master.id()) {
            let key = self.inner.masters.unwrap(row)?;
            store::rewrap(tx, key.id, &master.wrap(&key)?, master.id()).await?;
            count += 1;
        }
        Ok(count)
    }

    /// The fingerprint of the master key that [`Self::rewrap`] wraps by.
    pub fn master(&self) -> &str {
        self.inner.masters.newest.id()
    }

    /// Forgets which keys are the newest, after a rotation through this node.
    pub fn forget_newest(&self) {
        self.known(|known| known.newest.clear());
    }

    /// The newest key of a purpose, made if there is none: another node may have been first.
    async fn make(&self, tx: &mut Tx<'_>, purpose: Purpose) -> Result<Wrapped, Error> {
        if store::newest_in(tx, purpose).await?.is_none() {
            // Wrapped like those that are there: a node that was not given the newest master key yet can read it.
            let master = match store::master_in(tx).await? {
                Some(id) => self.inner.masters.get(&id)?,
                None => &self.inner.masters.newest,
            };
            let key = DataKey::generate(purpose)?;
            let master_id = master.id().to_owned();
            let info = DataKeyRecord { id: key.id, purpose, master: master_id, created_at: tx.now(), retired_at: None };
            store::insert(tx, &info, &master.wrap(&key)?).await?;
        }
        store::newest_in(tx, purpose).await?.ok_or(Error::NoDataKey)
    }

    fn remembered(&self, purpose: Purpose, now: Timestamp) -> Option<Arc<DataKey>> {
        let known = self.inner.known.read().unwrap_or_else(PoisonError::into_inner);
        let (id, read_at) = known.newest.get(&purpose)?;
        let is_fresh = *read_at <= now && now < read_at.plus(NEWEST_FOR);
        if is_fresh { known.keys.get(id).cloned() } else { None }
    }

    /// Unwraps a key and keeps it in memory.
    fn keep(&self, row: &Wrapped) -> Result<Arc<DataKey>, Error> {
        let key = Arc::new(self.inner.masters.unwrap(row)?);
        self.known(|known| known.keys.insert(key.id, Arc::clone(&key)));
        Ok(key)
    }

    fn known<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.inner.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}
