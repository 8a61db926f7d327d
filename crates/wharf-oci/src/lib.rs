//! OCI words and documents: names, digests, references, descriptors, manifests and distribution error codes.
//!
//! Pure: text and bytes in, values out. It opens no file, knows no clock and speaks no protocol. Every parser here
//! reads bytes that a stranger sent; it refuses what is ambiguous instead of guessing.
//!
//! Reading order: [`digest`], [`name`], [`reference`], [`media_type`], [`descriptor`], [`json`], [`manifest`],
//! [`index`], [`code`].

pub mod digest;
pub mod name;
pub mod reference;

pub use digest::{Algorithm, Digest, DigestError};
pub use name::{NameError, ProjectName, RepositoryName};
pub use reference::{Reference, ReferenceError, Tag};
