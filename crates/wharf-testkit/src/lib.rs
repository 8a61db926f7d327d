//! Tiny valid images, temporary databases, a fake clock: what tests of several crates need.
//!
//! Nothing here is part of the program, and nothing replaces a part by an imitation: the databases are real.
//!
//! Reading order: [`database`], [`time`].

pub mod database;
mod postgres;
pub mod time;

pub use database::Database;
pub use time::{clock, eventually};
pub use wharf_blob::Memory;
/// For tests of crates that may not know the database themselves, and yet answer what a part asks inside a transaction.
pub use wharf_db::{Error as DbError, Tx};
