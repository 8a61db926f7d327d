//! Putting files into a file system: where they go, whose they are, what they replace.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::FileType;
use wharf_images::root::{self, Node, components};
use wharf_images::{Metadata, Root};
use wharf_layer::{Device, Mtime};

use crate::chmod::Chmod;
use crate::error::Error;
use crate::select::{Found, Group};

/// How what is put looks.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// Whose it is; as it was, where nothing is said.
    pub(crate) owner: Option<(u32, u32)>,
    /// Its mode.
    pub(crate) chmod: Option<Chmod>,
    /// Its time; as it was, where nothing is said.
    pub(crate) mtime: Option<Mtime>,
}

/// Puts groups of `source` at `destination`, which is a folder where it ends with `/` or is one.
pub(crate) fn put(
    (source, groups): (&Root, &[Group]),
    (target, destination): (&Root, &str),
    look: &Look,
) -> Result<(), Error> {
    for group in groups {
        let failed = |source| Error::file("put files at", destination, source);
        let base = base(target, destination, group).map_err(failed)?;
        let mut folders = Vec::new();
        for found in &group.entries {
            let mut path = base.clone();
            for name in components(&found.target) {
                path.push(b'/');
                path.extend_from_slice(name);
            }
            // A file alone gets the destination's own name.
            let is_inside = group.is_folder || base_is_folder(target, destination);
            let path = if is_inside { path } else { base.clone() };
            let shown = || String::from_utf8_lossy(&path).into_owned();
            let put = one((source, found), (target, &path), look);
            if put.map_err(|error| Error::file("put", shown(), error))? {
                folders.push((path, found));
            }
        }
        // What was put into folders changed their times.
        for (path, found) in folders.iter().rev() {
            let shown = || String::from_utf8_lossy(path).into_owned();
            describe(target, path, found, look).map_err(|error| Error::file("put", shown(), error))?;
        }
    }
    Ok(())
}

fn base(target: &Root, destination: &str, group: &Group) -> io::Result<Vec<u8>> {
    let path = destination.as_bytes().to_vec();
    let is_file_there = target.find(&path)?.map(|found| root::stat_of(found.as_fd())).transpose()?;
    let is_file_there =
        is_file_there.is_some_and(|stat| FileType::from_raw_mode(stat.stx_mode.into()) != FileType::Directory);
    if group.is_folder && is_file_there {
        return Err(io::Error::other("cannot copy to non-directory: a folder goes where a file is"));
    }
    Ok(path)
}

fn base_is_folder(target: &Root, destination: &str) -> bool {
    destination.ends_with('/')
        || destination.ends_with("/.")
        || destination == "."
        || destination.is_empty()
        || target.folder(destination.as_bytes()).is_ok()
}

/// Puts one entry at `path`. Whether it is a folder that gets the source's metadata.
fn one((source, found): (&Root, &Found), (target, path): (&Root, &[u8]), look: &Look) -> io::Result<bool> {
    if found.kind() == FileType::Directory {
        let is_new = target.find(path)?.is_none();
        let folder = target.make_folder(path, &mut |parent, name| new_parent(parent, name, look))?;
        // The destination itself keeps what it has, if it was there.
        let is_described = is_new || !found.target.is_empty();
        if is_described {
            root::describe(folder.as_fd(), b".", &metadata(found, look))?;
        }
        return Ok(is_described);
    }
    let (parent, name) = split(path);
    let parent = target.make_folder(parent, &mut |parent, name| new_parent(parent, name, look))?;
    if root::kind_at(parent.as_fd(), name)? == Some(FileType::Directory) {
        return Err(io::Error::other("cannot copy a file over a folder"));
    }
    root::remove(parent.as_fd(), name)?;
    make(source, found, parent.as_fd(), name)?;
    root::describe(parent.as_fd(), name, &metadata(found, look)).map(|()| false)
}

/// Folders on the way belong to whom the files belong.
fn new_parent(parent: BorrowedFd<'_>, name: &[u8], look: &Look) -> io::Result<()> {
    let (uid, gid) = look.owner.unwrap_or((0, 0));
    let mtime = look.mtime.unwrap_or_default();
    root::describe(parent, name, &Metadata { mode: 0o755, uid, gid, mtime, xattrs: Default::default() })
}

fn make(source: &Root, found: &Found, parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let device = Device { major: found.stat.stx_rdev_major, minor: found.stat.stx_rdev_minor };
    let kind = found.kind();
    if kind == FileType::RegularFile {
        let (mut from, mut to) = (source.file(&found.path)?, root::create(parent, name)?);
        io::copy(&mut from, &mut to)?;
        return Ok(());
    }
    let node = if kind == FileType::Symlink {
        Node::Symlink(&found.link)
    } else if kind == FileType::CharacterDevice {
        Node::CharacterDevice(device)
    } else if kind == FileType::BlockDevice {
        Node::BlockDevice(device)
    } else {
        Node::Fifo
    };
    root::make(parent, name, &node)
}

fn describe(target: &Root, path: &[u8], found: &Found, look: &Look) -> io::Result<()> {
    let folder = target.folder(path)?;
    root::describe(folder.as_fd(), b".", &metadata(found, look))
}

fn metadata(found: &Found, look: &Look) -> Metadata {
    let mut metadata = root::metadata_of(&found.stat, found.xattrs.clone());
    if let Some((uid, gid)) = look.owner {
        (metadata.uid, metadata.gid) = (uid, gid);
    }
    if let Some(chmod) = &look.chmod {
        metadata.mode = chmod.apply(metadata.mode, found.kind() == FileType::Directory);
    }
    metadata.mtime = look.mtime.unwrap_or(metadata.mtime);
    metadata
}

/// The folder of a path, and the name in it.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let path = &path[..end];
    path.iter().rposition(|byte| *byte == b'/').map_or((&b""[..], path), |at| (&path[..at], &path[at + 1..]))
}
