//! Archives byte by byte, also wrong ones, and what our reader sees in them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use tar::Header;
use wharf_layer::entry::Device;
use wharf_layer::{Change, Entry, Error, Kind, Limits, layer};

pub(crate) const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";

/// An archive in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tarball(pub(crate) Vec<u8>);

impl Tarball {
    /// A ustar header, changed by `change`, and the content behind it.
    pub(crate) fn entry(self, kind: u8, name: &str, content: &[u8], change: impl FnOnce(&mut Header)) -> Self {
        self.header(Header::new_ustar(), kind, |header| fill(header, name, content, change)).content(content)
    }

    /// The same in GNU's format.
    pub(crate) fn gnu(self, kind: u8, name: &str, content: &[u8], change: impl FnOnce(&mut Header)) -> Self {
        self.header(Header::new_gnu(), kind, |header| fill(header, name, content, change)).content(content)
    }

    fn header(mut self, mut header: Header, kind: u8, change: impl FnOnce(&mut Header)) -> Self {
        header.as_old_mut().linkflag = [kind];
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    /// Content and the zeros that fill its last block.
    pub(crate) fn content(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(b'0', name, content, |_| {})
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(b'5', name, b"", |header| header.set_mode(0o755))
    }

    pub(crate) fn link(self, kind: u8, name: &str, target: &str) -> Self {
        self.entry(kind, name, b"", |header| set_link(header, target))
    }

    /// An extended header with these records.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let text: String = records.iter().map(|(name, value)| record(name, value)).collect();
        self.entry(b'x', "PaxHeaders.0/x", text.as_bytes(), |_| {})
    }

    /// The end mark.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn fill(header: &mut Header, name: &str, content: &[u8], change: impl FnOnce(&mut Header)) {
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    change(header);
}

pub(crate) fn set_link(header: &mut Header, target: &str) {
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
}

/// A PAX record with its length in front.
pub(crate) fn record(name: &str, value: &str) -> String {
    let rest = format!(" {name}={value}\n");
    let digits = (1..).find(|digits| (rest.len() + digits).to_string().len() == *digits).expect("some length");
    format!("{}{rest}", rest.len() + digits)
}

/// What is seen in a plain archive, one line for each change.
pub(crate) fn seen(archive: &[u8]) -> Result<Vec<String>, Error> {
    seen_as(PLAIN, archive, Limits::default())
}

pub(crate) fn seen_as(media_type: &str, archive: &[u8], limits: Limits) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    layer::read(Box::new(archive), media_type, limits, &mut |change, content| {
        let mut hasher = Sha256::new();
        while let Some(piece) = content.next_piece()? {
            hasher.update(piece);
        }
        lines.push(match &change {
            Change::Put(entry) => line(entry, &hex(&hasher.finalize())),
            Change::Hide(path) => format!("hide {path}"),
            Change::HideBelow(path) => format!("hide below {path}"),
        });
        Ok(())
    })?;
    Ok(lines)
}

/// One entry: type, mode, owner, path, and what belongs to the type.
pub(crate) fn line(entry: &Entry, content: &str) -> String {
    let (letter, rest) = match &entry.kind {
        Kind::File { size_bytes } => ('-', format!("{size_bytes} {}", &content[..16])),
        Kind::Hardlink { target } => ('h', hex(target.as_bytes())),
        Kind::Symlink { target } => ('l', hex(target)),
        Kind::Directory => ('d', String::new()),
        Kind::CharacterDevice { device } => ('c', numbers(*device)),
        Kind::BlockDevice { device } => ('b', numbers(*device)),
        Kind::Fifo => ('p', String::new()),
    };
    let path = hex(entry.path.as_bytes());
    format!("{letter} {:04o} {}/{} {path} {rest}", entry.mode, entry.uid, entry.gid).trim_end().to_owned()
}

fn numbers(device: Device) -> String {
    format!("{},{}", device.major, device.minor)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("into memory");
        text
    })
}
