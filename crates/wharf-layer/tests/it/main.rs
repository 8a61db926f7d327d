//! The crate through its public door.

mod compression;
mod differential;
mod refusal;
mod tarball;
mod whiteout;
