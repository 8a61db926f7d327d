//! `[webhooks]`: how what happens is told outside.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use super::address;
use super::duration::Span;

/// Keys of `[webhooks]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Webhooks {
    /// Networks that deliveries may go to although they are closed by themselves: loopback, link-local, this machine's
    /// own addresses, metadata services.
    #[serde(deserialize_with = "address::list")]
    pub(crate) allow_networks: Vec<IpNet>,
    /// Networks that deliveries may not go to although they are open by themselves.
    #[serde(deserialize_with = "address::list")]
    pub(crate) deny_networks: Vec<IpNet>,
    /// Proxy that deliveries go through; it looks names up, and judges them, instead of this server.
    pub(crate) proxy: Option<Url>,
    /// PEM files of certificate authorities that are believed besides those of the system.
    pub(crate) authorities: Vec<PathBuf>,
    /// How long one attempt may take.
    pub(crate) timeout: Span,
    /// How long deliveries can be looked at and replayed.
    pub(crate) keep: Span,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            deny_networks: Vec::new(),
            proxy: None,
            authorities: Vec::new(),
            timeout: Span::seconds(15),
            keep: Span::seconds(30 * 86_400),
        }
    }
}
