//! Redirects: who is sent to the storage for a blob's bytes. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

/// Which clients are sent to the storage, and for which blobs.
#[derive(Debug, Clone, Default)]
pub struct Redirect {
    /// Clients from these networks; without any, all.
    pub networks: Vec<IpNet>,
    /// For blobs of so many bytes and more.
    pub min_bytes: u64,
}

impl Redirect {
    /// Whether a client at `remote` is sent away for a blob of `size_bytes`.
    pub(crate) fn takes(&self, remote: Option<IpAddr>, size_bytes: u64) -> bool {
        let is_near = |remote: IpAddr| self.networks.iter().any(|network| network.contains(&remote.to_canonical()));
        let is_meant = self.networks.is_empty() || remote.is_some_and(is_near);
        is_meant && size_bytes >= self.min_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_sent_away_by_network_and_size() {
        let near = Redirect { networks: vec!["10.0.0.0/8".parse().expect("a network")], min_bytes: 100 };
        let address = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        for (redirect, remote, size_bytes, expected) in [
            (&Redirect::default(), None, 0, true),
            (&near, address("10.1.2.3"), 100, true),
            (&near, address("::ffff:10.1.2.3"), 100, true),
            (&near, address("10.1.2.3"), 99, false),
            (&near, address("192.0.2.1"), 100, false),
            (&near, None, 100, false),
        ] {
            assert_eq!(redirect.takes(remote, size_bytes), expected, "{remote:?} {size_bytes}");
        }
    }
}
