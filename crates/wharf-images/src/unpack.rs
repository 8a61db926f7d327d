//! Unpacking a layer over the layers below it, as every runtime does.
//!
//! The layer comes from a stranger and this may run as root: each path is resolved inside the tree, what hides and what
//! replaces is left to the kernel's overlay, and the strict reader has bounded the rest. Folders get their times last,
//! because what is put into them changes these.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType};
use wharf_layer::layer::{self, Change, Content};
use wharf_layer::{Entry, EntryPath, Limits, Mtime, entry};

use crate::error::Error;
use crate::root::{self, Metadata, Node, Root, c_path};

/// Unpacks a layer of this media type into `root`, which shows the layers below.
pub(crate) fn unpack(input: Box<dyn Read + '_>, media_type: &str, root: &Root) -> Result<(), Error> {
    let mut unpacking = Unpacking { root, put: HashSet::new(), folders: Vec::new(), parent: None };
    let mut failed = None;
    let read = layer::read(input, media_type, Limits::default(), &mut |change, content| {
        let path = path_of(&change).clone();
        unpacking.change(change, content).map_err(|error| {
            failed = Some(error);
            stopped(&path)
        })
    });
    match failed {
        Some(Failure { path, source: Cause::Disk(source) }) => return Err(Error::Unpack { path, source }),
        Some(Failure { source: Cause::Layer(error), .. }) => return Err(error.into()),
        None => read?,
    }
    unpacking.finish().map_err(|(path, source)| Error::Unpack { path: path.to_string(), source })
}

/// Unpacks any archive, compressed or not, into `root`. With `owner`, everything belongs to that user and group.
pub fn unpack_archive(input: Box<dyn Read + '_>, root: &Root, owner: Option<(u32, u32)>) -> Result<(), Error> {
    let mut unpacking = Unpacking { root, put: HashSet::new(), folders: Vec::new(), parent: None };
    let mut failed = None;
    let read = layer::read_archive(input, Limits::default(), &mut |mut entry, content| {
        let path = entry.path.clone();
        (entry.uid, entry.gid) = owner.unwrap_or((entry.uid, entry.gid));
        // The folder that it is unpacked into was there before.
        if path.is_root() {
            return Ok(());
        }
        unpacking.change(Change::Put(entry), content).map_err(|error| {
            failed = Some(error);
            stopped(&path)
        })
    });
    match failed {
        Some(Failure { path, source: Cause::Disk(source) }) => return Err(Error::Unpack { path, source }),
        Some(Failure { source: Cause::Layer(error), .. }) => return Err(error.into()),
        None => read?,
    }
    unpacking.finish().map_err(|(path, source)| Error::Unpack { path: path.to_string(), source })
}

/// What the reader is told when writing failed; nobody sees it.
fn stopped(_: &EntryPath) -> wharf_layer::Error {
    wharf_layer::Error::Stopped
}

fn path_of(change: &Change) -> &EntryPath {
    match change {
        Change::Put(entry) => &entry.path,
        Change::Hide(path) | Change::HideBelow(path) => path,
    }
}

struct Failure {
    path: String,
    source: Cause,
}

enum Cause {
    Disk(io::Error),
    Layer(wharf_layer::Error),
}

struct Unpacking<'r> {
    root: &'r Root,
    /// What this layer has put: its whiteouts hide only what is below.
    put: HashSet<EntryPath>,
    folders: Vec<(EntryPath, Mtime)>,
    /// The folder of the entry before: the next one is likely there, too.
    parent: Option<(EntryPath, OwnedFd)>,
}

