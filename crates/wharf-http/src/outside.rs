//! Going out to addresses that strangers chose: webhooks, and whatever else somebody may aim at us.
//!
//! Where a request goes is decided when it connects: the name is looked up here, every address that it has is judged
//! ([`Networks`]), and only those addresses are connected to, so that a name that means something else a moment later
//! gains nothing. Redirects are not followed. Through a proxy, names are the proxy's to look up and to judge; an address
//! that stands in the URL itself is judged all the same.

pub mod networks;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Body, Client};
use url::{Host, Url};

pub use self::networks::{Forbidden, Networks};
use crate::client;
use crate::error::Error;
use crate::settings::{Proxies, Settings};

/// How long a connection is kept for the next request to the same server.
const KEEP_IDLE: Duration = Duration::from_secs(30);

/// The addresses that a name has at this moment.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows which addresses a name has.
pub trait Names: fmt::Debug + Send + Sync {
    /// Looks a name up.
    fn lookup(&self, name: &str) -> Looking;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn lookup(&self, name: &str) -> Looking {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// A client for addresses that strangers chose. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outside {
    client: Client,
    networks: Arc<Networks>,
    by_proxy: bool,
}

impl Outside {
    /// A client that goes only where `networks` lets it.
    pub fn new(settings: &Settings, networks: Networks, names: Arc<dyn Names>) -> Result<Self, Error> {
        let networks = Arc::new(networks);
        let by_proxy = settings.proxies != Proxies::default();
        let mut builder = client::builder(settings)?;
        builder =
            builder.redirect(Policy::none()).referer(false).pool_idle_timeout(KEEP_IDLE).pool_max_idle_per_host(2);
        if !by_proxy {
            builder = builder.dns_resolver(Arc::new(Filtered { names, networks: Arc::clone(&networks) }));
        }
        Ok(Self { client: builder.build().map_err(Error::Build)?, networks, by_proxy })
    }

    /// Whether an address that stands in the URL itself may be gone to. What a name means is found out when connecting.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        self.judge(url, address)
    }

    /// Sends a request to an absolute URI and reads the first bytes of the answer, at most `max_bytes`, whatever its
    /// status.
    pub async fn exchange(&self, request: Request<Vec<u8>>, max_bytes: usize) -> Result<Response<Vec<u8>>, Error> {
        let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let reach = |source: reqwest::Error| forbidden(&host, &source).unwrap_or_else(|| reach(&host, source));
        let request = reqwest::Request::try_from(request.map(Body::from)).map_err(reach)?;
        let url = request.url().clone();
        self.check(&url)?;
        let mut answer = self.client.execute(request).await.map_err(reach)?;
        // The connection's other end, once more: nothing of what it says is shown if it is not where it may be.
        if let Some(remote) = answer.remote_addr().filter(|_| !self.by_proxy) {
            self.judge(&url, remote.ip())?;
        }
        let mut first = Vec::new();
        while first.len() < max_bytes
            && let Some(piece) = answer.chunk().await.map_err(reach)?
        {
            first.extend_from_slice(&piece[..piece.len().min(max_bytes - first.len())]);
        }
        let (head, ()) = Response::<Body>::from(answer).map(drop).into_parts();
        Ok(Response::from_parts(head, first))
    }

    fn judge(&self, url: &Url, address: IpAddr) -> Result<(), Error> {
        let host = url.host_str().unwrap_or_default();
        self.networks.judge(address).map_err(|why| Error::Forbidden { host: host.to_owned(), address, why })
    }
}

fn reach(host: &str, source: reqwest::Error) -> Error {
    Error::Reach { host: host.to_owned(), source: source.without_url() }
}

/// The resolver's refusal, where that is at the bottom of an error.
fn forbidden(host: &str, error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let refused = causes.filter_map(|cause| cause.downcast_ref::<Refused>()).next()?;
    Some(Error::Forbidden { host: host.to_owned(), address: refused.address, why: refused.why })
}

/// A name has an address that nobody may be sent to.
#[derive(Debug, thiserror::Error)]
#[error("{address} is {why}")]
struct Refused {
    address: IpAddr,
    why: Forbidden,
}

/// Looks names up and gives only addresses that may be connected to: all of a name's, or none. A name that means one
/// good and one bad address is a trap.
#[derive(Debug)]
struct Filtered {
    names: Arc<dyn Names>,
    networks: Arc<Networks>,
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, networks) = (self.names.lookup(name.as_str()), Arc::clone(&self.networks));
        Box::pin(async move {
            let addresses = looking.await?;
            for address in &addresses {
                networks.judge(*address).map_err(|why| Refused { address: *address, why })?;
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
