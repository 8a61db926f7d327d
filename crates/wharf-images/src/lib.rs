//! The images of one node: content, names, unpacked overlay snapshots, local collection.
//!
//! Content lies in an OCI layout, names and rows in a SQLite file that several processes open, and each unpacked layer in
//! a folder of its own that overlay file systems take as it is: a container's changes become a layer without a copy. What
//! is unfinished lies in a session's folder and goes with it, also when its process is killed. No registry is spoken to
//! here; whoever pulls copies into [`Images::sink`].
//!
//! Reading order: [`images`], [`session`], [`root`], [`overlay`], [`unpack`], [`pack`], [`snapshot`], [`image`],
//! [`import`], [`collect`], [`error`].

pub mod collect;
pub mod error;
pub mod image;
pub mod images;
pub mod import;
pub mod overlay;
pub mod pack;
pub mod root;
pub mod session;
pub mod snapshot;
pub mod unpack;

pub use error::Error;
pub use image::{Config, Image};
pub use images::Images;
pub use pack::Clamp;
pub use root::{Metadata, Root};
pub use snapshot::{Draft, Layer, Snapshot};
