//! `[transfers]`: which other registries promotions may be carried to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address;

/// Keys of `[transfers]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Transfers {
    /// Hosts that projects may name as remotes, with their port where it is not the usual one.
    #[serde(deserialize_with = "address::list")]
    pub(crate) hosts: Vec<String>,
    /// PEM files of certificate authorities that are believed there besides those of the system.
    pub(crate) authorities: Vec<PathBuf>,
}
