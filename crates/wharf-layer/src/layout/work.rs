//! The folder that a sink writes into: the layout itself, or one that exists while an archive is made.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{BLOBS, Folder, OCI_LAYOUT};
use crate::error::Error;

/// Where a sink writes.
#[derive(Debug)]
pub(super) struct Work {
    folder: Folder,
    /// The archive that is made of the folder, which then goes away.
    target: Option<PathBuf>,
}

impl Work {
    /// The layout itself: a new folder, an empty one, a layout, or what a sink has left that was not finished.
    pub(super) fn in_place(path: &Path) -> Result<Self, Error> {
        let folder = Folder::make(path)?;
        if folder.document(OCI_LAYOUT)?.is_none() && !has_only_blobs(path)? {
            return Err(Error::NotALayout);
        }
        Ok(Self { folder, target: None })
    }

    /// A folder beside the archive, on the same file system.
    pub(super) fn beside(target: &Path) -> Result<Self, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if target.is_dir() || target.file_name().is_none() {
            return Err(Error::NotAFile { path: target.to_owned() });
        }
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = target.with_file_name(format!(".wharf-archive-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { folder: Folder::open(&path)?, target: Some(target.to_owned()) }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::file("make", &path, source)),
            }
        }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn target(&self) -> Option<&Path> {
        self.target.as_deref()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.target.is_some()
            && let Err(error) = std::fs::remove_dir_all(self.folder.path())
        {
            tracing::warn!(folder = %self.folder.path().display(), %error, "what an archive was made of stays behind");
        }
    }
}

fn has_only_blobs(path: &Path) -> Result<bool, Error> {
    let failed = |source| Error::file("read", path, source);
    for entry in std::fs::read_dir(path).map_err(failed)? {
        if entry.map_err(failed)?.file_name() != BLOBS {
            return Ok(false);
        }
    }
    Ok(true)
}
