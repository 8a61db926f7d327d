//! Environments, promotion, approval, tag rules, lineage, retention, archive, destroy, search, webhooks.
//!
//! What an image may become is decided here, by the project's [`policy`], and written down. A use case takes the
//! caller's [`Context`](wharf_context::Context) and a [`Warrant`](wharf_context::Warrant) that identity made. This crate
//! knows no API and no users: who belongs to which person or team it asks through a port. What lies in a repository is
//! the registry's; governance reads and places it by the registry's functions.
//!
//! Reading order: `governance`, [`policy`], [`tag_rule`], [`version`], `admission`, [`zone`], [`lineage`], [`rebuild`],
//! [`standard`], [`webhook`], [`hook`], [`search`], [`ports`], [`error`].

mod admission;
pub mod error;
mod governance;
pub mod hook;
pub mod lineage;
pub mod policy;
pub mod ports;
pub mod rebuild;
mod rows;
pub mod search;
pub mod standard;
pub mod tag_rule;
pub mod version;
pub mod webhook;
pub mod zone;

pub use admission::ProjectRules;
pub use error::Error;
pub use governance::{Figures, Governance};
pub use policy::{Policy, PolicyRevision};
pub use ports::{BoxFuture, Failure, Projects, Way, WebhookPorts};
pub use tag_rule::TagPolicy;
pub use version::{AllocatedVersion, DateVersion, NewVersion, VersionState};
pub use zone::Zone;
