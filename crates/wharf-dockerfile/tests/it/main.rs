//! The crate through its public door.

mod corpus;
mod expand;
mod linear;
mod lint;
mod parser;
mod printing;
mod shell;
