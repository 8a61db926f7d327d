//! Entries: what an archive says about one path.

use std::collections::BTreeMap;

use crate::path::EntryPath;

/// Extended attributes by name. Only their bytes are known.
pub type Xattrs = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// What an archive says about one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: EntryPath,
    /// What it is.
    pub kind: Kind,
    /// The lowest twelve bits of the mode: permissions, and the setuid, setgid and sticky bits.
    pub mode: u16,
    /// Who owns it.
    pub uid: u32,
    /// The group that owns it.
    pub gid: u32,
    /// When its content was last changed.
    pub mtime: Mtime,
    /// Its extended attributes.
    pub xattrs: Xattrs,
}

/// A moment as file systems know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mtime {
    /// Seconds since 1970, or before it.
    pub seconds: i64,
    /// Nanoseconds after them, less than a second.
    pub nanoseconds: u32,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file; its content follows.
    File {
        /// The content's size.
        size_bytes: u64,
    },
    /// Another name of a file that came before, in this layer or one below.
    Hardlink {
        /// The file's other name.
        target: EntryPath,
    },
    /// A symbolic link. The target is only text, and may lead anywhere.
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

/// The numbers of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Its driver.
    pub major: u32,
    /// Which of the driver's.
    pub minor: u32,
}

impl Entry {
    /// How many bytes of content follow.
    pub(crate) fn content_bytes(&self) -> u64 {
        match self.kind {
            Kind::File { size_bytes } => size_bytes,
            Kind::Hardlink { .. }
            | Kind::Symlink { .. }
            | Kind::Directory
            | Kind::CharacterDevice { .. }
            | Kind::BlockDevice { .. }
            | Kind::Fifo => 0,
        }
    }
}
