//! Writing a folder as an archive: sorted, with times that do not depend on when it was made.
//!
//! Of an overlay's upper folder, deletions become whiteouts. Sockets are left out, as all do.
//! Spec: image-spec, layer.md, "Whiteouts"; kernel, overlayfs.rst, "whiteouts and opaque directories".

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Statx};
use wharf_layer::{Device, Entry, EntryPath, Mtime, Writer, entry};

use crate::error::Error;
use crate::root::{self, Metadata, Root, c_path};

/// The latest time that a file may have; what is later gets it, in the archive and in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clamp(pub Mtime);

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many files, folders, links and deletions.
    pub(crate) entries: u64,
}

/// Writes what is in an upper folder, and not the folder itself.
pub(crate) fn pack<W: Write>(folder: &Root, writer: &mut Writer<W>, clamp: Option<Clamp>) -> Result<Written, Error> {
    pack_as(Whose::Ours, folder, writer, clamp)
}

/// Writes what is in a folder of somebody else's, which stays as it is.
pub(crate) fn pack_foreign<W: Write>(folder: &Root, writer: &mut Writer<W>, clamp: Clamp) -> Result<Written, Error> {
    pack_as(Whose::Theirs, folder, writer, Some(clamp))
}

/// Whose folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// An overlay's upper folder, whose times may be set.
    Ours,
    /// Any folder.
    Theirs,
}

fn pack_as<W: Write>(
    whose: Whose,
    folder: &Root,
    writer: &mut Writer<W>,
    clamp: Option<Clamp>,
) -> Result<Written, Error> {
    let mut packing = Packing { whose, writer, clamp, links: HashMap::new(), written: Written::default() };
    let open = rustix::fs::openat(folder.fd(), c".", FOLDER, Mode::empty());
    let failed = |source: io::Error| Error::Pack { path: "/".to_owned(), source };
    let open = open.map_err(|errno| failed(errno.into()))?;
    packing.folder(open.as_fd(), &EntryPath::root())?;
    Ok(packing.written)
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct Packing<'w, W> {
    whose: Whose,
    writer: &'w mut Writer<W>,
    clamp: Option<Clamp>,
    /// Files with several names, by where they are: the first name has the content.
    links: HashMap<(u32, u32, u64), EntryPath>,
    written: Written,
}

impl<W: Write> Packing<'_, W> {
    fn folder(&mut self, folder: BorrowedFd<'_>, path: &EntryPath) -> Result<(), Error> {
        let names = root::names(folder).map_err(|source| Error::Pack { path: path.to_string(), source })?;
        for name in names {
            let path = path.join(&name);
            let below = self.entry(folder, &name, &path);
            let below = below.map_err(|source| Error::Pack { path: path.to_string(), source })?;
            if let Some(below) = below {
                self.folder(below.as_fd(), &path)?;
            }
        }
        Ok(())
    }

    /// Writes one name; a folder is given back to be gone into.
    fn entry(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &EntryPath) -> io::Result<Option<OwnedFd>> {
        let stat = root::stat_at(parent, name)?.ok_or(io::ErrorKind::NotFound)?;
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        let device = Device { major: stat.stx_rdev_major, minor: stat.stx_rdev_minor };
        if kind == FileType::Socket {
            return Ok(None);
        }
        self.written.entries += 1;
        let mtime = self.time(parent, name, &stat)?;
        if kind == FileType::CharacterDevice && device == (Device { major: 0, minor: 0 }) {
            self.writer.hide(path, self.clamp.map_or(mtime, |clamp| clamp.0))?;
            return Ok(None);
        }
        let open = OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let flags = if kind == FileType::Directory { FOLDER } else { open };
        let is_opened = matches!(kind, FileType::Directory | FileType::RegularFile);
        let opened = is_opened.then(|| -> io::Result<OwnedFd> {
            Ok(rustix::fs::openat(parent, c_path(name)?.as_c_str(), flags, Mode::empty())?)
        });
        let file = opened.transpose()?;
        let kind = self.kind(parent, name, path, &stat)?;
        let Metadata { mode, uid, gid, xattrs, .. } = root::metadata_of(&stat, root::xattrs(parent, name)?);
        let is_folder = matches!(kind, entry::Kind::Directory);
        let entry = Entry { path: path.clone(), kind, mode, uid, gid, mtime, xattrs };
        match file {
            Some(file) if is_folder => {
                self.writer.put(&entry, &mut io::empty())?;
                if root::is_opaque(parent, name)? {
                    self.writer.hide_below(path, mtime)?;
                }
                Ok(Some(file))
            }
            Some(file) => self.writer.put(&entry, &mut File::from(file)).map(|()| None),
            None => self.writer.put(&entry, &mut io::empty()).map(|()| None),
        }
    }

    fn kind(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &EntryPath, stat: &Statx) -> io::Result<entry::Kind> {
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        if stat.stx_nlink > 1 && kind != FileType::Directory {
            let place = (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino);
            if let Some(target) = self.links.get(&place) {
                return Ok(entry::Kind::Hardlink { target: target.clone() });
            }
            self.links.insert(place, path.clone());
        }
        let device = Device { major: stat.stx_rdev_major, minor: stat.stx_rdev_minor };
        Ok(match kind {
            FileType::RegularFile => entry::Kind::File { size_bytes: stat.stx_size },
            FileType::Directory => entry::Kind::Directory,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(parent, c_path(name)?.as_c_str(), Vec::new())?;
                entry::Kind::Symlink { target: target.into_bytes().into() }
            }
            FileType::CharacterDevice => entry::Kind::CharacterDevice { device },
            FileType::BlockDevice => entry::Kind::BlockDevice { device },
            FileType::Fifo => entry::Kind::Fifo,
            FileType::Socket | FileType::Unknown => return Err(io::Error::other("it is of no kind that layers know")),
        })
    }

    /// The entry's time. One that is too late is set back on the disk, too, so that what runs later sees what the image has.
    fn time(&self, parent: BorrowedFd<'_>, name: &[u8], stat: &Statx) -> io::Result<Mtime> {
        let mtime = Mtime { seconds: stat.stx_mtime.tv_sec, nanoseconds: stat.stx_mtime.tv_nsec };
        let whole = Mtime { seconds: mtime.seconds, nanoseconds: 0 };
        match self.clamp {
            Some(Clamp(latest)) if mtime > latest => {
                if self.whose == Whose::Ours {
                    root::set_mtime(parent, &c_path(name)?, latest)?;
                }
                Ok(Mtime { seconds: latest.seconds, nanoseconds: 0 })
            }
            _ => Ok(whole),
        }
    }
}
