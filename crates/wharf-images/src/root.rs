//! The root of a file system that strangers have written to: whatever lies in it, nothing outside is touched.
//!
//! Every path is resolved by the kernel below the root's descriptor (`openat2`, RESOLVE_IN_ROOT), so that links, absolute
//! ones too, stay inside; the last component is never followed.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Statx, StatxFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use wharf_layer::entry::Xattrs;
use wharf_layer::{Device, Mtime};

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const INSIDE: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
/// How many symbolic links may lie on one path: what Linux takes.
const MAX_LINKS: usize = 40;

/// The root of a tree of files.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
}

/// What a file has besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The lowest twelve bits of its mode.
    pub mode: u16,
    /// Who owns it.
    pub uid: u32,
    /// The group that owns it.
    pub gid: u32,
    /// When its content was last changed.
    pub mtime: Mtime,
    /// Its extended attributes.
    pub xattrs: Xattrs,
}

/// What `make` makes besides files and folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'n> {
    /// A symbolic link.
    Symlink(&'n [u8]),
    /// A character device.
    CharacterDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
}

impl Root {
    /// The tree below this folder.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Opens the folder at `path`, which is trusted.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// The root's descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// A folder, through whatever links.
    pub fn folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        Ok(rustix::fs::openat2(&self.fd, c_path(path)?.as_c_str(), FOLDER, Mode::empty(), INSIDE)?)
    }

    /// A regular file for reading, through whatever links. Opening waits for nobody.
    pub fn file(&self, path: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(rustix::fs::openat2(&self.fd, c_path(path)?.as_c_str(), flags, Mode::empty(), INSIDE)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
    }

    /// Whatever is at the end of a path, through links in the middle and at the end.
    pub fn find(&self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        self.find_with(path, OFlags::PATH | OFlags::CLOEXEC)
    }

    /// The same, without following a link at the end.
    pub fn find_link(&self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        self.find_with(path, OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW)
    }

    fn find_with(&self, path: &[u8], flags: OFlags) -> io::Result<Option<OwnedFd>> {
        match rustix::fs::openat2(&self.fd, c_path(path)?.as_c_str(), flags, Mode::empty(), INSIDE) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// A folder, made where it is missing with all on the way, each told to `made` with its parent and name.
    pub fn make_folder(
        &self,
        path: &[u8],
        made: &mut dyn FnMut(BorrowedFd<'_>, &[u8]) -> io::Result<()>,
    ) -> io::Result<OwnedFd> {
        match self.folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let mut left: VecDeque<Vec<u8>> = components(path).map(<[u8]>::to_vec).collect();
        let (mut walked, mut links) = (Vec::<Vec<u8>>::new(), 0);
        while let Some(name) = left.pop_front() {
            if name == b".." {
                walked.pop();
                continue;
            }
            let parent = self.folder(&walked.join(&b'/'))?;
            match kind_at(parent.as_fd(), &name)? {
                None => {
                    let name_c = c_path(&name)?;
                    rustix::fs::mkdirat(&parent, name_c.as_c_str(), Mode::from_raw_mode(0o755))?;
                    rustix::fs::chmodat(&parent, name_c.as_c_str(), Mode::from_raw_mode(0o755), AtFlags::empty())?;
                    made(parent.as_fd(), &name)?;
                    walked.push(name);
                }
                Some(FileType::Symlink) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    let target = rustix::fs::readlinkat(&parent, c_path(&name)?.as_c_str(), Vec::new())?;
                    if target.as_bytes().starts_with(b"/") {
                        walked.clear();
                    }
                    for component in components(target.as_bytes()).rev() {
                        left.push_front(component.to_vec());
                    }
                }
                Some(FileType::Directory) => walked.push(name),
                Some(_) => return Err(Errno::NOTDIR.into()),
            }
        }
        self.folder(&walked.join(&b'/'))
    }
}

/// The names of a path; `.` and empty ones count for nothing.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// A path for the kernel; the root is `.`.
pub(crate) fn c_path(path: &[u8]) -> io::Result<CString> {
    let path = if path.is_empty() { &b"."[..] } else { path };
    CString::new(path).map_err(|_| io::Error::other("a path has a NUL byte"))
}

/// What is at a name, not following it.
pub fn kind_at(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<FileType>> {
    Ok(stat_at(parent, name)?.map(|stat| FileType::from_raw_mode(stat.stx_mode.into())))
}

/// What the kernel knows of a name, not following it.
pub fn stat_at(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Statx>> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match rustix::fs::statx(parent, c_path(name)?.as_c_str(), flags, StatxFlags::BASIC_STATS) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// What the kernel knows of what a descriptor is.
pub fn stat_of(fd: BorrowedFd<'_>) -> io::Result<Statx> {
    Ok(rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?)
}

/// A new file in a folder; whatever has its name must be gone.
pub fn create(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(File::from(rustix::fs::openat(parent, c_path(name)?.as_c_str(), flags, Mode::from_raw_mode(0o600))?))
}

/// A link, a device or a pipe in a folder; whatever has its name must be gone.
pub fn make(parent: BorrowedFd<'_>, name: &[u8], node: &Node<'_>) -> io::Result<()> {
    let name = c_path(name)?;
    let (kind, device) = match node {
        Node::Symlink(target) => {
            let target = CString::new(*target).map_err(|_| io::Error::other("a link's target has a NUL byte"))?;
            return Ok(rustix::fs::symlinkat(target.as_c_str(), parent, name.as_c_str())?);
        }
        Node::CharacterDevice(device) => (FileType::CharacterDevice, *device),
        Node::BlockDevice(device) => (FileType::BlockDevice, *device),
        Node::Fifo => (FileType::Fifo, Device { major: 0, minor: 0 }),
    };
    let number = rustix::fs::makedev(device.major, device.minor);
    Ok(rustix::fs::mknodat(parent, name.as_c_str(), kind, Mode::from_raw_mode(0o600), number)?)
}

/// Gives a name in a folder its owner, mode, attributes and time, in the order in which they do not undo each other.
pub fn describe(parent: BorrowedFd<'_>, name: &[u8], metadata: &Metadata) -> io::Result<()> {
    let c_name = c_path(name)?;
    let (uid, gid) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
    rustix::fs::chownat(parent, c_name.as_c_str(), Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    if kind_at(parent, name)? != Some(FileType::Symlink) {
        let mode = Mode::from_raw_mode(metadata.mode.into());
        rustix::fs::chmodat(parent, c_name.as_c_str(), mode, AtFlags::empty())?;
    }
    for (attribute, value) in &metadata.xattrs {
        set_xattr(parent, &c_name, attribute, value)?;
    }
    set_mtime(parent, &c_name, metadata.mtime)
}

/// Sets the time of the last change.
pub(crate) fn set_mtime(parent: BorrowedFd<'_>, name: &CStr, mtime: Mtime) -> io::Result<()> {
    let time = Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanoseconds.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn set_xattr(parent: BorrowedFd<'_>, name: &CStr, attribute: &[u8], value: &[u8]) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let attribute = CString::new(attribute).map_err(|_| io::Error::other("an attribute's name has a NUL byte"))?;
    // A descriptor that only says where something is takes no attributes itself.
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    match rustix::fs::setxattr(path, attribute.as_c_str(), value, XattrFlags::empty()) {
        // What the file system does not know, no container on it can ask for.
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The extended attributes of a name in a folder that layers carry.
pub fn xattrs(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Xattrs> {
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = c_path(&path)?;
    let mut list = vec![0_u8; 4096];
    let count = loop {
        match rustix::fs::llistxattr(path.as_c_str(), list.as_mut_slice()) {
            Ok(count) => break count,
            Err(Errno::RANGE) if list.len() < 64 * 1024 => list.resize(list.len() * 4, 0),
            Err(Errno::OPNOTSUPP) => break 0,
            Err(errno) => return Err(errno.into()),
        }
    };
    let mut found = Xattrs::new();
    for attribute in list[..count].split(|byte| *byte == 0).filter(|name| is_carried(name)) {
        let c_attribute = c_path(attribute)?;
        let mut value = vec![0_u8; 64 * 1024];
        let size = rustix::fs::lgetxattr(path.as_c_str(), c_attribute.as_c_str(), value.as_mut_slice())?;
        value.truncate(size);
        found.insert(attribute.into(), value.into());
    }
    Ok(found)
}

/// Labels of this machine's security modules and what overlays keep are no part of an image.
fn is_carried(attribute: &[u8]) -> bool {
    let is_user = attribute.starts_with(b"user.") && !attribute.starts_with(b"user.overlay.");
    is_user || attribute == b"security.capability"
}

/// Whether an overlay hides what lies below this folder.
pub(crate) fn is_opaque(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<bool> {
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let mut value = [0_u8; 8];
    match rustix::fs::lgetxattr(c_path(&path)?.as_c_str(), c"trusted.overlay.opaque", value.as_mut_slice()) {
        Ok(count) => Ok(value[..count] == *b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes a name from a folder, with all below it. Nothing there is fine.
pub fn remove(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let c_name = c_path(name)?;
    match rustix::fs::unlinkat(parent, c_name.as_c_str(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(errno) => return Err(errno.into()),
    }
    empty(parent, name)?;
    Ok(rustix::fs::unlinkat(parent, c_name.as_c_str(), AtFlags::REMOVEDIR)?)
}

/// Removes all that is in a folder.
pub fn empty(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(parent, c_path(name)?.as_c_str(), flags, Mode::empty())?;
    for name in names(folder.as_fd())? {
        remove(folder.as_fd(), &name)?;
    }
    Ok(())
}

/// The names in a folder, sorted.
pub fn names(folder: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(folder, c".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes a folder of our own with all below it. Nothing there is fine.
pub fn remove_all(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    remove(Root::open(parent)?.fd(), name.as_bytes())
}

/// The mode, owner and times of what the kernel told.
pub fn metadata_of(stat: &Statx, xattrs: Xattrs) -> Metadata {
    Metadata {
        mode: stat.stx_mode & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        mtime: Mtime { seconds: stat.stx_mtime.tv_sec, nanoseconds: stat.stx_mtime.tv_nsec },
        xattrs,
    }
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Bytes of its files.
    pub bytes: u64,
    /// How many names are below it.
    pub inodes: u64,
}

/// What a folder of our own holds; one that is not there holds nothing.
pub fn weight(path: &Path) -> io::Result<Weight> {
    match Root::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Weight::default()),
        opened => weigh(opened?.fd()),
    }
}

pub(crate) fn weigh(folder: BorrowedFd<'_>) -> io::Result<Weight> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut weight = Weight::default();
    for name in names(folder)? {
        let Some(stat) = stat_at(folder, &name)? else { continue };
        weight.inodes += 1;
        if FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Directory {
            let below = weigh(rustix::fs::openat(folder, c_path(&name)?.as_c_str(), flags, Mode::empty())?.as_fd())?;
            weight.inodes += below.inodes;
            weight.bytes += below.bytes;
        } else {
            weight.bytes += stat.stx_size;
        }
    }
    Ok(weight)
}
