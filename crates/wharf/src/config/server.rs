//! `[server]`: where Wharf listens, under which address clients reach it, and where its data lies.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::address::{self, ListenAddress};
use super::duration::Span;

/// Keys of `[server]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Addresses to listen on. Sockets that systemd hands over are used instead.
    #[serde(deserialize_with = "address::list")]
    pub(crate) listen: Vec<ListenAddress>,
    /// How clients reach this server, where that is not the address it listens on: `https://registry.example.com`.
    pub(crate) public_url: Option<Url>,
    /// Folder of everything that Wharf keeps on this machine.
    pub(crate) data: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "address::list")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How long a shutdown waits for transfers.
    pub(crate) shutdown_timeout: Span,
    /// How long a shutdown goes on accepting, not ready, so that load balancers can notice.
    pub(crate) shutdown_delay: Span,
}

impl Server {
    /// The data folder; [`super::merge`] has seen that it is set.
    pub(crate) fn data(&self) -> &Path {
        self.data.as_deref().expect("set when the configuration was loaded")
    }

    /// Whether clients reach this server under a name or address that is not this machine's own loopback.
    pub(crate) fn is_public(&self) -> bool {
        self.public_url.as_ref().and_then(Url::host).is_some_and(|host| match host {
            Host::Domain(name) => name != "localhost",
            Host::Ipv4(address) => !address.is_loopback(),
            Host::Ipv6(address) => !address.is_loopback(),
        })
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![ListenAddress::Tcp { host: "127.0.0.1".to_owned(), port: 5000 }],
            public_url: None,
            data: None,
            trusted_proxies: Vec::new(),
            shutdown_timeout: Span::seconds(30),
            shutdown_delay: Span::seconds(0),
        }
    }
}
