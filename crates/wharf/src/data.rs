//! The data folder: everything that Wharf keeps on this machine, held by one process at a time.
//!
//! What lies in it belongs to the parts; here it is only made and locked.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::config::source::Environment;
use crate::error::Error;

/// The file whose lock says who has the folder.
const LOCK: &str = "wharf.lock";

/// Something that no other process of ours uses as long as this value lives.
#[derive(Debug)]
pub(crate) struct Hold {
    _lock: File,
}

impl Hold {
    /// Takes the lock file `path`, or tells who has it. Its folder is made if need be.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let unusable = |source| Error::UseFolder { path: folder.to_owned(), source };
        // Nobody else on this machine has business with images, password hashes and signing keys.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(path).map_err(unusable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Error::FolderInUse { holder: holder(&mut lock), path: folder.to_owned() });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        sign(&mut lock).map_err(unusable)?;
        Ok(Self { _lock: lock })
    }
}

/// The data folder, held.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _hold: Hold,
}

impl Folder {
    /// Makes the folder if need be and takes it, or tells who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let hold = Hold::take(&path.join(LOCK))?;
        let path = path.canonicalize().map_err(|source| Error::UseFolder { path: path.to_owned(), source })?;
        Ok(Self { path, _hold: hold })
    }

    /// Where it is, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes down who we are, for those who find the folder taken.
fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "process {} (since {:.0})", std::process::id(), jiff::Timestamp::now())
}

/// Who wrote themselves down in a lock that is taken.
fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    match lock.take(200).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        Ok(_) | Err(_) => "another process".to_owned(),
    }
}

/// The folder that is used when none is named: the machine's for root, else the user's own.
pub(crate) fn default_folder(environment: &Environment) -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/wharf");
    }
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    base.map_or_else(|| PathBuf::from("wharf-data"), |base| base.join("wharf"))
}
