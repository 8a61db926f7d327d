//! `[environments]`: the names before repositories' names, and the hosts that stand for one of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wharf_oci::EnvironmentName;

use super::address;

/// Keys of `[environments]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Environments {
    /// The environments in order; the first is development.
    #[serde(deserialize_with = "address::list")]
    pub(crate) names: Vec<EnvironmentName>,
    /// Host names, with or without a port, at which `/v2/pay/app` is the view of one environment.
    pub(crate) hosts: BTreeMap<String, EnvironmentName>,
}

impl Default for Environments {
    fn default() -> Self {
        let names = wharf_oci::Environments::default().iter().cloned().collect();
        Self { names, hosts: BTreeMap::new() }
    }
}

impl Environments {
    /// All of them; [`super::check`] has seen that they go together.
    pub(crate) fn all(&self) -> wharf_oci::Environments {
        wharf_oci::Environments::new(self.names.clone()).expect("checked when the configuration was loaded")
    }
}
