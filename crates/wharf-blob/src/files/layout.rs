//! The layout: names below the store's folder, and the calls on them. Everything here blocks.
//!
//! Names are made of keys only. Every call goes through the descriptor of the store's folder, follows no symbolic
//! link at the name's end, and opens nothing that is passed on to child processes.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags, XattrFlags};
use rustix::io::Errno;

use crate::error::Error;
use crate::fence::{Claim, Writers};
use crate::key::{StorageKey, UploadKey};
use crate::store::Upload;

/// The attribute of an upload's file that holds [`Writers`].
const WRITERS: &str = "user.wharf.writers";

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Folder {
    /// Open uploads.
    Uploads,
    /// The top of the fan-out.
    Blobs,
    /// A folder of the fan-out's upper level.
    Upper(u8),
    /// A folder of the fan-out's lower level, where files lie.
    Lower([u8; 2]),
}

impl Folder {
    /// Its path below the store's folder.
    pub(super) fn name(self) -> String {
        match self {
            Self::Uploads => "uploads".to_owned(),
            Self::Blobs => "blobs".to_owned(),
            Self::Upper(upper) => format!("blobs/{upper:02x}"),
            Self::Lower([upper, lower]) => format!("blobs/{upper:02x}/{lower:02x}"),
        }
    }

    fn error(self, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Folder { action, folder: self.name(), source }
    }
}

fn upload_name(upload: UploadKey) -> String {
    format!("uploads/{upload}")
}

fn blob_name(key: StorageKey) -> String {
    format!("{}/{key}", Folder::Lower(key.fan_out()).name())
}

fn upload_error(action: &'static str, upload: UploadKey) -> impl Fn(Errno) -> Error {
    move |errno| match errno {
        Errno::NOENT => Error::UploadNotFound { upload },
        _ => Error::Upload { action, upload, source: errno.into() },
    }
}

fn blob_error(action: &'static str, key: StorageKey) -> impl Fn(Errno) -> Error {
    move |errno| match errno {
        Errno::NOENT => Error::BlobNotFound { key },
        _ => Error::Blob { action, key, source: errno.into() },
    }
}

fn note_writers(file: &File, writers: Writers) -> Result<(), Errno> {
    match rustix::fs::fsetxattr(file, WRITERS, &writers.to_bytes(), XattrFlags::empty()) {
        // Where nothing can be noted beside a file, the fence in memory has to do.
        Err(Errno::NOTSUP) => Ok(()),
        noted => noted,
    }
}

/// The writers whose states describe an upload's bytes, if they are noted beside them.
pub(super) fn noted_writers(file: &File, upload: UploadKey) -> Result<Option<Writers>, Error> {
    let mut bytes = [0; 16];
    match rustix::fs::fgetxattr(file, WRITERS, &mut bytes) {
        Ok(size_bytes) => Ok(Writers::from_bytes(&bytes[..size_bytes])),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(None),
        Err(errno) => Err(upload_error("inspect", upload)(errno)),
    }
}

/// An upload's file, of exactly the length that was asked for.
#[derive(Debug)]
pub(super) struct Resumed {
    /// The file, locked.
    pub(super) file: File,
    /// Whether it was longer.
    pub(super) is_truncated: bool,
}

/// The store's folder.
#[derive(Debug)]
pub(super) struct Layout {
    root: OwnedFd,
    path: PathBuf,
}

