//! Finding and making things inside of a root that a stranger has filled.
//!
//! Names are resolved one by one, relative to an open folder, never following a link: links are read and walked by us, and
//! cannot lead above the root. `..` goes back to the folder that we came from. So whatever changes meanwhile, nothing
//! outside of the root is ever opened.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, fstatfs, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

/// As the kernel has it.
const MAX_LINKS: usize = 40;
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// What to make where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    /// Nothing: that is an error.
    Nothing,
    /// A folder.
    Folder,
    /// An empty file, in folders that are made, too.
    File,
}

/// Sees what is made, before it is.
pub(crate) trait Witness {
    /// `name` is about to be made in the folder `parent`, which is `path` from the root.
    fn about_to_make(&mut self, parent: BorrowedFd<'_>, path: &[String], name: &str, make: Make) -> io::Result<()>;
}

/// Does not care.
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn about_to_make(&mut self, _: BorrowedFd<'_>, _: &[String], _: &str, _: Make) -> io::Result<()> {
        Ok(())
    }
}

/// Opens (as a place, `O_PATH`) what `path` leads to inside of `root`.
pub(crate) fn find(root: impl AsFd, path: &str) -> io::Result<OwnedFd> {
    walk(root.as_fd(), path, Make::Nothing, &mut Nobody)
}

/// Opens what `path` leads to inside of `root`; what is missing is made.
pub(crate) fn make(root: impl AsFd, path: &str, make: Make, witness: &mut impl Witness) -> io::Result<OwnedFd> {
    walk(root.as_fd(), path, make, witness)
}

/// Opens a folder that must be one, right below `root`: no link is followed.
pub(crate) fn own_folder(root: impl AsFd, name: &str, witness: &mut impl Witness) -> io::Result<OwnedFd> {
    if let Err(Errno::NOENT) = statat(root.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
        witness.about_to_make(root.as_fd(), &[], name, Make::Folder)?;
        mkdirat(root.as_fd(), name, FOLDER_MODE)?;
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(root.as_fd(), name, flags, Mode::empty())?)
}

fn walk(root: BorrowedFd<'_>, path: &str, make: Make, witness: &mut impl Witness) -> io::Result<OwnedFd> {
    let mut stack = Stack { root, above: Vec::new(), names: Vec::new() };
    let mut left: VecDeque<String> = parts(path).collect();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            stack.leave();
            continue;
        }
        let make = if make == Make::File && !left.is_empty() { Make::Folder } else { make };
        let found = open_or_make(&stack, &name, make, witness)?;
        if FileType::from_raw_mode(fstat(&found)?.st_mode) != FileType::Symlink {
            stack.enter(found, name);
            continue;
        }
        links += 1;
        // A link in /proc (`self/fd/7`, `1/root`) leads where its text does not say.
        if links > MAX_LINKS || is_in_proc(&found)? {
            return Err(Errno::LOOP.into());
        }
        let target = readlinkat(&found, "", Vec::new())?.into_string().map_err(|_| Errno::ILSEQ)?;
        if target.starts_with('/') {
            stack.leave_all();
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            left.push_front(part);
        }
    }
    stack.into_top()
}

/// Whether this is of the kernel's file system of processes.
pub(crate) fn is_in_proc(found: &OwnedFd) -> io::Result<bool> {
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    Ok(u64::try_from(fstatfs(found)?.f_type).is_ok_and(|kind| kind == PROC_SUPER_MAGIC))
}

fn parts(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned)
}

fn open_or_make(stack: &Stack<'_>, name: &str, make: Make, witness: &mut impl Witness) -> io::Result<OwnedFd> {
    let parent = stack.top();
    let place = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, place, Mode::empty()) {
        Err(Errno::NOENT) if make != Make::Nothing => {}
        other => return Ok(other?),
    }
    witness.about_to_make(parent, &stack.names, name, make)?;
    if make == Make::Folder {
        mkdirat(parent, name, FOLDER_MODE)?;
    } else {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        drop(openat(parent, name, flags, FILE_MODE)?);
    }
    Ok(openat(parent, name, place, Mode::empty())?)
}

/// The folders that were entered.
struct Stack<'a> {
    root: BorrowedFd<'a>,
    above: Vec<OwnedFd>,
    names: Vec<String>,
}

impl Stack<'_> {
    fn top(&self) -> BorrowedFd<'_> {
        self.above.last().map_or(self.root, OwnedFd::as_fd)
    }

    fn enter(&mut self, found: OwnedFd, name: String) {
        self.above.push(found);
        self.names.push(name);
    }

    fn leave(&mut self) {
        self.above.pop();
        self.names.pop();
    }

    fn leave_all(&mut self) {
        self.above.clear();
        self.names.clear();
    }

    fn into_top(mut self) -> io::Result<OwnedFd> {
        match self.above.pop() {
            Some(top) => Ok(top),
            None => self.root.try_clone_to_owned(),
        }
    }
}
