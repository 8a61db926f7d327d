//! The crate through its public door.

mod compare;
mod compression;
mod differential;
mod image;
mod layout;
mod packed;
mod refusal;
mod sink;
mod tarball;
mod tool;
mod tree;
mod whiteout;
