//! Writing archives: equal entries give equal bytes, on every machine and in every year.
//!
//! Plain ustar headers, and PAX records in front of them where a field is too small; no names of owners, no times but the
//! last change, whole seconds only. The order of entries is the caller's, and so is what they say. What was written here,
//! the strict reader takes.
//! Spec: POSIX.1-2024, pax, "ustar Interchange Format" and "pax Extended Header"; image-spec, layer.md.

use std::io::{self, Read, Write};

use tar::Header;

use crate::archive::BLOCK_BYTES;
use crate::entry::{Device, Entry, Kind, Mtime, Xattrs};
use crate::layer::{OPAQUE, WHITEOUT};
use crate::path::EntryPath;

const NAME_BYTES: usize = 100;
const MAX_OCTAL_7: u64 = 0o7_777_777;
const MAX_OCTAL_11: u64 = 0o77_777_777_777;
const PIECE_BYTES: usize = 128 * 1024;

/// Writes one archive.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    piece: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// An archive that nothing stands in yet.
    pub fn new(output: W) -> Self {
        Self { output, piece: vec![0; PIECE_BYTES] }
    }

    /// Writes an entry, with exactly as much of `content` as the entry says; a file that shrinks meanwhile is an error.
    pub fn put(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let records = records(entry)?;
        if !records.is_empty() {
            self.extension(&records)?;
        }
        self.output.write_all(header(entry)?.as_bytes())?;
        self.content(content, entry.content_bytes())
    }

    /// Hides what layers below have under this path.
    pub fn hide(&mut self, path: &EntryPath, mtime: Mtime) -> io::Result<()> {
        let (folder, name) = path.split().ok_or_else(|| io::Error::other("the root cannot be hidden"))?;
        self.mark(folder.join(&[WHITEOUT, name].concat()), mtime)
    }

    /// Hides what layers below have in this folder.
    pub fn hide_below(&mut self, folder: &EntryPath, mtime: Mtime) -> io::Result<()> {
        self.mark(folder.join(OPAQUE), mtime)
    }

    /// Writes the end mark. Without it no reader takes the archive.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&[0; 2 * BLOCK_BYTES])?;
        Ok(self.output)
    }

    fn mark(&mut self, path: EntryPath, mtime: Mtime) -> io::Result<()> {
        let kind = Kind::File { size_bytes: 0 };
        let entry = Entry { path, kind, mode: 0o600, uid: 0, gid: 0, mtime, xattrs: Xattrs::new() };
        self.put(&entry, &mut io::empty())
    }

    fn extension(&mut self, records: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        set_name(&mut header, b"././@PaxHeader");
        header.as_old_mut().linkflag = [b'x'];
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.output.write_all(header.as_bytes())?;
        self.content(&mut &records[..], records.len() as u64)
    }

    fn content(&mut self, content: &mut dyn Read, size_bytes: u64) -> io::Result<()> {
        let mut left = size_bytes;
        while left > 0 {
            let most = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let count = match content.read(&mut self.piece[..most]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.output.write_all(&self.piece[..count])?;
            left -= count as u64;
        }
        let block = BLOCK_BYTES as u64;
        let padding = usize::try_from(size_bytes.next_multiple_of(block) - size_bytes).unwrap_or_default();
        self.output.write_all(&[0; BLOCK_BYTES][..padding])
    }
}

/// What the header's fields cannot say.
fn records(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    let path = full_path(entry);
    if path.len() > NAME_BYTES {
        record(&mut records, b"path", &path);
    }
    if link(entry).len() > NAME_BYTES {
        record(&mut records, b"linkpath", link(entry));
    }
    let size_bytes = entry.content_bytes();
    for (name, number, most) in [
        ("size", size_bytes, MAX_OCTAL_11),
        ("uid", u64::from(entry.uid), MAX_OCTAL_7),
        ("gid", u64::from(entry.gid), MAX_OCTAL_7),
    ] {
        if number > most {
            record(&mut records, name.as_bytes(), number.to_string().as_bytes());
        }
    }
    if seconds(entry.mtime).is_none() {
        record(&mut records, b"mtime", entry.mtime.seconds.to_string().as_bytes());
    }
    for (name, value) in &entry.xattrs {
        if name.contains(&b'=') {
            return Err(io::Error::other(format!("the name of an extended attribute of `{}` has a `=`", entry.path)));
        }
        record(&mut records, &[b"SCHILY.xattr.", &name[..]].concat(), value);
    }
    Ok(records)
}

/// `length name=value`; the length counts itself.
fn record(records: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let rest = name.len() + value.len() + 3;
    let length = (1..).map(|digits| rest + digits).find(|length| length.to_string().len() + rest == *length);
    let length = length.expect("a number has some count of digits");
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(name);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn header(entry: &Entry) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    let path = full_path(entry);
    set_name(&mut header, &path[..path.len().min(NAME_BYTES)]);
    let link = link(entry);
    let link = &link[..link.len().min(NAME_BYTES)];
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.as_old_mut().linkflag = [type_flag(&entry.kind)];
    header.set_mode(u32::from(entry.mode));
    let fitting = |number: u64, most: u64| if number > most { 0 } else { number };
    header.set_uid(fitting(entry.uid.into(), MAX_OCTAL_7));
    header.set_gid(fitting(entry.gid.into(), MAX_OCTAL_7));
    header.set_size(fitting(entry.content_bytes(), MAX_OCTAL_11));
    header.set_mtime(seconds(entry.mtime).unwrap_or(0));
    if let Kind::CharacterDevice { device } | Kind::BlockDevice { device } = entry.kind {
        set_device(&mut header, device)?;
    } else {
        set_device(&mut header, Device { major: 0, minor: 0 })?;
    }
    header.set_cksum();
    Ok(header)
}

