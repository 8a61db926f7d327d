//! `backup.json`: what a backup holds. It is written last, so a folder without one holds no backup.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use wharf_db::CopiedTable;
use wharf_oci::ports::Hashing;
use wharf_oci::{Algorithm, Digest};

use crate::config::storage::Storage;

/// The file's name.
const NAME: &str = "backup.json";
/// The form of backups that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The version of the program that wrote it.
    pub(crate) version: String,
    /// When its catalog was read.
    pub(crate) taken_at: String,
    /// The catalog's file in the folder: SQLite, whatever the server uses.
    pub(crate) catalog: String,
    pub(crate) catalog_size_bytes: u64,
    pub(crate) catalog_digest: String,
    /// The catalog's tables.
    pub(crate) tables: Vec<TableEntry>,
    /// Blobs that the catalog counts on, and their bytes.
    pub(crate) blobs: u64,
    pub(crate) blob_bytes: u64,
    /// Blobs that were not as the catalog says when the backup was made: they are not in it.
    pub(crate) damaged: Vec<String>,
    /// The store that holds the bytes, where that is not the folder `blobs` beside this file.
    pub(crate) bytes: Option<Box<Storage>>,
}

/// A table of the catalog.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TableEntry {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) digest: String,
}

impl From<CopiedTable> for TableEntry {
    fn from(table: CopiedTable) -> Self {
        Self { name: table.name, rows: table.rows, digest: table.digest }
    }
}

impl Manifest {
    /// An empty one of this program.
    pub(crate) fn new(taken_at: String, catalog: String) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            catalog,
            catalog_size_bytes: 0,
            catalog_digest: String::new(),
            tables: Vec::new(),
            blobs: 0,
            blob_bytes: 0,
            damaged: Vec::new(),
            bytes: None,
        }
    }

    /// Reads the one in `folder`.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(NAME);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("`{}` holds no complete backup: read `{NAME}`", folder.display()))?;
        let manifest: Self = serde_json::from_str(&text).with_context(|| format!("read `{}`", path.display()))?;
        if manifest.format > FORMAT {
            bail!("the backup was written by wharf {}, which is newer than this one", manifest.version);
        }
        let is_plain = Path::new(&manifest.catalog).file_name().is_some_and(|name| *name == *manifest.catalog);
        ensure!(is_plain, "`{}` names a catalog outside of the backup", path.display());
        Ok(manifest)
    }

    /// Puts it into `folder`, whole or not at all. From then on the folder holds this backup.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(NAME);
        let draft = path.with_added_extension("new");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            sync_folder(folder)
        };
        write().with_context(|| format!("write `{}`", path.display()))
    }

    /// Notes the catalog's file as it is now.
    pub(crate) fn seal_catalog(&mut self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(&self.catalog);
        let (size_bytes, digest) = digest(&path).with_context(|| format!("read `{}`", path.display()))?;
        (self.catalog_size_bytes, self.catalog_digest) = (size_bytes, digest.to_string());
        Ok(())
    }

    /// Where the catalog's file lies; fails when it is not the one that was written.
    pub(crate) fn verified_catalog(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = folder.join(&self.catalog);
        let (_, digest) = digest(&path).with_context(|| format!("read `{}`", path.display()))?;
        ensure!(
            digest.to_string() == self.catalog_digest,
            "`{}` is not the file that the backup wrote",
            path.display()
        );
        Ok(path)
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

fn digest(path: &Path) -> std::io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let mut hashing = Hashing::new(Algorithm::Sha256);
    let mut buffer = vec![0; 1 << 20];
    let mut size_bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size_bytes, hashing.finish())),
            read => {
                size_bytes += read as u64;
                hashing.update(&buffer[..read]);
            }
        }
    }
}
