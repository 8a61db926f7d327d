//! Layers as archives: the one strict reader and the one reproducible writer, what differs between two images, and OCI
//! layouts and docker archives.
//!
//! Whatever looks into an image looks through here, so that all see what a runtime sees. Bytes come from strangers: sizes
//! are bounded, nothing is held in memory that grows with a file's size, and what two readers could understand
//! differently is refused. No registry is spoken to here, and nothing is unpacked onto a disk.
//!
//! Reading order: [`limits`], [`compression`], [`diff_id`], [`path`], [`entry`], `archive`, [`layer`], [`scan`], [`tree`], [`rootfs`], [`mod@compare`],
//! [`layout`]; and for what is written: [`writer`], [`packer`].

mod archive;
mod blocking;
pub mod compare;
pub mod compression;
pub mod diff_id;
pub mod entry;
pub mod error;
pub mod fault;
mod feed;
pub mod layer;
pub mod layout;
pub mod limits;
pub mod packer;
pub mod path;
pub mod rootfs;
pub mod scan;
pub mod tree;
pub mod writer;

pub use compare::{Difference, Side, compare};
pub use compression::Compression;
pub use diff_id::DiffId;
pub use entry::{Device, Entry, Kind, Mtime, Xattrs};
pub use error::Error;
pub use fault::Fault;
pub use layer::Change;
pub use layout::{Layout, LayoutSink};
pub use limits::Limits;
pub use packer::{Packed, Packer};
pub use path::EntryPath;
pub use rootfs::Rootfs;
pub use tree::{File, FileKind, Tree};
pub use writer::Writer;
