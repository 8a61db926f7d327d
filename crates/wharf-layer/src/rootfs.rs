//! The file system of an image, and the contents of a few files in it that somebody wants to read.
//!
//! All layers are read once. Contents are kept of the files that were asked for by their paths, as far as they fit;
//! of all others only digests are known.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use wharf_oci::{Descriptor, Digest, Source};

use crate::error::Error;
use crate::feed::{Pieces, feed};
use crate::limits::Limits;
use crate::path::EntryPath;
use crate::scan::Scan;
use crate::tree::{File, FileKind, Tree};

/// The largest file whose content is kept, in bytes.
pub const MAX_CONTENT_BYTES: u64 = 16 * 1024 * 1024;
/// How many bytes of contents are kept of one image.
const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// How many changes all layers may have together: what has to fit into memory.
const MAX_CHANGES: usize = 2_000_000;

/// Says of which files the content is wanted.
pub type Wanted = Arc<dyn Fn(&EntryPath) -> bool + Send + Sync>;

/// Contents of files, each once.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) kept: HashMap<Digest, Bytes>,
    pub(crate) bytes: u64,
}

impl Contents {
    /// Whether a file of this size is kept.
    pub(crate) fn has_room(&self, size_bytes: u64) -> bool {
        size_bytes <= MAX_CONTENT_BYTES && self.bytes + size_bytes <= MAX_KEPT_BYTES
    }
}

/// The file system that the layers of an image make.
#[derive(Debug)]
pub struct Rootfs {
    tree: Tree,
    contents: HashMap<Digest, Bytes>,
}

impl Rootfs {
    /// Reads all layers out of a source, the lowest first.
    pub async fn read(
        source: &dyn Source,
        layers: &[Descriptor],
        limits: Limits,
        wanted: &Wanted,
    ) -> Result<Self, Error> {
        let (mut scans, mut changes, mut contents) = (Vec::new(), 0, Contents::default());
        for layer in layers {
            let (media_type, wanted) = (layer.media_type.clone(), Arc::clone(wanted));
            let read = move |pieces: Pieces| {
                let scan = Scan::read_keeping(Box::new(pieces), &media_type, limits, (&wanted, &mut contents))?;
                Ok((scan, contents))
            };
            let scan;
            (scan, contents) = feed(layer, source, &|_| {}, read).await?;
            changes += scan.len();
            if changes > MAX_CHANGES {
                return Err(Error::Limit { what: "files in all layers", limit: MAX_CHANGES as u64 });
            }
            scans.push(scan);
        }
        Ok(Self { tree: Tree::of(&scans)?, contents: contents.kept })
    }

    /// What is at a path, symbolic links followed.
    pub fn find(&self, path: &EntryPath) -> Option<&File> {
        self.tree.find(path)
    }

    /// What is at a path itself; a symbolic link is one.
    pub fn get(&self, path: &EntryPath) -> Option<&File> {
        self.tree.get(path)
    }

    /// The content of a file that was wanted; links are followed.
    pub fn content(&self, path: &EntryPath) -> Option<&[u8]> {
        match &self.find(path)?.kind {
            FileKind::Regular { content, .. } => self.contents.get(content).map(|bytes| &bytes[..]),
            FileKind::Symlink { .. }
            | FileKind::Directory
            | FileKind::CharacterDevice { .. }
            | FileKind::BlockDevice { .. }
            | FileKind::Fifo => None,
        }
    }

    /// The paths of what is in a folder; links are followed.
    pub fn list(&self, path: &EntryPath) -> Vec<EntryPath> {
        self.tree.list(path)
    }

    /// Shows everything to `visit`, folders before what is in them.
    pub fn visit(&self, visit: &mut dyn FnMut(&EntryPath, &File)) {
        self.tree.visit(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One layer as a tar archive: path, and content or the target of a link.
    fn layer(entries: &[(&str, Result<&str, &str>)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, what) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o755);
            header.set_size(0);
            match what {
                Ok(content) => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, path, content.as_bytes()).expect("written to memory");
                }
                Err(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    builder.append_link(&mut header, path, target).expect("written to memory");
                }
            }
        }
        builder.into_inner().expect("written to memory")
    }

    fn rootfs(layers: &[Vec<u8>]) -> Rootfs {
        let wanted: Wanted =
            Arc::new(|path: &EntryPath| path.as_bytes() == b"etc/passwd" || path.as_bytes() == b"usr/lib/os");
        let mut contents = Contents::default();
        let media_type = "application/vnd.oci.image.layer.v1.tar";
        let scan = |bytes: &Vec<u8>| {
            let input = Box::new(&bytes[..]);
            Scan::read_keeping(input, media_type, Limits::default(), (&wanted, &mut contents)).expect("read")
        };
        let scans: Vec<Scan> = layers.iter().map(scan).collect();
        Rootfs { tree: Tree::of(&scans).expect("layers"), contents: contents.kept }
    }

    fn path(text: &str) -> EntryPath {
        text.parse().expect("valid")
    }

    #[test]
    fn contents_are_those_of_the_last_layer_and_links_are_followed() {
        let found = rootfs(&[
            layer(&[
                ("etc/passwd", Ok("root:x:0:0")),
                ("usr/lib/os", Ok("debian")),
                ("lib", Err("usr/lib")),
                ("other", Ok("x")),
            ]),
            layer(&[("etc/passwd", Ok("app:x:1:1")), ("etc/os", Err("../lib/os")), ("loop", Err("loop"))]),
        ]);
        assert_eq!(found.content(&path("etc/passwd")), Some(&b"app:x:1:1"[..]));
        assert_eq!(found.content(&path("etc/os")), Some(&b"debian"[..]));
        assert_eq!(found.content(&path("other")), None, "nobody wanted it");
        assert!(found.find(&path("lib/os")).is_some() && found.find(&path("loop")).is_none());
        assert!(matches!(found.get(&path("etc/os")).map(|file| &file.kind), Some(FileKind::Symlink { .. })));
        let listed: Vec<String> = found.list(&path("lib")).iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["usr/lib/os"]);
        let mut names = Vec::new();
        found.visit(&mut |path, _| names.push(path.to_string()));
        assert_eq!(names, ["etc", "etc/os", "etc/passwd", "lib", "loop", "other", "usr", "usr/lib", "usr/lib/os"]);
    }
}
