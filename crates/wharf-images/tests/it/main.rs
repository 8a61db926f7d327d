//! What a node's images promise, at the doors of the crate.

mod snapshot;
