//! Environments, promotion, approval, tag rules, lineage, retention, search, webhooks.
//!
//! What an image may become is decided here, by the project's [`policy`], and written down. A use case takes the
//! caller's [`Context`](wharf_context::Context) and a [`Warrant`](wharf_context::Warrant) that identity made. This crate
//! knows no API and no users: who belongs to which person or team it asks through a port ([`ports`]). What lies in a
//! repository is the registry's; governance reads and places it by the registry's functions.
//!
//! Reading order: `governance`, [`ports`], [`policy`]; [`environment`] (the ladder), [`gate`] (what has to be true) with
//! [`image`], [`inquiry`] and [`exception`], [`promotion`] (the way), [`remote`], [`release`] (what moves together), [`review`],
//! [`history`], [`evidence`];
//! [`tag_rule`], [`version`], `admission`, [`zone`]; [`hold`], [`running`], [`retention`], [`stay`], `records`; [`lineage`], [`rebuild`], [`standard`]; [`webhook`], [`hook`],
//! [`search`]; [`idempotency`], [`page`], [`span`], [`error`].

mod admission;
mod bytes;
mod digests;
pub mod environment;
pub mod error;
pub mod evidence;
pub mod exception;
pub mod gate;
mod governance;
pub mod history;
pub mod hold;
pub mod hook;
pub mod idempotency;
pub mod image;
pub mod inquiry;
pub mod lineage;
pub mod page;
pub mod policy;
pub mod ports;
pub mod promotion;
pub mod rebuild;
mod records;
pub mod release;
pub mod remote;
pub mod retention;
pub mod review;
pub mod running;
pub mod search;
pub mod span;
pub mod standard;
pub mod stay;
pub mod tag_rule;
mod text;
mod unread;
pub mod version;
pub mod webhook;
pub mod zone;

pub use admission::ProjectRules;
pub use environment::{Difference, Inventory, Ladder, Placement};
pub use error::Error;
pub use exception::{Exception, NewException};
pub use gate::{Case, Gate, GateResult, Verdict};
pub use governance::{Figures, Governance};
pub use history::History;
pub use hold::{Hold, HoldKind, HoldsQuery, NewHold};
pub use page::{Page, PageRequest};
pub use policy::{Policy, PolicyRevision};
#[cfg(feature = "seed")]
pub use ports::Nobody;
pub use ports::{
    BoxFuture, DocumentSigner, Failure, Parcel, People, Person, Projects, Standing, Transfer, Way, WebhookPorts,
};
pub use promotion::{Eligibility, Promotion, PromotionKind};
pub use records::Records;
pub use release::{NewRelease, Release};
pub use retention::Retention;
pub use review::Review;
pub use running::{Happened, Running, RunningQuery, RunningReport};
pub use span::Span;
pub use tag_rule::TagPolicy;
pub use version::{AllocatedVersion, DateVersion, NewVersion, VersionState};
pub use zone::Zone;
