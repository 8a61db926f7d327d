//! Saving everything while everybody works: the catalog first, then the bytes that it counts on.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use wharf_db::{Db, Settings};
use wharf_registry::ByteCopy;

use super::manifest::{Manifest, sync_folder};
use super::order::Backup;
use super::step::{self, Teller};
use super::{Operator, describe, open_database};
use crate::data::Hold;

/// What a backup's catalogs are called: `catalog-TIME.db`.
const CATALOG: &str = "catalog-";

impl Operator {
    /// Saves everything into a folder. Bytes that an earlier backup has saved there are not copied again; until the new
    /// one is complete, the folder holds the earlier one.
    pub(crate) async fn back_up(&self, order: Backup, teller: &Teller) -> anyhow::Result<serde_json::Value> {
        let folder = order.folder.as_path();
        let _alone = Hold::take(&folder.join("backup.lock"))?;
        let hold = self.hold_bytes().await?;
        let (mut manifest, catalog) = self.save_catalog(folder, teller).await?;
        let target = self.backup_bytes(folder, order.bytes.as_deref()).await?;
        let stores = (Arc::clone(&self.store), target);
        let mut copy = ByteCopy::new(Self::permit(), catalog, stores, order.copy.into());
        step::pass(&mut copy, teller).await.context("copy the bytes")?;
        hold.confirm().await.context("this process was stopped for so long that bytes may have gone: begin again")?;
        let figures = copy.figures();
        (manifest.blobs, manifest.blob_bytes) = (figures.seen_blobs(), figures.seen_bytes());
        manifest.damaged = copy.damaged().iter().map(|blob| blob.digest.to_string()).collect();
        manifest.bytes = order.bytes;
        manifest.write(folder)?;
        let pruned = copy.prune().await.context("delete from the backup what the catalog no longer knows")?;
        let damage = describe(copy.damaged());
        drop(copy);
        remove_catalogs(folder, &manifest.catalog).context("delete the catalog of the earlier backup")?;
        Ok(json!({
            "folder": folder, "taken_at": manifest.taken_at, "blobs": manifest.blobs,
            "blob_bytes": manifest.blob_bytes, "copied_blobs": figures.copied_blobs(),
            "copied_bytes": figures.copied_bytes(), "pruned_blobs": pruned,
            "damaged": manifest.damaged, "damage": damage,
        }))
    }

    /// Copies the catalog into a file of the folder, and opens that.
    async fn save_catalog(&self, folder: &Path, teller: &Teller) -> anyhow::Result<(Manifest, Db)> {
        let now = jiff::Timestamp::now();
        let name = format!("{CATALOG}{}.db", now.strftime("%Y%m%dT%H%M%S%6fZ"));
        let mut manifest = Manifest::new(now.to_string(), name);
        let (path, draft) = (folder.join(&manifest.catalog), folder.join("catalog.partial"));
        remove_drafts(folder)
            .with_context(|| format!("remove what an earlier backup has left in `{}`", folder.display()))?;
        let target = open_database(&in_file(&draft)).await.context("make a file for the catalog")?;
        let tables = self.db.copy_to(&target, step::rows(teller)).await.context("copy the catalog")?;
        // Closed, it is one file without a log beside it.
        drop(target);
        let rename = || std::fs::rename(&draft, &path).and_then(|()| sync_folder(folder));
        rename().with_context(|| format!("name the catalog's file `{}`", path.display()))?;
        manifest.tables = tables.into_iter().map(Into::into).collect();
        manifest.seal_catalog(folder)?;
        Ok((manifest, open_database(&in_file(&path)).await.context("open the copy of the catalog")?))
    }
}

/// The settings of a SQLite file.
pub(super) fn in_file(path: &Path) -> Settings {
    Settings::new(format!("sqlite:{}", path.display()))
}

fn remove_drafts(folder: &Path) -> std::io::Result<()> {
    remove_where(folder, |name| name.starts_with("catalog.partial"))
}

/// Removes all catalogs but `kept`.
fn remove_catalogs(folder: &Path, kept: &str) -> std::io::Result<()> {
    remove_where(folder, |name| name.starts_with(CATALOG) && !name.starts_with(kept))
}

fn remove_where(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_wanted) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
