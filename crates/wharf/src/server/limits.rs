//! The limits of `[limits]` in the form that the server uses, and the rate of requests.

use std::net::IpAddr;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use ipnet::IpNet;
use std::num::NonZeroU32;

use super::connections::Neighbour;
use super::sweep::Patience;
use crate::config::limits::Limits;

/// Descriptors that are kept for everything that is not a connection: files, the database, listeners.
const OTHER_DESCRIPTORS: u64 = 256;

/// Descriptors that a connection may need: itself, and the file that it sends or receives.
const PER_CONNECTION: u64 = 2;

/// How long things may take.
pub(crate) fn patience(limits: &Limits) -> Patience {
    Patience {
        headers: limits.header_timeout.0,
        idle: limits.idle_timeout.0,
        body_window: limits.body_window.0,
        body_bytes_per_second: limits.body_rate.0,
    }
}

/// How many connections there may be: what was configured, or fewer where the process may not open as many files. The
/// soft limit is raised to the hard one first.
pub(crate) fn connections(configured: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, current } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let descriptors = if raised.is_ok() { maximum } else { current }.unwrap_or(u64::MAX);
    let possible = descriptors.saturating_sub(OTHER_DESCRIPTORS) / PER_CONNECTION;
    let possible = usize::try_from(possible).unwrap_or(usize::MAX).max(1);
    if possible < configured {
        tracing::info!(configured, possible, "the limit of open files allows fewer connections (see `ulimit -n`)");
    }
    configured.min(possible)
}

/// How many requests a second each client may send.
#[derive(Debug)]
pub(crate) struct RequestRate {
    limiter: DefaultKeyedRateLimiter<Neighbour>,
    clock: DefaultClock,
}

impl RequestRate {
    /// The rate of `limits`, if they set one.
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        let per_second = NonZeroU32::new(limits.requests_per_second)?;
        let burst = NonZeroU32::new(limits.request_burst).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Some(Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() })
    }

    /// Counts a request of `client`; too many give the whole seconds after which the next one may come.
    pub(crate) fn count(&self, client: IpAddr) -> Result<(), u64> {
        self.limiter.check_key(&client.into()).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }

    /// Forgets clients that have not come for a while.
    pub(crate) fn forget_quiet_clients(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// Whose request it is: the peer, or, where the peer is a trusted proxy, the last address in `X-Forwarded-For` that is
/// not one. Addresses before that one are the client's own claim.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    let forwarded = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    let mut client = peer;
    for address in forwarded {
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// Whether a trusted proxy says that the client came by HTTPS.
pub(crate) fn is_forwarded_https(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    is_trusted(peer.to_canonical(), trusted)
        && headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Whether `address` is one of the proxies that are believed.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        for (peer, forwarded, client) in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.7", "10.0.0.7"),
            ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ] {
            let headers = HeaderMap::from_iter([(
                "x-forwarded-for".parse().expect("a name"),
                forwarded.parse().expect("a value"),
            )]);
            let found = client_address(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found.to_string(), client, "{peer} {forwarded}");
        }
    }

    #[test]
    fn requests_beyond_the_burst_must_wait() {
        let limits = Limits { requests_per_second: 1, request_burst: 3, ..Limits::default() };
        let rate = RequestRate::new(&limits).expect("a rate is set");
        let client = "192.0.2.1".parse().expect("an address");
        assert!((0..3).all(|_| rate.count(client).is_ok()));
        assert_eq!(rate.count(client), Err(1));
        assert!(rate.count("192.0.2.2".parse().expect("an address")).is_ok(), "others are not held up");
    }
}
