//! What a COPY takes: the files that a source stands for, in their order, and the digest of all that they are.
//!
//! Paths are resolved inside of the tree that is copied from, whatever links lie in it. Times are no part of anything
//! here; a file's content is read only where its digest is not known from before.

pub(crate) mod glob;
pub(crate) mod memo;

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{FileType, Statx};
use wharf_dockerfile::ignore::{self, Visit};
use wharf_images::Root;
use wharf_images::root::{self, components};
use wharf_layer::entry::Xattrs;
use wharf_oci::ports::Hashing;
use wharf_oci::{Algorithm, Digest};

use self::glob::Pattern;
use self::memo::Memo;
use crate::error::Error;

const PIECE_BYTES: usize = 256 * 1024;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 512;

/// What of a context is not seen.
#[derive(Debug, Clone, Default)]
pub struct Ignore(Option<Arc<ignore::Ignore>>);

impl Ignore {
    /// What these patterns match is not seen.
    pub fn new(patterns: ignore::Ignore) -> Self {
        Self(Some(Arc::new(patterns)).filter(|patterns| !patterns.is_empty()))
    }

    fn hides(&self, path: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|patterns| patterns.is_ignored(&String::from_utf8_lossy(path)))
    }

    /// Whether nothing below a folder is seen.
    fn hides_all_below(&self, path: &[u8]) -> bool {
        let Some(patterns) = &self.0 else { return false };
        let path = String::from_utf8_lossy(path);
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let visit: Visit = ends.fold(patterns.root(), |visit, end| patterns.visit(&visit, &path[..end]));
        patterns.can_skip(&visit, &path)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The source as written, a path or a pattern.
    pub(crate) source: String,
    /// What is left out, relative to the source.
    pub(crate) exclude: Ignore,
    /// Whether the folders above are kept.
    pub(crate) keeps_parents: bool,
}

/// Everything that one name stands for.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Whether it is a folder, whose content is taken.
    pub(crate) is_folder: bool,
    /// What is to be made, each folder before what is in it.
    pub(crate) entries: Vec<Found>,
}

/// One file, folder or link.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it is in the tree.
    pub(crate) path: Vec<u8>,
    /// Where it goes, from the destination on.
    pub(crate) target: Vec<u8>,
    /// What the kernel knows of it.
    pub(crate) stat: Statx,
    /// Where it leads, if it is a link.
    pub(crate) link: Vec<u8>,
    /// Its extended attributes.
    pub(crate) xattrs: Xattrs,
}

impl Found {
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.stx_mode.into())
    }
}

/// Finds what a source stands for. A pattern may stand for nothing; a path must be there.
pub(crate) fn select(tree: &Root, query: &Query, ignore: &Ignore) -> Result<Vec<Group>, Error> {
    let failed = |source| Error::file("look for", query.source.clone(), source);
    let (pivot, plain) = split_pivot(&query.source);
    let mut matched = Vec::new();
    let pattern: Vec<&[u8]> = normal(plain.as_bytes());
    expand(tree, &pattern, Vec::new(), &mut matched).map_err(failed)?;
    let is_pattern = pattern.iter().any(|component| Pattern::has_magic(component));
    let mut groups = Vec::new();
    for path in matched {
        if !ignore.hides_all_below(&path) {
            groups.extend(group(tree, query, ignore, (&path, pivot)).map_err(failed)?);
        }
    }
    match groups.is_empty() && !is_pattern {
        true => Err(Error::Missing { path: query.source.clone(), place: String::new(), hint: "" }),
        false => Ok(groups),
    }
}

/// `/./` says from where on folders above are kept: how many components stand before it.
fn split_pivot(source: &str) -> (usize, String) {
    match source.split_once("/./") {
        Some((before, after)) => (normal(before.as_bytes()).len(), format!("{before}/{after}")),
        None => (0, source.to_owned()),
    }
}

