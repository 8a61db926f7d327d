//! OCI words and documents: names, digests, references, descriptors, manifests and distribution error codes;
//! the ports [`Source`] and [`Sink`].
//!
//! Pure: text and bytes in, values out. It opens no file, knows no clock and speaks no protocol. Every parser here
//! reads bytes that a stranger sent; it refuses what is ambiguous instead of guessing.
//!
//! Reading order: [`digest`], [`name`], [`environment`], [`mod@reference`], [`pattern`], [`name_pattern`], [`image_name`], [`media_type`], [`json`],
//! [`descriptor`], [`manifest`], [`config`], [`index`], [`dsse`], [`statement`], [`scope`], [`code`], [`ports`].

pub mod code;
pub mod config;
pub mod descriptor;
pub mod digest;
pub mod dsse;
pub mod environment;
pub mod image_name;
pub mod index;
pub mod json;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod name_pattern;
pub mod pattern;
pub mod ports;
pub mod reference;
pub mod scope;
pub mod statement;

pub use code::ErrorCode;
pub use config::{ContainerConfig, Healthcheck, History, ImageConfig};
pub use descriptor::{Descriptor, DescriptorError, Platform};
pub use digest::{Algorithm, Digest, DigestError};
pub use environment::{EnvironmentError, EnvironmentName, Environments};
pub use image_name::{ImageName, ImageNameError, RegistryHost};
pub use json::{JsonError, MemberError};
pub use manifest::{Content, Manifest, ManifestError};
pub use media_type::MediaType;
pub use name::{NameError, ProjectName, RepositoryName};
pub use name_pattern::{NamePatternError, RepositoryPattern, TagPattern};
pub use pattern::{Pattern, PatternError};
pub use ports::{ContentError, ContentErrorKind, Sink, Source};
pub use reference::{Reference, ReferenceError, Tag};
pub use scope::{Scope, ScopeError};
