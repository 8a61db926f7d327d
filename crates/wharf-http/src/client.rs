//! The one client builder.

use std::path::Path;

use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use url::Url;

use crate::error::Error;
use crate::settings::{Proxies, Settings, Trust};

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 5;

/// A client. It is cheap to clone, and its clones share their connections.
pub fn client(settings: &Settings) -> Result<Client, Error> {
    builder(settings)?.build().map_err(Error::Build)
}

/// What every client has in common.
pub(crate) fn builder(settings: &Settings) -> Result<ClientBuilder, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .redirect(Policy::custom(follow))
        .tls_danger_accept_invalid_certs(settings.trust == Trust::Anyone)
        // Only what the settings name counts, not what this process's environment says.
        .no_proxy();
    for proxy in proxies(&settings.proxies)? {
        builder = builder.proxy(proxy);
    }
    if let Some(timeout) = settings.total_timeout {
        builder = builder.timeout(timeout);
    }
    for path in &settings.authorities {
        builder = builder.tls_certs_merge(read(path)?);
    }
    Ok(builder)
}

fn proxies(proxies: &Proxies) -> Result<Vec<Proxy>, Error> {
    let except = proxies.except.as_deref().and_then(NoProxy::from_string);
    let given = [
        proxies.http.as_deref().map(|url| (url, Proxy::http(url))),
        proxies.https.as_deref().map(|url| (url, Proxy::https(url))),
    ];
    let made = given.into_iter().flatten().map(|(url, made)| match made {
        Ok(proxy) => Ok(proxy.no_proxy(except.clone())),
        Err(source) => Err(Error::Proxy { host: host_of(url), source: source.without_url() }),
    });
    made.collect()
}

/// What may be told of a proxy's URL: it may hold a password.
fn host_of(url: &str) -> String {
    let url = url.parse::<Url>().ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "?".to_owned())
}

fn read(path: &Path) -> Result<Vec<Certificate>, Error> {
    let pem = std::fs::read(path).map_err(|source| Error::ReadAuthorities { path: path.to_owned(), source })?;
    let refused = |source| Error::ParseAuthorities { path: path.to_owned(), source };
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|source| refused(Some(source)))?;
    if certificates.is_empty() { Err(refused(None)) } else { Ok(certificates) }
}

/// Follows redirects within one server. A redirect to another one is the caller's to judge: it is given as the answer.
fn follow(attempt: Attempt<'_>) -> Action {
    match attempt.previous().first() {
        Some(first) if is_same_server(first, attempt.url()) => {
            if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        }
        Some(_) | None => attempt.stop(),
    }
}

/// Whether both URLs are answered by one server. The step from `http` to `https` on the same host is none to a stranger.
fn is_same_server(from: &Url, to: &Url) -> bool {
    let is_upgrade = from.scheme() == "http" && to.scheme() == "https" && from.port().is_none() && to.port().is_none();
    let is_same_port = from.port_or_known_default() == to.port_or_known_default() && from.scheme() == to.scheme();
    from.host() == to.host() && (is_same_port || is_upgrade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_followed_within_one_server_only() {
        for (from, to, same) in [
            ("https://a.example/x", "https://a.example/y", true),
            ("https://a.example/x", "https://a.example:443/y", true),
            ("http://a.example/x", "https://a.example/x", true),
            ("https://a.example/x", "http://a.example/x", false),
            ("https://a.example/x", "https://b.example/x", false),
            ("https://a.example/x", "https://a.example:8443/x", false),
            ("http://a.example:5000/x", "https://a.example/x", false),
            ("https://a.example/x", "https://169.254.169.254/", false),
        ] {
            let parse = |text: &str| text.parse::<Url>().expect("a URL");
            assert_eq!(is_same_server(&parse(from), &parse(to)), same, "{from} {to}");
        }
    }
}