/// The names of a path from the root on; `..` goes no higher than that.
fn normal(path: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for name in components(path) {
        if name == b".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    names
}

/// Goes down the names of a pattern.
fn expand(tree: &Root, pattern: &[&[u8]], walked: Vec<&[u8]>, matched: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let mut path = walked.join(&b'/');
    let Some((index, component)) =
        pattern.iter().enumerate().find(|(_, component)| Pattern::has_magic(component) || **component == b"**")
    else {
        for component in pattern {
            push(&mut path, component);
        }
        if tree.find(&path)?.is_some() || tree.find_link(&path)?.is_some() {
            matched.push(path);
        }
        return Ok(());
    };
    for component in &pattern[..index] {
        push(&mut path, component);
    }
    let Ok(folder) = tree.folder(&path) else { return Ok(()) };
    let rest = &pattern[index + 1..];
    let compiled = Pattern::parse(component).ok_or_else(|| io::Error::other("the pattern is malformed"))?;
    if *component == b"**" {
        expand(tree, rest, components(&path).collect(), matched)?;
    }
    for name in root::names(folder.as_fd())? {
        let mut below = path.clone();
        push(&mut below, &name);
        let is_any = *component == b"**";
        if is_any && root::kind_at(folder.as_fd(), &name)? == Some(FileType::Directory) && below.len() < 4096 {
            expand(tree, &pattern[index..], components(&below).collect(), matched)?;
        } else if !is_any && compiled.matches(&name) {
            expand(tree, rest, components(&below).collect(), matched)?;
        }
    }
    Ok(())
}

fn push(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

/// What one path stands for; nothing where the ignore file hides it.
fn group(tree: &Root, query: &Query, ignore: &Ignore, (path, pivot): (&[u8], usize)) -> io::Result<Option<Group>> {
    let Some(place) = tree.find(path)? else { return Ok(None) };
    let stat = root::stat_of(place.as_fd())?;
    let is_folder = FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Directory;
    let names: Vec<&[u8]> = components(path).collect();
    let target = match query.keeps_parents {
        true => names[pivot.min(names.len())..].join(&b'/'),
        false if is_folder => Vec::new(),
        false => names.last().copied().unwrap_or_default().to_vec(),
    };
    let mut walk = Walk { tree, query, ignore, base: path.len(), entries: Vec::new() };
    if is_folder {
        walk.entries.push(Found {
            path: path.to_vec(),
            target: target.clone(),
            stat,
            link: Vec::new(),
            xattrs: Xattrs::new(),
        });
        walk.folder(path, &target, 0)?;
        if let Some(first) = walk.entries.first_mut() {
            first.xattrs = root::xattrs(tree.folder(path)?.as_fd(), b".")?;
        }
    } else {
        if ignore.hides(path) || query.exclude.hides(names.last().copied().unwrap_or_default()) {
            return Ok(None);
        }
        let (parent, name) =
            path.iter().rposition(|byte| *byte == b'/').map_or((&b""[..], path), |at| (&path[..at], &path[at + 1..]));
        let xattrs = root::xattrs(tree.folder(parent)?.as_fd(), name)?;
        walk.entries.push(Found { path: path.to_vec(), target, stat, link: Vec::new(), xattrs });
    }
    Ok(Some(Group { is_folder, entries: walk.entries }))
}

struct Walk<'w> {
    tree: &'w Root,
    query: &'w Query,
    ignore: &'w Ignore,
    base: usize,
    entries: Vec<Found>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &[u8], target: &[u8], depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("folders lie in each other more than {MAX_DEPTH} deep")));
        }
        let folder = self.tree.folder(path)?;
        for name in root::names(folder.as_fd())? {
            let (mut below, mut goes) = (path.to_vec(), target.to_vec());
            push(&mut below, &name);
            push(&mut goes, &name);
            self.entry((folder.as_fd(), &name), below, goes, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        (folder, name): (BorrowedFd<'_>, &[u8]),
        path: Vec<u8>,
        target: Vec<u8>,
        depth: usize,
    ) -> io::Result<()> {
        let relative =
            path[self.base.min(path.len())..].strip_prefix(b"/").unwrap_or(&path[self.base.min(path.len())..]);
        let is_hidden = self.ignore.hides(&path) || self.query.exclude.hides(relative);
        if is_hidden && (self.ignore.hides_all_below(&path) || self.query.exclude.hides_all_below(relative)) {
            return Ok(());
        }
        let stat = root::stat_at(folder, name)?.ok_or(io::ErrorKind::NotFound)?;
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        if kind == FileType::Socket || (is_hidden && kind != FileType::Directory) {
            return Ok(());
        }
        let link = match kind == FileType::Symlink {
            true => rustix::fs::readlinkat(folder, name, Vec::new())?.into_bytes(),
            false => Vec::new(),
        };
        let at = self.entries.len();
        let xattrs = root::xattrs(folder, name)?;
        self.entries.push(Found { path: path.clone(), target: target.clone(), stat, link, xattrs });
        if kind == FileType::Directory {
            self.folder(&path, &target, depth + 1)?;
            // A hidden folder is there only for what is seen in it.
            if is_hidden && self.entries.len() == at + 1 {
                self.entries.truncate(at);
            }
        }
        Ok(())
    }
}

/// The digest of all that groups are: kinds, modes, owners, attributes, links and contents, without times.
pub(crate) fn digest(tree: &Root, groups: &[Group], memo: &Memo, has_owners: bool) -> Result<Digest, Error> {
    let files: Vec<&Found> = groups.iter().flat_map(|group| &group.entries).collect();
    let contents = memo::contents(tree, &files, memo)?;
    let mut hashing = Hashing::new(Algorithm::Sha256);
    let mut contents = contents.into_iter();
    for group in groups {
        hashing.update(if group.is_folder { b"folder\0" } else { b"name\0" });
        for found in &group.entries {
            let content = contents.next().flatten();
            hashing.update(line(found, content.as_ref(), has_owners).as_slice());
        }
    }
    Ok(hashing.finish())
}

fn line(found: &Found, content: Option<&Digest>, has_owners: bool) -> Vec<u8> {
    let owner = if has_owners { (found.stat.stx_uid, found.stat.stx_gid) } else { (0, 0) };
    let device = (found.stat.stx_rdev_major, found.stat.stx_rdev_minor);
    let mut line = Vec::new();
    for part in [&found.target, &found.link] {
        line.extend_from_slice(&part.len().to_be_bytes());
        line.extend_from_slice(part);
    }
    line.extend_from_slice(format!("{:o} {owner:?} {device:?} ", found.stat.stx_mode).as_bytes());
    for (name, value) in &found.xattrs {
        for part in [name, value] {
            line.extend_from_slice(&part.len().to_be_bytes());
            line.extend_from_slice(part);
        }
    }
    line.extend_from_slice(content.map(Digest::to_string).unwrap_or_default().as_bytes());
    line.push(b'\n');
    line
}

/// The digest of one file's content.
pub(crate) fn content(tree: &Root, path: &[u8]) -> io::Result<Digest> {
    let (mut file, mut hashing) = (tree.file(path)?, Hashing::new(Algorithm::Sha256));
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hashing.finish()),
            count => hashing.update(&piece[..count]),
        }
    }
}
