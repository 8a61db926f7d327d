//! The crate through its public door.

mod lint;
mod parser;
mod printing;