impl Layout {
    /// Opens the store's folder, making what is missing, and syncs what it made.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::OpenStore { path: path.to_path_buf(), source };
        let missing: Vec<_> = path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        for folder in ["uploads", "blobs"] {
            DirBuilder::new().recursive(true).mode(0o700).create(path.join(folder)).map_err(failed)?;
        }
        let root = File::open(path).map_err(failed)?;
        root.sync_all().map_err(failed)?;
        for parent in missing.into_iter().filter_map(Path::parent) {
            // The parent of a relative name is the working folder, which is spelled as nothing.
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        }
        let [uploads, blobs] = [path.join("uploads"), path.join("blobs")].map(std::fs::metadata);
        if uploads.map_err(failed)?.dev() != blobs.map_err(failed)?.dev() {
            return Err(Error::TwoFileSystems { path: path.to_path_buf() });
        }
        Ok(Self { root: root.into(), path: path.to_path_buf() })
    }

    fn open_at(&self, name: &str, flags: OFlags) -> Result<File, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.root, name, flags, FILE_MODE)?))
    }

    /// Makes the empty file of a new upload.
    pub(super) fn create_upload(&self, upload: UploadKey) -> Result<(), Error> {
        self.open_at(&upload_name(upload), OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
            .map_err(|errno| Error::Upload { action: "create", upload, source: errno.into() })?;
        Ok(())
    }

    /// Opens an upload whose first `offset` bytes are known, notes who continues it, and drops what lies beyond. The
    /// file is locked against other processes until it is closed.
    pub(super) fn resume_upload(&self, claim: &Claim, offset: u64) -> Result<Resumed, Error> {
        let upload = claim.upload;
        let file = self.lock_upload(upload)?;
        if noted_writers(&file, upload)?.is_some_and(|writers| !writers.know(claim.writers.before)) {
            return Err(Error::Superseded { upload });
        }
        let found_bytes = file.metadata().map_err(|source| Error::Upload { action: "inspect", upload, source })?.len();
        if found_bytes < offset {
            return Err(Error::UploadLost { upload, expected_bytes: offset, found_bytes });
        }
        // Before anything is changed; both are one inode's, so that the order also holds across a power loss.
        note_writers(&file, claim.writers).map_err(upload_error("mark", upload))?;
        let is_truncated = found_bytes > offset;
        if is_truncated {
            file.set_len(offset).map_err(|source| Error::Upload { action: "truncate", upload, source })?;
        }
        Ok(Resumed { file, is_truncated })
    }

    fn lock_upload(&self, upload: UploadKey) -> Result<File, Error> {
        let file = self.open_at(&upload_name(upload), OFlags::RDWR).map_err(upload_error("open", upload))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // A file system without locks cannot be shared between nodes, and one node needs none.
            Ok(()) | Err(Errno::NOTSUP) => {}
            Err(errno) => return Err(upload_error("lock", upload)(errno)),
        }
        // Another node may have finished the upload between the two calls: then this file is a blob, not to be written.
        let named = rustix::fs::statat(&self.root, upload_name(upload), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(upload_error("inspect", upload))?;
        let opened = rustix::fs::fstat(&file).map_err(upload_error("inspect", upload))?;
        if named.st_ino == opened.st_ino { Ok(file) } else { Err(Error::UploadNotFound { upload }) }
    }

    /// Opens an upload for reading.
    pub(super) fn read_upload(&self, upload: UploadKey) -> Result<File, Error> {
        self.open_at(&upload_name(upload), OFlags::RDONLY).map_err(upload_error("open", upload))
    }

    /// Turns an upload's file into a blob, whose folder is there.
    pub(super) fn rename_upload(&self, upload: UploadKey) -> Result<(), Error> {
        let (from, to) = (upload_name(upload), blob_name(upload.storage_key()));
        let moved = match rustix::fs::renameat_with(&self.root, &from, &self.root, &to, RenameFlags::NOREPLACE) {
            // Some network file systems cannot refuse to replace. The name is this upload's own, so nothing is there.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                rustix::fs::renameat(&self.root, &from, &self.root, &to)
            }
            moved => moved,
        };
        moved.map_err(upload_error("finish", upload))
    }

    /// Removes an upload's file, if it is there.
    pub(super) fn unlink_upload(&self, upload: UploadKey) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.root, upload_name(upload), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(upload_error("abort", upload)(errno)),
        }
    }

    /// Every upload's file, with the time since it was last written to, by the file system's clock and this machine's.
    pub(super) fn list_uploads(&self) -> Result<Vec<Upload>, Error> {
        let failed = |source| Folder::Uploads.error("list")(source);
        let mut uploads = Vec::new();
        for entry in self.path.join("uploads").read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(key) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match entry.metadata().and_then(|metadata| metadata.modified()) {
                Ok(written) => uploads.push(Upload { key, age: written.elapsed().unwrap_or(Duration::ZERO) }),
                // It ended since the folder was read, and is no longer an upload.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(uploads)
    }

    /// Opens a blob for reading if the kernel finds it without asking the disk (`RESOLVE_CACHED`, openat2(2)): so it need
    /// not be done where blocking is allowed. `None` says nothing.
    pub(super) fn open_cached_blob(&self, key: StorageKey) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat2(&self.root, blob_name(key), flags, Mode::empty(), ResolveFlags::CACHED);
        opened.ok().map(File::from)
    }

    /// Opens a blob for reading.
    pub(super) fn open_blob(&self, key: StorageKey) -> Result<File, Error> {
        self.open_at(&blob_name(key), OFlags::RDONLY).map_err(blob_error("open", key))
    }

    /// How many bytes a blob has, if it is there.
    pub(super) fn blob_size(&self, key: StorageKey) -> Result<Option<u64>, Error> {
        Ok(self.blob_facts(key)?.map(|(size_bytes, _)| size_bytes))
    }

    /// How many bytes a blob has, and the time since it was last changed, if it is there.
    pub(super) fn blob_facts(&self, key: StorageKey) -> Result<Option<(u64, Duration)>, Error> {
        match rustix::fs::statat(&self.root, blob_name(key), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let changed = UNIX_EPOCH + Duration::from_secs(u64::try_from(stat.st_ctime).unwrap_or(0));
                let age = changed.elapsed().unwrap_or(Duration::ZERO);
                Ok(u64::try_from(stat.st_size).ok().map(|size_bytes| (size_bytes, age)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(blob_error("inspect", key)(errno)),
        }
    }

    /// The names in a folder of the fan-out, in no order. A folder that is not there has none.
    pub(super) fn list_folder(&self, folder: Folder) -> Result<HashSet<String>, Error> {
        let entries = match self.path.join(folder.name()).read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
            entries => entries.map_err(folder.error("list"))?,
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        names.collect::<Result<_, _>>().map_err(folder.error("list"))
    }

    /// Removes a blob, if it is there.
    pub(super) fn unlink_blob(&self, key: StorageKey) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.root, blob_name(key), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(blob_error("delete", key)(errno)),
        }
    }

    /// Makes a folder of the fan-out, if it is not there.
    pub(super) fn make_folder(&self, folder: Folder) -> Result<(), Error> {
        match rustix::fs::mkdirat(&self.root, folder.name(), Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(folder.error("make")(errno.into())),
        }
    }

    /// Makes the names in a folder durable. A folder that is not there has none.
    pub(super) fn sync_folder(&self, folder: Folder) -> Result<(), Error> {
        match self.open_at(&folder.name(), OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(opened) => opened.sync_all().map_err(folder.error("sync")),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(folder.error("open")(errno.into())),
        }
    }
}
