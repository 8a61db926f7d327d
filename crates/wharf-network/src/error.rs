//! What can go wrong with a network.

use std::io;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A namespace cannot be made.
    #[error("cannot make a network namespace")]
    Namespace(#[source] io::Error),
    /// The kernel refused a link, an address or a route.
    #[error("cannot {action}")]
    Link {
        /// What was being done.
        action: String,
        /// Why not.
        source: io::Error,
    },
    /// Every pair of addresses is taken.
    #[error("all addresses of `{0}` are taken by containers; give them a larger network")]
    Exhausted(ipnet::Ipv4Net),
    /// A program that is needed is not installed, or cannot be started.
    #[error("cannot start `{program}`; {hint}")]
    Program {
        /// Which one.
        program: String,
        /// What can be done.
        hint: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program did not do what it should.
    #[error("`{program}` refused: {said}; {hint}")]
    Refused {
        /// Which one.
        program: String,
        /// What it wrote to standard error.
        said: String,
        /// What can be done.
        hint: &'static str,
    },
    /// A setting of the kernel cannot be changed.
    #[error("cannot write `{value}` to `{path}`")]
    Setting {
        /// Which one.
        path: &'static str,
        /// To what.
        value: &'static str,
        /// Why not.
        source: io::Error,
    },
}
