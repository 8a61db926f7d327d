//! Sealed signing keys: what the catalog holds opens only with the master key, which is not there.
//!
//! A key is bound to its row by its id. A plain one begins like every PKCS#8 document, a sealed one does not; so rows from
//! before the keyring are known, and sealed when a server starts.

use wharf_db::{Keyring, Purpose};
use zeroize::Zeroizing;

use super::jws::SigningKey;
use super::{KeyRow, Keys, store};
use crate::error::Error;

/// The first byte of a PKCS#8 document: an ASN.1 sequence.
const SEQUENCE: u8 = 0x30;

/// A key that was just made, as its row will have it.
pub(crate) struct NewKey {
    pub(super) id: String,
    pub(super) private: Vec<u8>,
}

impl Keys {
    /// Makes a key, for a transaction to put it into the catalog.
    pub(crate) async fn make(&self) -> Result<NewKey, Error> {
        let pkcs8 = SigningKey::generate()?;
        let id = SigningKey::from_pkcs8(&pkcs8)?.id().to_owned();
        let private = match &self.keyring {
            Some(keyring) => seal(keyring, &id, &pkcs8).await?,
            None => pkcs8.to_vec(),
        };
        Ok(NewKey { id, private })
    }

    /// The key that a row holds.
    pub(super) async fn open(&self, row: &KeyRow) -> Result<SigningKey, Error> {
        if row.is_plain() {
            return SigningKey::from_pkcs8(&row.private);
        }
        let keyring = self.keyring()?;
        let pkcs8 = keyring.unseal(&place(&row.id), &row.private).await?;
        SigningKey::from_pkcs8(&pkcs8)
    }

    /// Seals the keys that lie in the catalog as they are.
    pub(crate) async fn seal_plain(&self) -> Result<(), Error> {
        let keyring = self.keyring()?;
        for row in store::list(&self.db).await?.into_iter().filter(KeyRow::is_plain) {
            let plain = Zeroizing::new(row.private);
            let sealed = seal(keyring, &row.id, &plain).await?;
            self.db.transaction(async |tx| store::seal(tx, &row.id, &plain, &sealed).await).await?;
        }
        Ok(())
    }

    pub(crate) fn keyring(&self) -> Result<&Keyring, Error> {
        self.keyring.as_ref().ok_or(Error::NoKeyring)
    }
}

impl KeyRow {
    fn is_plain(&self) -> bool {
        self.private.first() == Some(&SEQUENCE)
    }
}

async fn seal(keyring: &Keyring, id: &str, pkcs8: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(keyring.newest(Purpose::Catalog).await?.seal(&place(id), pkcs8)?)
}

fn place(id: &str) -> String {
    format!("signing key {id}")
}
