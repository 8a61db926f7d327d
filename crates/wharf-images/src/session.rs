//! The folders of a node's images, and what one process has unfinished in them.
//!
//! Whatever is made is made in the session's folder and renamed into its place when it is whole. The folder is held by a
//! lock that the kernel lets go when the process ends, however it ends; the next process that opens the store removes
//! what nobody holds. While a process has the store open it holds a shared lock on the whole, which collection takes alone.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

use crate::error::Error;
use crate::root;

const LOCK: &str = "lock";
const SESSIONS: &str = "sessions";
const SNAPSHOTS: &str = "snapshots";
const CONTENT: &str = "content";

/// One process's use of the store.
#[derive(Debug)]
pub struct Session {
    folder: PathBuf,
    own: PathBuf,
    /// Holds the session's folder.
    _own_lock: File,
    /// Held by all who use the store.
    lock: File,
    next: AtomicU64,
}

impl Session {
    /// Makes the folders where they are missing, and removes what killed processes left.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        for name in [SESSIONS, SNAPSHOTS, CONTENT] {
            let path = folder.join(name);
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| Error::file("make", &path, source))?;
        }
        let lock_path = folder.join(LOCK);
        let lock = lock_file(&lock_path).map_err(|source| Error::file("open", &lock_path, source))?;
        flock(&lock, FlockOperation::LockShared).map_err(|errno| Error::file("lock", &lock_path, errno))?;
        let sessions = folder.join(SESSIONS);
        sweep(&sessions);
        let (own, own_lock) = begin(&sessions).map_err(|source| Error::file("make a folder in", &sessions, source))?;
        Ok(Self { folder: folder.to_owned(), own, _own_lock: own_lock, lock, next: AtomicU64::new(0) })
    }

    /// The store's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The OCI layout with all content.
    pub(crate) fn content(&self) -> PathBuf {
        self.folder.join(CONTENT)
    }

    /// Where unpacked layers lie.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.folder.join(SNAPSHOTS)
    }

    /// A path that nothing has, on the store's file system. It goes with the session.
    pub fn scratch(&self) -> PathBuf {
        self.own.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Holds the store alone, if nobody else uses it.
    pub(crate) fn alone(&self) -> Result<Alone<'_>, Error> {
        flock(&self.lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::InUse { folder: self.folder.clone() })?;
        Ok(Alone(self))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        remove(&self.own);
    }
}

/// The store, held alone.
#[derive(Debug)]
pub(crate) struct Alone<'s>(&'s Session);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        if let Err(errno) = flock(&self.0.lock, FlockOperation::LockShared) {
            tracing::warn!(%errno, "the store stays locked until this process ends");
        }
    }
}

fn begin(sessions: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let own = sessions.join(Uuid::now_v7().to_string());
        let path = lock_path(&own);
        let lock = lock_file(&path)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        // Somebody who swept between these two lines has removed the file that we hold.
        let is_there =
            std::fs::metadata(&path).is_ok_and(|there| lock.metadata().is_ok_and(|own| own.ino() == there.ino()));
        if is_there {
            std::fs::DirBuilder::new().mode(0o700).create(&own)?;
            return Ok((own, lock));
        }
    }
}

/// Removes the folders of sessions that have ended. What cannot be removed now is tried again by the next.
fn sweep(sessions: &Path) {
    let Ok(entries) = std::fs::read_dir(sessions) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some()) {
        let Ok(lock) = File::open(&path) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove(&path.with_extension(""));
        }
    }
}

fn remove(own: &Path) {
    if let Err(error) = root::remove_all(own) {
        tracing::warn!(folder = %own.display(), %error, "an unfinished folder stays; the next build tries again");
        return;
    }
    if let Err(error) = std::fs::remove_file(lock_path(own))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %own.display(), %error, "a lock file stays behind");
    }
}

fn lock_path(own: &Path) -> PathBuf {
    own.with_extension(LOCK)
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

/// Opens a folder for what is opened below it.
pub(crate) fn open_folder(path: &Path) -> Result<OwnedFd, Error> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| Error::file("open", path, errno))
}
