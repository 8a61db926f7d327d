//! Repositories: uploads, manifests, tags, referrers, and the collection of what nothing refers to any more.
//!
//! A push reads: open upload → append → commit blob → put manifest → point tag. Every use case takes the caller's
//! [`Context`](wharf_context::Context) first and works on a [`Permit`](wharf_context::Permit); the catalog decides who
//! sees which bytes, never the store. This crate knows no HTTP, no users and no project tables.
//!
//! Reading order: [`settings`], [`error`], `registry`, [`repository`], [`blob`], [`upload`], [`manifest`], [`tag`],
//! [`referrer`], [`pull`], [`source`], [`presence`], [`standing`], [`bin`], [`environment`], [`keeping`], [`archive`], [`collection`],
//! [`fsck`], [`moving`], [`quota`], [`usage`], [`figures`], `admission`, [`ports`].

mod admission;
pub mod archive;
pub mod bin;
pub mod blob;
pub mod collection;
pub mod environment;
pub mod error;
pub mod figures;
pub mod fsck;
pub mod keeping;
pub mod manifest;
pub mod moving;
pub mod page;
pub mod ports;
pub mod presence;
pub mod pull;
pub mod quota;
pub mod referrer;
mod registry;
pub mod repository;
#[cfg(feature = "seed")]
pub mod seed;
pub mod settings;
pub mod source;
pub mod standing;
pub mod tag;
pub mod upload;
pub mod usage;

pub use blob::Blob;
pub use collection::Collected;
pub use environment::{Placed, Placing, Withdrawn};
pub use error::Error;
pub use figures::Figures;
pub use fsck::{Finding, FsckOptions, FsckRun, FsckState};
pub use manifest::{Accepted, NewManifest, StoredManifest};
pub use moving::{ByteCopy, BytesHold, CopyFigures, CopySettings, Damaged};
pub use page::Page;
pub use ports::{Admission, Change, NotAdmitted, Operation, Projects, Refusal, Replicas, TagNow};
pub use presence::{Presence, Stored, Tagged};
pub use pull::{PullLog, Pulled};
pub use referrer::{ReferrersPage, ReferrersQuery};
pub use registry::Registry;
pub use repository::RepositoriesQuery;
pub use settings::Settings;
pub use source::RepositorySource;
pub use standing::{AttachedManifest, StandingManifest, TagSpell};
pub use tag::Precondition;
pub use upload::{ChunkRange, Upload};
