//! The file system that layers make, one put on the other, as a runtime unpacks them.
//!
//! Entries count in order and the last wins; a folder over a folder keeps what is in it; anything else over anything
//! replaces it. The folders of a path lead through symbolic links, which stay within the root. Whiteouts hide what layers
//! below have. Where runtimes differ, the layers are refused. No content is held, only its digest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wharf_oci::Digest;

use crate::entry::{Device, Entry, Kind, Xattrs};
use crate::error::Error;
use crate::layer::Change;
use crate::path::EntryPath;
use crate::scan::Scan;

/// How many symbolic links may lie on one path: what Linux takes.
const MAX_LINKS: usize = 40;
/// How deep folders may lie in each other: a path through links can be longer than any path.
const MAX_DEPTH: usize = 4096;

/// A file of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it is.
    pub kind: FileKind,
    /// The lowest twelve bits of its mode.
    pub mode: u16,
    /// Who owns it.
    pub uid: u32,
    /// The group that owns it.
    pub gid: u32,
    /// Its extended attributes.
    pub xattrs: Xattrs,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular {
        /// Its content's size.
        size_bytes: u64,
        /// Its content's SHA-256.
        content: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads.
        target: Box<[u8]>,
    },
    /// A folder.
    Directory,
    /// A character device.
    CharacterDevice {
        /// Its numbers.
        device: Device,
    },
    /// A block device.
    BlockDevice {
        /// Its numbers.
        device: Device,
    },
    /// A named pipe.
    Fifo,
}

impl File {
    /// A folder that no layer has, but that is on the way to something.
    fn implied() -> Arc<Self> {
        Arc::new(Self { kind: FileKind::Directory, mode: 0o755, uid: 0, gid: 0, xattrs: Xattrs::new() })
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }
}

/// A file and what is in it, where it is a folder.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) file: Arc<File>,
    pub(crate) children: BTreeMap<Box<[u8]>, Node>,
    layer: usize,
}

/// A file system.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) root: Node,
    layers: usize,
    /// Whether something was said that depends on layers below the first that was applied.
    pub(crate) leans_on_base: bool,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node { file: File::implied(), children: BTreeMap::new(), layer: 0 };
        Self { root, layers: 0, leans_on_base: false }
    }
}

