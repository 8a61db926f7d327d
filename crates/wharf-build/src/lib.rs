//! Build graph, solver, cache, execution of instructions, export.
//!
//! **parse → plan → solve → execute → export**: a Dockerfile becomes a graph of operations, of which only those that the
//! target needs are solved, equal ones once and independent ones beside each other; what an operation makes is looked up
//! by all that it depends on and nothing else; what is not known is executed; the last file system and its config become
//! an image. How a container is made is not known here, nor how registries are logged in to: see [`ports`].
//!
//! Reading order: [`request`], [`ports`], [`progress`], `plan` (`scope`, `stage`, `metadata`, `files`, `running`), `graph`,
//! [`op`], [`git`], `select` (what a COPY takes, and its digest), `place` (putting it there), `cache`, [`solve`], [`mod@export`],
//! [`error`].

pub mod cache;
mod chmod;
pub mod error;
pub mod export;
pub mod git;
mod graph;
mod instant;
pub mod op;
mod place;
mod plan;
pub mod ports;
pub mod progress;
pub mod request;
mod select;
pub mod solve;

pub use error::Error;
pub use export::{Built, Output, export};
pub use ports::{Bases, Secrets};
pub use progress::{Event, Step};
pub use request::{Context, Request};
pub use solve::{Builder, build};
