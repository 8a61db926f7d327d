//! Restoring a backup into a place where nothing is yet. No server runs there.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::json;
use wharf_db::Db;
use wharf_registry::{ByteCopy, Damaged};

use super::backup::in_file;
use super::manifest::Manifest;
use super::order::CopyOptions;
use super::step::{self, Teller};
use super::{Operator, describe, open_database};
use crate::config::Config;
use crate::config::source::Environment;
use crate::wire::operator as wire;

/// What to restore, and how.
#[derive(Debug)]
pub(crate) struct Restore<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) copy: CopyOptions,
    /// Whether to go on when the backup has not all of its bytes.
    pub(crate) leave_out_damaged: bool,
}

/// Restores a backup to where `config` says. The bytes come first and the catalog last, at once: before it is there, a
/// restore that was broken off is begun again and goes on.
pub(crate) async fn restore(
    config: &Config,
    environment: &Environment,
    order: Restore<'_>,
    teller: &Teller,
) -> anyhow::Result<serde_json::Value> {
    let manifest = Manifest::read(order.folder)?;
    let target =
        open_database(&wire::database_settings(config)).await.context("open the catalog that is to be filled")?;
    ensure!(target.is_empty().await?, "the catalog is not empty: restore into a new one");
    let scratch = Scratch::copy(config, &manifest, order.folder)?;
    // A newer program brings the copy forward; the backup itself is left as it is.
    let catalog = open_database(&in_file(&scratch.0)).await.context("open the backup's catalog")?;
    let keyring = wire::open_keyring(config, &catalog).await?;
    let store = wire::open_bytes(config, environment, &keyring).await?;
    let operator = wire::operator(config, environment, (catalog.clone(), keyring), store);
    let source = operator.backup_bytes(order.folder, manifest.bytes.as_deref()).await?;
    let stores = (source, operator.store.clone());
    let mut copy = ByteCopy::new(Operator::permit(), catalog.clone(), stores, order.copy.into());
    ensure!(
        copy.is_target_free().await?,
        "the blob store holds bytes that are not of this backup: restore into a new one"
    );
    step::pass(&mut copy, teller).await.context("copy the bytes")?;
    let missing: Vec<Damaged> =
        copy.damaged().iter().filter(|blob| !manifest.damaged.contains(&blob.digest.to_string())).cloned().collect();
    ensure!(
        missing.is_empty() || order.leave_out_damaged,
        "the backup has not all of its bytes ({}); --leave-out-damaged restores the rest",
        describe(&missing)
    );
    fill(&catalog, &target, teller).await?;
    let figures = copy.figures();
    Ok(json!({
        "taken_at": manifest.taken_at, "blobs": figures.seen_blobs(), "blob_bytes": figures.seen_bytes(),
        "copied_blobs": figures.copied_blobs(), "copied_bytes": figures.copied_bytes(),
        "damaged": copy.damaged().iter().map(|blob| blob.digest.to_string()).collect::<Vec<_>>(),
    }))
}

async fn fill(catalog: &Db, target: &Db, teller: &Teller) -> anyhow::Result<()> {
    catalog.copy_to(target, step::rows(teller)).await.map(drop).context("copy the catalog")
}

/// A copy of the backup's catalog in the data folder, which goes away with this value.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn copy(config: &Config, manifest: &Manifest, folder: &Path) -> anyhow::Result<Self> {
        let source = manifest.verified_catalog(folder)?;
        let scratch = Self(config.server.data().join("restore.db"));
        scratch.remove();
        std::fs::copy(&source, &scratch.0).with_context(|| format!("copy `{}`", source.display()))?;
        Ok(scratch)
    }

    fn remove(&self) {
        for ending in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(ending);
            // What is not there need not be removed.
            std::fs::remove_file(path).ok();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}