fn set_device(header: &mut Header, device: Device) -> io::Result<()> {
    header.set_device_major(device.major)?;
    header.set_device_minor(device.minor)
}

/// The path as archives have it: a folder's ends with `/`, and the root is `./`.
fn full_path(entry: &Entry) -> Vec<u8> {
    let mut path = entry.path.as_bytes().to_vec();
    if entry.path.is_root() {
        path.push(b'.');
    }
    if entry.kind == Kind::Directory {
        path.push(b'/');
    }
    path
}

fn link(entry: &Entry) -> &[u8] {
    match &entry.kind {
        Kind::Hardlink { target } => target.as_bytes(),
        Kind::Symlink { target } => target,
        Kind::File { .. } | Kind::Directory | Kind::CharacterDevice { .. } | Kind::BlockDevice { .. } | Kind::Fifo => {
            b""
        }
    }
}

fn type_flag(kind: &Kind) -> u8 {
    match kind {
        Kind::File { .. } => b'0',
        Kind::Hardlink { .. } => b'1',
        Kind::Symlink { .. } => b'2',
        Kind::CharacterDevice { .. } => b'3',
        Kind::BlockDevice { .. } => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

fn set_name(header: &mut Header, name: &[u8]) {
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
}

/// The whole seconds that a header can say.
fn seconds(mtime: Mtime) -> Option<u64> {
    u64::try_from(mtime.seconds).ok().filter(|seconds| *seconds <= MAX_OCTAL_11)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::layer::{self, Change};
    use crate::limits::Limits;

    fn entry(path: &str, kind: Kind) -> Entry {
        let (path, mtime) = (path.parse().expect("a path"), Mtime { seconds: 1_700_000_000, nanoseconds: 0 });
        Entry { path, kind, mode: 0o755, uid: 1000, gid: 5, mtime, xattrs: Xattrs::new() }
    }

    fn entries() -> Vec<Entry> {
        let long = "d/".repeat(90) + "name";
        let device = Device { major: 7, minor: 300 };
        let mut entries = vec![
            entry(".", Kind::Directory),
            entry("f", Kind::File { size_bytes: 5 }),
            entry("l", Kind::Symlink { target: long.as_bytes().into() }),
            entry("h", Kind::Hardlink { target: "f".parse().expect("a path") }),
            entry("c", Kind::CharacterDevice { device }),
            entry("b", Kind::BlockDevice { device }),
            entry("p", Kind::Fifo),
            entry(&long, Kind::File { size_bytes: 0 }),
        ];
        entries[1].xattrs.insert((*b"security.capability").into(), (*b"\x01\0\0\x02\n=").into());
        entries[1].uid = 4_000_000;
        entries[1].mtime = Mtime { seconds: -5, nanoseconds: 0 };
        entries
    }

    fn written(entries: &[Entry]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for entry in entries {
            writer.put(entry, &mut &b"hello"[..]).expect("written to memory");
        }
        writer.hide(&"etc/gone".parse().expect("a path"), Mtime::default()).expect("written to memory");
        writer.hide_below(&"var".parse().expect("a path"), Mtime::default()).expect("written to memory");
        writer.finish().expect("written to memory")
    }

    #[test]
    fn what_is_written_reads_back() {
        let (entries, bytes) = (entries(), written(&entries()));
        let mut changes = Vec::new();
        let mut visit = |change: Change, _: &mut layer::Content<'_, '_>| {
            changes.push(change);
            Ok(())
        };
        let media_type = "application/vnd.oci.image.layer.v1.tar";
        layer::read(Box::new(&bytes[..]), media_type, Limits::default(), &mut visit).expect("read");
        let hidden = changes.split_off(entries.len());
        assert_eq!(changes, entries.into_iter().map(Change::Put).collect::<Vec<_>>());
        let path = |text: &str| text.parse().expect("a path");
        assert_eq!(hidden, [Change::Hide(path("etc/gone")), Change::HideBelow(path("var"))]);
    }

    #[test]
    fn gnu_tar_lists_what_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.tar");
        std::fs::write(&path, written(&entries())).expect("written");
        let listed = std::process::Command::new("tar").arg("-tf").arg(&path).output().expect("tar runs");
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let names: Vec<&[u8]> = listed.stdout.split(|byte| *byte == b'\n').collect();
        let expected = std::ffi::OsStr::new("./").as_bytes();
        assert_eq!((names.first().copied(), names.len()), (Some(expected), 11));
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let mut writer = Writer::new(Vec::new());
        let error = writer.put(&entry("f", Kind::File { size_bytes: 6 }), &mut &b"hello"[..]).expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
