//! A layout in a tar archive. One pass finds where everything lies; nothing is unpacked.
//!
//! A compressed archive cannot be read at any place, so it is refused with a sentence that says what to do.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use wharf_oci::Digest;

use super::folder::BLOBS;
use super::place::Place;
use crate::archive::{Archive, Input};
use crate::compression::Compression;
use crate::entry::Kind;
use crate::error::Error;
use crate::limits::Limits;
use crate::path::EntryPath;

/// How many headers an archive of images may have: a folder and a file or two for each blob.
const MAX_HEADERS: u64 = 100_000;
/// How many links may lead to a file, one behind the other.
const MAX_HOPS: usize = 8;

impl Input for BufReader<File> {
    fn pass(&mut self, count: u64) -> io::Result<()> {
        // What is behind the end is noticed by the next read.
        let count = i64::try_from(count).map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        self.seek_relative(count)
    }

    fn explain(&self, source: io::Error) -> Error {
        Error::reading(Compression::Plain, source)
    }
}

/// An archive and where things lie in it.
#[derive(Debug)]
pub(super) struct Packed {
    path: PathBuf,
    file: Arc<File>,
    members: HashMap<EntryPath, Member>,
    made: HashMap<Digest, Place>,
}

#[derive(Debug)]
enum Member {
    File { start: u64, size: u64 },
    Link(EntryPath),
}

impl Packed {
    /// Reads the headers of an archive.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::file("open", path, source);
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Error::NotAFile { path: path.to_owned() });
        }
        let mut this =
            Self { path: path.to_owned(), file: Arc::new(file), members: HashMap::new(), made: HashMap::new() };
        this.refuse_compressed()?;
        this.read_members()?;
        Ok(this)
    }

    /// A blob, if it is there.
    pub(super) fn blob(&self, digest: &Digest) -> Option<Place> {
        let made = self.made.get(digest).cloned();
        made.or_else(|| self.file(&format!("{BLOBS}/{}/{}", digest.algorithm(), digest.hex())))
    }

    /// The file of this name, if it is there. Links within the archive are followed.
    pub(super) fn file(&self, name: &str) -> Option<Place> {
        let mut path = EntryPath::parse(name.as_bytes()).ok()?;
        for _ in 0..MAX_HOPS {
            match self.members.get(&path)? {
                Member::File { start, size } => {
                    return Some(Place::File { file: Arc::clone(&self.file), start: *start, size: *size });
                }
                Member::Link(target) => path = target.clone(),
            }
        }
        None
    }

    /// A document, if it is there. Blocks.
    pub(super) fn document(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.file(name).map(|place| place.document()).transpose()
    }

    /// Gives content a digest that no file is named by.
    pub(super) fn add(&mut self, digest: Digest, place: Place) {
        self.made.insert(digest, place);
    }

    fn refuse_compressed(&self) -> Result<(), Error> {
        let whole = Place::File { file: Arc::clone(&self.file), start: 0, size: self.size()? };
        match Compression::detect(&whole.head(4)?) {
            Compression::Plain => Ok(()),
            compression @ (Compression::Gzip | Compression::Zstd) => {
                Err(Error::CompressedArchive { path: self.path.clone(), compression })
            }
        }
    }

    fn size(&self) -> Result<u64, Error> {
        Ok(self.file.metadata().map_err(|source| Error::file("inspect", &self.path, source))?.len())
    }

    fn read_members(&mut self) -> Result<(), Error> {
        let file = self.file.try_clone().map_err(|source| Error::file("open", &self.path, source))?;
        let limits = Limits { entries: MAX_HEADERS, ..Limits::default() };
        let mut archive = Archive::new(BufReader::new(file), limits);
        while let Some(entry) = archive.next()? {
            let member = match entry.kind {
                Kind::File { size_bytes } => Member::File { start: archive.content_offset(), size: size_bytes },
                Kind::Hardlink { target } => Member::Link(target),
                Kind::Symlink { target } => match resolve(&entry.path, &target) {
                    Some(target) => Member::Link(target),
                    None => continue,
                },
                Kind::Directory | Kind::Fifo | Kind::CharacterDevice { .. } | Kind::BlockDevice { .. } => continue,
            };
            // Some readers take the first of two, others the last.
            if let Some(_twice) = self.members.insert(entry.path.clone(), member) {
                return Err(Error::DuplicateMember { path: entry.path });
            }
        }
        Ok(())
    }
}

/// Where a symbolic link leads, if that is within the archive: docker's old format has `../LAYER/layer.tar`.
fn resolve(link: &EntryPath, target: &[u8]) -> Option<EntryPath> {
    let (parent, _) = link.split()?;
    let mut components: Vec<&[u8]> = parent.components().collect();
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"." => {}
            // An absolute target begins with an empty component.
            b"" => return None,
            b".." => drop(components.pop()?),
            name => components.push(name),
        }
    }
    EntryPath::parse(&components.join(&b'/')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_within_the_archive_only() {
        let link = EntryPath::parse(b"a/layer.tar").expect("a path");
        for (target, path) in [
            (&b"../b/layer.tar"[..], Some("b/layer.tar")),
            (b"../b.tar", Some("b.tar")),
            (b"./c", Some("a/c")),
            (b"../../b", None),
            (b"/b", None),
            (b"", None),
        ] {
            assert_eq!(resolve(&link, target).map(|path| path.to_string()).as_deref(), path);
        }
    }
}
