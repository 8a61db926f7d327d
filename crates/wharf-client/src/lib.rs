//! Speaks the distribution protocol to other registries: auth, pull, push, mount, mirrors; `copy(Source, Sink)`, the one
//! copy algorithm.
//!
//! What it reads is a stranger's: sizes and digests are compared, lists are bounded, and a log-in goes to the registry and
//! to whom it may name, to nobody else. It reads no file of configuration and no environment: settings and credentials are
//! values. What an image's layers hold is not known here.
//!
//! Reading order: [`settings`], [`credentials`], [`registry`], [`repository`], [`mirror`], [`mod@copy`], [`artifact`], [`error`].

pub mod artifact;
mod auth;
mod call;
mod challenge;
pub mod copy;
pub mod credentials;
pub mod error;
pub mod mirror;
mod page;
pub mod registry;
pub mod repository;
pub mod settings;
mod token;

pub use artifact::Artifact;
pub use copy::{Copied, Event, Options, copy};
pub use credentials::Credentials;
pub use error::Error;
pub use mirror::Mirrored;
pub use registry::{LoggedIn, Registry};
pub use repository::Repository;
pub use settings::{Security, Settings};
