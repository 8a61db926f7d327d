//! What was made in a root so that something could be mounted there, and taking it away again.
//!
//! A mount needs a place. Where the image has none, one is made, and with it overlayfs puts the folders above it into
//! `upper`. None of that is a change of the process: afterwards it goes, unless the process did something with it.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, Timespec, Timestamps, fstat, openat, statat, unlinkat, utimensat};
use serde::{Deserialize, Serialize};

use crate::walk::{Make, Witness};

/// What was made in the root, in this order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stubs {
    made: Vec<Made>,
    /// Folders that were there, in which something was made, and those above them; the outermost first.
    above: Vec<Folder>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Made {
    path: PathBuf,
    is_folder: bool,
}

/// A folder as it was before.
#[derive(Debug, Serialize, Deserialize)]
struct Folder {
    path: PathBuf,
    was_in_upper: bool,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: (i64, i64),
    /// When it was modified by us, if it was.
    modified_by_us: Option<(i64, i64)>,
}

/// Keeps the list while the root is prepared.
pub(crate) struct Recorder<'a> {
    pub(crate) stubs: Stubs,
    root: BorrowedFd<'a>,
    upper: &'a OwnedFd,
    device: u64,
}

impl<'a> Recorder<'a> {
    /// For the root that `root` is, whose changes go to `upper`: the folder itself, not what is mounted on it.
    pub(crate) fn new(root: BorrowedFd<'a>, upper: &'a OwnedFd) -> io::Result<Self> {
        let device = fstat(root)?.st_dev;
        Ok(Self { stubs: Stubs::default(), root, upper, device })
    }

    /// Ends the list: remembers when the folders were changed last by us.
    pub(crate) fn finish(mut self) -> io::Result<Stubs> {
        let parents: Vec<&Path> = self.stubs.made.iter().filter_map(|made| made.path.parent()).collect();
        for folder in &mut self.stubs.above {
            if parents.contains(&folder.path.as_path()) {
                let path = if folder.path.as_os_str().is_empty() { Path::new(".") } else { &folder.path };
                folder.modified_by_us = Some(modified(&statat(self.root, path, AtFlags::SYMLINK_NOFOLLOW)?));
            }
        }
        Ok(self.stubs)
    }

    /// Remembers the folder `path` and all above it, as they are now.
    fn remember(&mut self, path: &Path) -> io::Result<()> {
        let mut chain: Vec<&Path> = path.ancestors().collect();
        chain.reverse();
        for path in chain {
            let known = self.stubs.above.iter().any(|folder| folder.path == path);
            if known || self.stubs.made.iter().any(|made| made.path == path) {
                continue;
            }
            let seen = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            let stat = statat(self.root, seen, AtFlags::SYMLINK_NOFOLLOW)?;
            self.stubs.above.push(Folder {
                path: path.to_owned(),
                was_in_upper: path.as_os_str().is_empty()
                    || statat(self.upper, path, AtFlags::SYMLINK_NOFOLLOW).is_ok(),
                mode: stat.st_mode,
                uid: stat.st_uid,
                gid: stat.st_gid,
                modified: modified(&stat),
                modified_by_us: None,
            });
        }
        Ok(())
    }
}

impl Witness for Recorder<'_> {
    fn about_to_make(&mut self, parent: BorrowedFd<'_>, path: &[String], name: &str, make: Make) -> io::Result<()> {
        // What is made in another file system (a cache mount) is its owner's business.
        if fstat(parent)?.st_dev != self.device {
            return Ok(());
        }
        let parent: PathBuf = path.iter().collect();
        self.remember(&parent)?;
        self.stubs.made.push(Made { path: parent.join(name), is_folder: make == Make::Folder });
        Ok(())
    }
}

impl Stubs {
    /// Takes what was made out of `upper`. The process has ended; what it left there is hostile.
    pub(crate) fn remove(&self, upper: &Path) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let upper = openat(CWD, upper, flags, Mode::empty())?;
        // Seen before something is removed, which changes the time.
        let untouched: Vec<bool> = self.above.iter().map(|folder| folder.is_untouched(&upper)).collect();
        for made in self.made.iter().rev() {
            made.remove(&upper);
        }
        for (folder, untouched) in self.above.iter().zip(untouched).rev() {
            if untouched {
                folder.restore(&upper);
            }
        }
        Ok(())
    }
}

impl Made {
    /// Removes it if it is as it was made. A failure means that it is not.
    fn remove(&self, upper: &OwnedFd) {
        let Some((parent, name)) = parent_in(upper, &self.path) else { return };
        if self.is_folder {
            unlinkat(&parent, name, AtFlags::REMOVEDIR).ok();
            return;
        }
        let Ok(stat) = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
        let is_as_made = stat.st_mode == 0o100_644 && stat.st_size == 0 && stat.st_nlink == 1 && stat.st_uid == 0;
        if is_as_made {
            unlinkat(&parent, name, AtFlags::empty()).ok();
        }
    }
}

impl Folder {
    /// Whether nobody but us has changed it.
    fn is_untouched(&self, upper: &OwnedFd) -> bool {
        let Some(stat) = self.stat(upper) else { return false };
        (stat.st_mode, stat.st_uid, stat.st_gid) == (self.mode, self.uid, self.gid)
            && modified(&stat) == self.modified_by_us.unwrap_or(self.modified)
    }

    /// Takes it out of `upper` again if it came there by us, or makes it look as before.
    fn restore(&self, upper: &OwnedFd) {
        let parent = parent_in(upper, &self.path);
        if let (false, Some((parent, name))) = (self.was_in_upper, &parent)
            && unlinkat(parent, *name, AtFlags::REMOVEDIR).is_ok()
        {
            return;
        }
        let (seconds, nanoseconds) = self.modified;
        let modified = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let unchanged = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
        let times = Timestamps { last_access: unchanged, last_modification: modified };
        match parent {
            Some((parent, name)) => drop(utimensat(&parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)),
            None => drop(utimensat(upper, ".", &times, AtFlags::SYMLINK_NOFOLLOW)),
        }
    }

    fn stat(&self, upper: &OwnedFd) -> Option<Stat> {
        match parent_in(upper, &self.path) {
            Some((parent, name)) => statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).ok(),
            None => fstat(upper).ok(),
        }
    }
}

/// Opens the folder that `path` is in, below `upper`, following no link. `None` for the root itself, or if it is not there.
fn parent_in<'a>(upper: &OwnedFd, path: &'a Path) -> Option<(OwnedFd, &'a std::ffi::OsStr)> {
    let name = path.file_name()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = rustix::fs::ResolveFlags::BENEATH | rustix::fs::ResolveFlags::NO_SYMLINKS;
    let parent = rustix::fs::openat2(upper, parent.unwrap_or(Path::new(".")), flags, Mode::empty(), resolve).ok()?;
    Some((parent, name))
}

fn modified(stat: &Stat) -> (i64, i64) {
    (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0))
}
