//! The crate through its public door.

mod parser;
mod printing;