impl Tree {
    /// The file system that these layers make, the lowest first.
    pub fn of<'s>(layers: impl IntoIterator<Item = &'s Scan>) -> Result<Self, Error> {
        let mut tree = Self::default();
        for layer in layers {
            tree.apply(layer)?;
        }
        Ok(tree)
    }

    /// What is at a path; links are not followed.
    pub fn get(&self, path: &EntryPath) -> Option<&File> {
        let node = path.components().try_fold(&self.root, |node, name| node.children.get(name));
        node.map(|node| &*node.file)
    }

    /// What is at a path, symbolic links followed, also at its end.
    pub(crate) fn find(&self, path: &EntryPath) -> Option<&File> {
        self.locate(path).map(|(_, node)| &*node.file)
    }

    /// The paths of what is in a folder, which links may lead to.
    pub(crate) fn list(&self, path: &EntryPath) -> Vec<EntryPath> {
        let Some((names, node)) = self.locate(path) else { return Vec::new() };
        let folder = names.iter().fold(EntryPath::root(), |path, name| path.join(name));
        node.children.keys().map(|name| folder.join(name)).collect()
    }

    /// Where a path leads, links followed, and what is there.
    fn locate(&self, path: &EntryPath) -> Option<(Vec<Box<[u8]>>, &Node)> {
        let mut names: Vec<Box<[u8]>> = path.components().map(Into::into).collect();
        for _ in 0..=MAX_LINKS {
            let Some(last) = names.pop() else { return Some((Vec::new(), &self.root)) };
            let mut folder = self.walk(names.into(), path).ok()?;
            if matches!(&*last, b"." | b".." | b"") {
                folder.truncate(folder.len().saturating_sub(usize::from(*last == *b"..")));
                return self.at(&folder).map(|node| (folder.clone(), node));
            }
            let node = self.at(&folder)?.children.get(&last)?;
            let FileKind::Symlink { target } = &node.file.kind else {
                folder.push(last);
                return Some((folder, node));
            };
            if target.starts_with(b"/") {
                folder.clear();
            }
            folder.extend(target.split(|byte| *byte == b'/').map(Into::into));
            names = folder;
        }
        None
    }

    /// Shows every file to `visit`, folders before what is in them.
    pub(crate) fn visit(&self, visit: &mut dyn FnMut(&EntryPath, &File)) {
        let mut waiting: Vec<(EntryPath, &Node)> = vec![(EntryPath::root(), &self.root)];
        while let Some((path, node)) = waiting.pop() {
            if !path.is_root() {
                visit(&path, &node.file);
            }
            waiting.extend(node.children.iter().rev().map(|(name, child)| (path.join(name), child)));
        }
    }

    fn apply(&mut self, layer: &Scan) -> Result<(), Error> {
        self.layers += 1;
        for (change, content) in &layer.changes {
            match change {
                Change::Put(entry) => self.put(entry, *content)?,
                Change::Hide(path) => self.hide(path)?,
                Change::HideBelow(path) => self.hide_below(path)?,
            }
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry, content: Option<Digest>) -> Result<(), Error> {
        let file = match described(entry, content) {
            Some(file) => Arc::new(file),
            None => self.linked(entry)?,
        };
        let layer = self.layers;
        let Some((parent, name)) = entry.path.split() else {
            self.root.file = file;
            self.root.layer = layer;
            return Ok(());
        };
        let folder = self.folder(&parent)?;
        match folder.children.get_mut(name) {
            Some(node) if node.file.is_directory() && file.is_directory() => {
                node.file = file;
                node.layer = layer;
            }
            _ => drop(folder.children.insert(name.into(), Node { file, children: BTreeMap::new(), layer })),
        }
        Ok(())
    }

    /// The file that a hard link is another name of.
    fn linked(&mut self, entry: &Entry) -> Result<Arc<File>, Error> {
        let Kind::Hardlink { target } = &entry.kind else { return refuse("a file has no content", &entry.path) };
        let found = match target.split() {
            Some((parent, name)) => self.folder(&parent)?.children.get(name).map(|node| Arc::clone(&node.file)),
            None => None,
        };
        self.leans_on_base |= found.is_none();
        match found.filter(|file| !file.is_directory()) {
            Some(file) => Ok(file),
            None => refuse("a hard link leads to nothing", &entry.path),
        }
    }

    fn hide(&mut self, path: &EntryPath) -> Result<(), Error> {
        self.leans_on_base = true;
        let Some((parent, name)) = path.split() else { return Ok(()) };
        let layer = self.layers;
        let folder = self.folder(&parent)?;
        // Some runtimes remove what this layer itself has just put there, others don't.
        if folder.children.get(name).is_some_and(|node| node.has_any_of(layer)) {
            return refuse("a layer hides what it has put there", path);
        }
        folder.children.remove(name);
        Ok(())
    }

    fn hide_below(&mut self, path: &EntryPath) -> Result<(), Error> {
        self.leans_on_base = true;
        let layer = self.layers;
        self.folder(path)?.keep_only(layer);
        Ok(())
    }

    /// The folder at a path, through links, and made where it is missing.
    fn folder(&mut self, path: &EntryPath) -> Result<&mut Node, Error> {
        let names = self.resolve(path)?;
        let layer = self.layers;
        let mut node = &mut self.root;
        for name in names {
            let is_missing = !node.children.contains_key(&name);
            self.leans_on_base |= is_missing;
            node = node.children.entry(name).or_insert_with(|| Node {
                file: File::implied(),
                children: BTreeMap::new(),
                layer,
            });
        }
        Ok(node)
    }

    /// The names on the way to a folder, with all links resolved. It may not be there yet.
    fn resolve(&self, path: &EntryPath) -> Result<Vec<Box<[u8]>>, Error> {
        self.walk(path.components().map(Into::into).collect(), path)
    }

    /// The same for names in which `.` and `..` may stand.
    fn walk(&self, mut todo: VecDeque<Box<[u8]>>, path: &EntryPath) -> Result<Vec<Box<[u8]>>, Error> {
        let mut done: Vec<Box<[u8]>> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            match &*name {
                b"" | b"." => continue,
                b".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(name),
            }
            match self.at(&done).map(|node| &node.file.kind) {
                None | Some(FileKind::Directory) => {}
                Some(FileKind::Symlink { target }) => {
                    links += 1;
                    done.pop();
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    for name in target.split(|byte| *byte == b'/').rev() {
                        todo.push_front(name.into());
                    }
                }
                Some(_) => return refuse("something that is no folder is on the way", path),
            }
            if links > MAX_LINKS || done.len() + todo.len() > MAX_DEPTH {
                return refuse("too many links or folders are on the way", path);
            }
        }
        Ok(done)
    }

    fn at(&self, names: &[Box<[u8]>]) -> Option<&Node> {
        names.iter().try_fold(&self.root, |node, name| node.children.get(name))
    }
}

impl Node {
    /// Whether a layer says what it is. Of the root, and of folders on the way, none need say it.
    pub(crate) fn is_said(&self) -> bool {
        self.layer > 0
    }

    fn has_any_of(&self, layer: usize) -> bool {
        self.layer == layer || self.children.values().any(|child| child.has_any_of(layer))
    }

    /// Removes from a folder what layers below have.
    fn keep_only(&mut self, layer: usize) {
        self.children.retain(|_, child| {
            child.keep_only(layer);
            child.layer == layer || !child.children.is_empty()
        });
    }
}

/// The file that an entry is by itself; a hard link is not.
fn described(entry: &Entry, content: Option<Digest>) -> Option<File> {
    let kind = match &entry.kind {
        Kind::File { size_bytes } => FileKind::Regular { size_bytes: *size_bytes, content: content? },
        Kind::Hardlink { .. } => return None,
        Kind::Symlink { target } => FileKind::Symlink { target: target.clone() },
        Kind::Directory => FileKind::Directory,
        Kind::CharacterDevice { device } => FileKind::CharacterDevice { device: *device },
        Kind::BlockDevice { device } => FileKind::BlockDevice { device: *device },
        Kind::Fifo => FileKind::Fifo,
    };
    Some(File { kind, mode: entry.mode, uid: entry.uid, gid: entry.gid, xattrs: entry.xattrs.clone() })
}

fn refuse<T>(reason: &'static str, path: &EntryPath) -> Result<T, Error> {
    Err(Error::Unpack { reason, path: path.clone() })
}
