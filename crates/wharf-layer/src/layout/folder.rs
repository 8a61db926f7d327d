//! A layout's folder. Names below it are opened one by one from the folder's own handle and never through a symbolic
//! link, so that nothing outside is read or written, whatever lies in it.
//!
//! Spec: image-spec, image-layout.md.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use wharf_oci::Digest;

use super::place::Place;
use crate::error::Error;

pub(super) const INDEX: &str = "index.json";
pub(super) const OCI_LAYOUT: &str = "oci-layout";
pub(super) const BLOBS: &str = "blobs";

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
// Opening a named pipe would wait for its other end.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);

/// A layout's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    root: Arc<OwnedFd>,
}

impl Folder {
    /// Opens a folder that is there.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(failed("open", path))?;
        Ok(Self { path: path.to_owned(), root: Arc::new(root) })
    }

    /// Opens a folder, and makes it where it is missing.
    pub(super) fn make(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|source| Error::file("make", path, source))?;
        Self::open(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A blob, if it is there.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Place>, Error> {
        let algorithm = digest.algorithm().name();
        let Some(blobs) = self.folder(&*self.root, BLOBS)? else { return Ok(None) };
        let Some(folder) = self.folder(&blobs, algorithm)? else { return Ok(None) };
        self.file(&folder, &digest.hex())
    }

    /// A document beside the blobs, if it is there.
    pub(super) fn document(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.file(&*self.root, name)?.map(|place| place.document()).transpose()
    }

    /// Keeps others out who also change documents, until the handle is dropped.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let root = File::open(&self.path).map_err(|source| Error::file("open", &self.path, source))?;
        root.lock().map_err(|source| Error::file("lock", &self.path, source))?;
        Ok(root)
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&*self.root).map_err(failed("sync", &self.path))
    }

    fn folder(&self, parent: impl AsFd, name: &str) -> Result<Option<OwnedFd>, Error> {
        found(rustix::fs::openat(parent, name, FOLDER, Mode::empty())).map_err(failed("open", &self.path.join(name)))
    }

    fn file(&self, parent: impl AsFd, name: &str) -> Result<Option<Place>, Error> {
        let path = self.path.join(name);
        let opened = found(rustix::fs::openat(parent, name, FILE, Mode::empty())).map_err(failed("open", &path))?;
        let Some(file) = opened.map(File::from) else { return Ok(None) };
        let metadata = file.metadata().map_err(|source| Error::file("inspect", &path, source))?;
        if !metadata.is_file() {
            return Err(Error::NotAFile { path });
        }
        Ok(Some(Place::File { file: Arc::new(file), start: 0, size: metadata.len() }))
    }

    /// A new file that is nowhere until it is placed, and gone if it never is.
    pub(super) fn new_file(&self) -> Result<NewFile, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let name = format!(".wharf-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
            match rustix::fs::openat(&*self.root, &name, NEW_FILE, Mode::from_raw_mode(0o644)) {
                Ok(file) => return Ok(NewFile { folder: self.clone(), name, file: file.into(), is_placed: false }),
                // Left behind by a process that had our number.
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed("write in", &self.path)(errno)),
            }
        }
    }
}

/// A file in the making.
#[derive(Debug)]
pub(super) struct NewFile {
    folder: Folder,
    name: String,
    file: File,
    is_placed: bool,
}

impl NewFile {
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Why it could not be written.
    pub(super) fn failed(&self, source: io::Error) -> Error {
        Error::file("write in", &self.folder.path, source)
    }

    /// Makes it the blob that it is.
    pub(super) fn place_blob(self, digest: &Digest) -> Result<(), Error> {
        let blobs = self.subfolder(&*self.folder.root.clone(), BLOBS)?;
        let folder = self.subfolder(&blobs, digest.algorithm().name())?;
        self.place_in(&folder, &digest.hex())
    }

    /// Makes it the document of this name, in the place of one that is there.
    pub(super) fn place(self, name: &str) -> Result<(), Error> {
        let root = Arc::clone(&self.folder.root);
        self.place_in(&*root, name)
    }

    /// Moves it to where an archive is wanted, on the same file system.
    pub(super) fn replace(mut self, target: &Path) -> Result<(), Error> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        std::fs::rename(self.folder.path.join(&self.name), target)
            .map_err(|source| Error::file("write", target, source))?;
        self.is_placed = true;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(folder).and_then(|folder| folder.sync_all());
        opened.map_err(|source| Error::file("sync", folder, source))
    }

    fn place_in(mut self, folder: impl AsFd, name: &str) -> Result<(), Error> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        rustix::fs::renameat(&*self.folder.root, &self.name, &folder, name)
            .map_err(failed("write in", &self.folder.path))?;
        self.is_placed = true;
        rustix::fs::fsync(folder).map_err(failed("sync", &self.folder.path))
    }

    fn subfolder(&self, parent: impl AsFd, name: &str) -> Result<OwnedFd, Error> {
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed("write in", &self.folder.path)(errno)),
        }
        let path = self.folder.path.join(name);
        rustix::fs::openat(parent, name, FOLDER, Mode::empty()).map_err(failed("open", &path))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_placed
            && let Err(errno) = rustix::fs::unlinkat(&*self.folder.root, &self.name, AtFlags::empty())
        {
            tracing::warn!(name = self.name, %errno, "an unfinished file stays in the layout");
        }
    }
}

fn found<T>(opened: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> Error {
    let path = path.to_owned();
    move |errno| Error::file(action, &path, errno.into())
}
