//! What leaves: images archived in the cold place and brought back.
//!
//! What may leave, governance decides ([`Governance::why_it_stays`](wharf_governance::Governance::why_it_stays)); bytes,
//! manifests and tags are the registry's. This crate owns the way between: copy, read back, put away; and back again.
//! It knows no API and no users.
//!
//! Reading order: `archives` (the one handle), [`archive`], [`error`].

pub mod archive;
mod archives;
pub mod error;
mod text;

pub use archive::{Archive, ArchiveState, ArchivesQuery, NewArchive};
pub use archives::{Absences, Archives};
pub use error::Error;
