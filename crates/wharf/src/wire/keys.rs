//! The keyring: the master key comes from a file, the data keys that it wraps from the catalog, and both the catalog's
//! secrets and the blobs are sealed under them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use uuid::Uuid;
use wharf_blob::sealed::keys::{DataKey, Keys, KeysError};
use wharf_blob::{BoxFuture, Sealed, Store};
use wharf_db::{Db, Keyring, MasterKey, MasterKeys, Purpose};

use crate::config::Config;

/// The file in the data folder that holds the master key where none is configured.
const FILE: &str = "master.key";

/// Opens the catalog's keys, and makes a master key for a new catalog if none is configured.
pub(super) async fn open(config: &Config, db: &Db) -> anyhow::Result<Keyring> {
    let newest = match &config.encryption.master_key_file {
        Some(path) => read(path)?,
        None => in_data_folder(config, db).await?,
    };
    let previous = config.encryption.previous_master_key_files.iter().map(|path| read(Path::new(path)));
    let previous = previous.collect::<anyhow::Result<Vec<_>>>()?;
    let opened = Keyring::open(db.clone(), MasterKeys { newest, previous }).await;
    opened.context(
        "open the catalog's keys: every node needs the same master key; copy its file from a node that runs or from \
         your backup and name it in `encryption.master_key_file` (or, while the key is changed, in \
         `encryption.previous_master_key_files`)",
    )
}

/// The ids of the master keys that a machine without a catalog has.
pub(super) fn masters(config: &Config) -> anyhow::Result<Vec<String>> {
    let newest = config.encryption.master_key_file.clone().unwrap_or_else(|| config.server.data().join(FILE));
    let paths = std::iter::once(newest).chain(config.encryption.previous_master_key_files.iter().map(Into::into));
    let ids = paths.map(|path| {
        let key = read(&path).context("a standby needs the primary's master key: copy its file to this machine")?;
        anyhow::Ok(key.id().to_owned())
    });
    ids.collect()
}

/// `store`, whose blobs are sealed if the configuration says so.
pub(super) fn seal(config: &Config, store: Arc<dyn Store>, keyring: &Keyring) -> Arc<dyn Store> {
    Arc::new(Sealed::new(store, Arc::new(BlobKeys(keyring.clone())), config.encryption.blobs))
}

async fn in_data_folder(config: &Config, db: &Db) -> anyhow::Result<MasterKey> {
    let path = config.server.data().join(FILE);
    if path.exists() {
        return read(&path);
    }
    if Keyring::is_begun(db).await.context("look for keys in the catalog")? {
        bail!(
            "secrets in the catalog are sealed, and their master key is not in `{}`: copy that file from a node that \
             runs or from your backup, or name it in `encryption.master_key_file`",
            path.display()
        );
    }
    let (key, text) = MasterKey::generate().context("make a master key")?;
    write(&path, text.as_bytes()).with_context(|| format!("write the master key to `{}`", path.display()))?;
    tracing::info!(path = %path.display(), id = key.id(), "made a master key: keep a copy of it apart from your backups");
    Ok(key)
}

fn read(path: &Path) -> anyhow::Result<MasterKey> {
    let bytes = std::fs::read(path).with_context(|| format!("read the master key in `{}`", path.display()))?;
    let bytes = zeroize::Zeroizing::new(bytes);
    MasterKey::parse(&bytes).with_context(|| {
        format!("`{}` holds no master key: 32 bytes, as they are, in hex or in base64", path.display())
    })
}

/// Writes the file whole or not at all, and durably: what is sealed under a key that a power loss takes is lost.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// The keyring, as the blob store asks for keys.
#[derive(Debug)]
struct BlobKeys(Keyring);

impl Keys for BlobKeys {
    fn newest(&self) -> BoxFuture<'_, Result<DataKey, KeysError>> {
        Box::pin(async {
            let key = self.0.newest(Purpose::Blobs).await.map_err(unavailable)?;
            Ok(DataKey::new(key.id, key.secret()))
        })
    }

    fn find(&self, id: Uuid) -> BoxFuture<'_, Result<DataKey, KeysError>> {
        Box::pin(async move {
            let key = self.0.find(id).await.map_err(unavailable)?.ok_or(KeysError::Unknown { id })?;
            Ok(DataKey::new(key.id, key.secret()))
        })
    }
}

fn unavailable(error: wharf_db::Error) -> KeysError {
    KeysError::Unavailable(Box::new(error))
}