impl Unpacking<'_> {
    fn change(&mut self, change: Change, content: &mut Content<'_, '_>) -> Result<(), Failure> {
        let path = path_of(&change).clone();
        let failed = |source| Failure { path: path.to_string(), source: Cause::Disk(source) };
        match change {
            Change::Put(entry) => self.put(&entry, content)?,
            Change::Hide(path) => self.hide(&path).map_err(failed)?,
            Change::HideBelow(path) => self.hide_below(&path).map_err(failed)?,
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry, content: &mut Content<'_, '_>) -> Result<(), Failure> {
        let failed = |source| Failure { path: entry.path.to_string(), source: Cause::Disk(source) };
        if let entry::Kind::File { .. } = entry.kind {
            let mut file = self.place(entry).map_err(failed)?;
            loop {
                let piece = content.next_piece();
                let piece = piece.map_err(|error| Failure { path: String::new(), source: Cause::Layer(error) })?;
                let Some(piece) = piece else { break };
                file.as_mut().map_or(Ok(()), |file| file.write_all(piece)).map_err(failed)?;
            }
        } else {
            self.place(entry).map_err(failed)?;
        }
        self.describe(entry).map_err(failed)?;
        self.put.insert(entry.path.clone());
        Ok(())
    }

    /// Makes what the entry is, without its metadata; a file is given back to be filled.
    fn place(&mut self, entry: &Entry) -> io::Result<Option<File>> {
        let Some((parent, name)) = entry.path.split() else { return Ok(None) };
        let parent = self.parent(&parent)?;
        let parent = parent.as_fd();
        let there = root::kind_at(parent, name)?;
        let is_folder = matches!(entry.kind, entry::Kind::Directory);
        match there {
            Some(FileType::Directory) if is_folder => return Ok(None),
            Some(_) => root::remove(parent, name)?,
            None => {}
        }
        match &entry.kind {
            entry::Kind::File { .. } => return root::create(parent, name).map(Some),
            entry::Kind::Directory => {
                let mode = rustix::fs::Mode::from_raw_mode(0o700);
                rustix::fs::mkdirat(parent, c_path(name)?.as_c_str(), mode)?;
            }
            entry::Kind::Hardlink { target } => self.link(target, &entry.path)?,
            entry::Kind::Symlink { target } => root::make(parent, name, &Node::Symlink(target))?,
            entry::Kind::CharacterDevice { device } => root::make(parent, name, &Node::CharacterDevice(*device))?,
            entry::Kind::BlockDevice { device } => root::make(parent, name, &Node::BlockDevice(*device))?,
            entry::Kind::Fifo => root::make(parent, name, &Node::Fifo)?,
        }
        Ok(None)
    }

    fn link(&self, target: &EntryPath, path: &EntryPath) -> io::Result<()> {
        let (Some((from, old)), Some((to, new))) = (target.split(), path.split()) else { return Ok(()) };
        let (from, to) = (self.root.folder(from.as_bytes())?, self.root.folder(to.as_bytes())?);
        Ok(rustix::fs::linkat(&from, c_path(old)?.as_c_str(), &to, c_path(new)?.as_c_str(), AtFlags::empty())?)
    }

    fn describe(&mut self, entry: &Entry) -> io::Result<()> {
        if let entry::Kind::Hardlink { .. } = entry.kind {
            return Ok(());
        }
        let (mode, uid, gid, mtime) = (entry.mode, entry.uid, entry.gid, entry.mtime);
        let metadata = Metadata { mode, uid, gid, mtime, xattrs: entry.xattrs.clone() };
        if matches!(entry.kind, entry::Kind::Directory) {
            self.folders.push((entry.path.clone(), mtime));
        }
        let Some((parent, name)) = entry.path.split() else {
            return root::describe(self.root.fd(), b".", &metadata);
        };
        let parent = self.parent(&parent)?;
        root::describe(parent.as_fd(), name, &metadata)
    }

    fn hide(&mut self, path: &EntryPath) -> io::Result<()> {
        let Some((parent, name)) = path.split() else { return Ok(()) };
        let Ok(parent) = self.root.folder(parent.as_bytes()) else { return Ok(()) };
        if !self.put.contains(path) {
            return root::remove(parent.as_fd(), name);
        }
        self.hide_below(path)
    }

    fn hide_below(&mut self, path: &EntryPath) -> io::Result<()> {
        let Ok(folder) = self.root.folder(path.as_bytes()) else { return Ok(()) };
        self.remove_foreign(folder.as_fd(), path)
    }

    /// Removes what this layer has not put into a folder.
    fn remove_foreign(&self, folder: BorrowedFd<'_>, path: &EntryPath) -> io::Result<()> {
        for name in root::names(folder)? {
            let path = path.join(&name);
            if !self.put.contains(&path) {
                root::remove(folder, &name)?;
            }
        }
        Ok(())
    }

    fn parent(&mut self, path: &EntryPath) -> io::Result<&OwnedFd> {
        // Whatever was replaced since may have been on the way to it.
        let is_known = self.parent.as_ref().is_some_and(|(known, _)| known == path);
        if !is_known || !self.put.contains(path) {
            let folder = self.root.make_folder(path.as_bytes(), &mut |_, _| Ok(()))?;
            self.parent = Some((path.clone(), folder));
        }
        Ok(&self.parent.as_ref().expect("it was just set").1)
    }

    fn finish(self) -> Result<(), (EntryPath, io::Error)> {
        for (path, mtime) in self.folders.iter().rev() {
            let Ok(folder) = self.root.folder(path.as_bytes()) else { continue };
            root::set_mtime(folder.as_fd(), c".", *mtime).map_err(|error| (path.clone(), error))?;
        }
        Ok(())
    }
}
