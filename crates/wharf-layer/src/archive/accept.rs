//! From a header and the extensions in front of it to an [`Entry`], or a refusal. Pure.

use super::header::Raw;
use super::pax::{self, Records};
use crate::entry::{Device, Entry, Kind, Mtime};
use crate::fault::Fault;
use crate::limits::MAX_PATH_BYTES;
use crate::path::EntryPath;

/// The largest size that eleven octal digits state: above it, the header's own size is not what counts.
const MAX_OCTAL_SIZE: u64 = 0o77_777_777_777;

/// Whether a header of this type belongs to the one that follows.
pub(crate) fn is_extension(type_flag: u8) -> bool {
    matches!(type_flag, b'x' | b'g' | b'L' | b'K')
}

/// What stands in front of an entry.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    records: Option<Records>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extensions {
    /// Takes one extension. PAX and GNU extensions are not mixed, none comes twice, and a global header stands between
    /// entries only: readers differ in which of two wins, and in whose size it is.
    pub(crate) fn take(&mut self, type_flag: u8, content: &[u8]) -> Result<(), Fault> {
        let is_first = self.records.is_none() && self.path.is_none() && self.link.is_none();
        match type_flag {
            b'g' if is_first => pax::check_global(content),
            b'x' if is_first => {
                self.records = Some(Records::parse(content)?);
                Ok(())
            }
            b'L' if self.records.is_none() && self.path.is_none() => {
                self.path = Some(long_name(content)?);
                Ok(())
            }
            b'K' if self.records.is_none() && self.link.is_none() => {
                self.link = Some(long_name(content)?);
                Ok(())
            }
            _ => Err(Fault::Extensions),
        }
    }

    /// At the archive's end nothing may be left.
    pub(crate) fn check_unused(&self) -> Result<(), Fault> {
        let is_unused = self.records.is_none() && self.path.is_none() && self.link.is_none();
        if is_unused { Ok(()) } else { Err(Fault::Truncated) }
    }

    /// The entry that the header and its extensions describe together.
    pub(crate) fn apply(self, raw: Raw) -> Result<Entry, Fault> {
        // Python looks for the slash in the header's own name, also where that is cut off.
        if raw.type_flag == 0 && raw.path.ends_with(b"/") {
            return Err(Fault::FileNamedAsFolder);
        }
        let records = self.records.unwrap_or_default();
        let path = records.path.or(self.path).unwrap_or(raw.path);
        let link = records.link_path.or(self.link).unwrap_or(raw.link);
        let size_bytes = agreed_size(raw.size, records.size)?;
        let entry_path = EntryPath::parse(&path)?;
        let kind = match raw.type_flag {
            0 | b'0' => file(&path, size_bytes)?,
            _ if size_bytes != 0 => return Err(Fault::UnexpectedSize),
            b'1' => hardlink(&entry_path, &link)?,
            b'2' => symlink(link)?,
            b'3' => character_device(device(raw.device)?)?,
            b'4' => Kind::BlockDevice { device: device(raw.device)? },
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'S' => return Err(Fault::Sparse),
            other => return Err(Fault::Type(other)),
        };
        if path.is_empty() || (entry_path.is_root() && kind != Kind::Directory) {
            return Err(Fault::EmptyName);
        }
        Ok(Entry {
            path: entry_path,
            kind,
            mode: mode(raw.mode, raw.type_flag)?,
            uid: u32::try_from(records.uid.unwrap_or(raw.uid)).map_err(|_| Fault::Number("uid"))?,
            gid: u32::try_from(records.gid.unwrap_or(raw.gid)).map_err(|_| Fault::Number("gid"))?,
            mtime: records.mtime.unwrap_or(Mtime { seconds: raw.mtime, nanoseconds: 0 }),
            xattrs: records.xattrs,
        })
    }
}

/// A reader that does not know the record skips by the header's size, and takes content for headers where they differ
/// (RUSTSEC-2025-0111). Only a size that does not fit into the header may stand in the record alone.
fn agreed_size(header: u64, record: Option<u64>) -> Result<u64, Fault> {
    match record {
        Some(record) if record != header && record <= MAX_OCTAL_SIZE => Err(Fault::SizeMismatch),
        Some(record) if record != header && !matches!(header, 0 | MAX_OCTAL_SIZE) => Err(Fault::SizeMismatch),
        record => Ok(record.unwrap_or(header)),
    }
}

/// A name with one NUL behind it.
fn long_name(content: &[u8]) -> Result<Vec<u8>, Fault> {
    let name = content.strip_suffix(b"\0").unwrap_or(content);
    match name {
        [] => Err(Fault::LongName),
        _ if name.contains(&0) => Err(Fault::LongName),
        _ => Ok(name.to_vec()),
    }
}

/// The permissions. Some writers put the type beside them, as `stat` tells it; it must be the entry's.
fn mode(mode: u64, type_flag: u8) -> Result<u16, Fault> {
    let told = match type_flag {
        0 | b'0' | b'1' => 0o100_000,
        b'2' => 0o120_000,
        b'3' => 0o020_000,
        b'4' => 0o060_000,
        b'5' => 0o040_000,
        _ => 0o010_000,
    };
    let rest = mode & !0o7777;
    let is_right = rest == 0 || rest == told;
    u16::try_from(mode & 0o7777).ok().filter(|_| is_right).ok_or(Fault::Number("mode"))
}

fn file(raw_path: &[u8], size_bytes: u64) -> Result<Kind, Fault> {
    // Most readers take it for a folder, some for a file with content.
    if raw_path.ends_with(b"/") { Err(Fault::FileNamedAsFolder) } else { Ok(Kind::File { size_bytes }) }
}

fn hardlink(path: &EntryPath, link: &[u8]) -> Result<Kind, Fault> {
    if link.is_empty() {
        return Err(Fault::EmptyName);
    }
    let target = EntryPath::parse(link)?;
    if target.is_root() || target == *path { Err(Fault::LinkToItself) } else { Ok(Kind::Hardlink { target }) }
}

fn symlink(target: Vec<u8>) -> Result<Kind, Fault> {
    match target.len() {
        0 => Err(Fault::EmptyName),
        1..=MAX_PATH_BYTES => Ok(Kind::Symlink { target: target.into() }),
        _ => Err(Fault::LongPath),
    }
}

fn character_device(device: Device) -> Result<Kind, Fault> {
    // On an overlay file system this is how a deletion looks.
    let is_whiteout = device == Device { major: 0, minor: 0 };
    if is_whiteout { Err(Fault::OverlayWhiteout) } else { Ok(Kind::CharacterDevice { device }) }
}

fn device((major, minor): (u64, u64)) -> Result<Device, Fault> {
    let number = |number| u32::try_from(number).map_err(|_| Fault::Number("device"));
    Ok(Device { major: number(major)?, minor: number(minor)? })
}
