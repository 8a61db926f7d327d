//! Where the server is.

use url::{Host, Url};

use super::error::Error;

/// Reads `https://registry.example.com`, or a bare host as image names begin with it: that is meant with TLS, unless it
/// is this machine.
pub(crate) fn parse(text: &str) -> Result<Url, Error> {
    let wrong = || Error::ServerAddress { text: text.to_owned() };
    let is_bare = !text.contains("://");
    let with = |scheme: &str| Url::parse(&format!("{scheme}://{text}")).map_err(|_| wrong());
    let url = match is_bare {
        false => Url::parse(text).map_err(|_| wrong())?,
        true if is_this_machine(&with("https")?) => with("http")?,
        true => with("https")?,
    };
    // A bare host has a port at most: `unix:/run/x` means something else.
    if is_bare && url.path() != "/" {
        return Err(wrong());
    }
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let is_right = matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && url.fragment().is_none();
    if is_right { Ok(url) } else { Err(wrong()) }
}

/// How image names begin that lie there.
pub(crate) fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// Whether others on the way can read what is sent there.
pub(crate) fn is_exposed(url: &Url) -> bool {
    url.scheme() == "http" && !is_this_machine(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_is_meant_with_tls_unless_it_is_this_machine() {
        let table = [
            ("registry.example.com", "https://registry.example.com/", "registry.example.com"),
            ("registry.example.com:8443", "https://registry.example.com:8443/", "registry.example.com:8443"),
            ("localhost:5000", "http://localhost:5000/", "localhost:5000"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/", "127.0.0.1:5000"),
            ("[::1]:5000", "http://[::1]:5000/", "[::1]:5000"),
            ("http://10.0.0.1", "http://10.0.0.1/", "10.0.0.1"),
            ("https://example.com/wharf", "https://example.com/wharf", "example.com"),
        ];
        for (text, url, name) in table {
            let parsed = parse(text).expect("a server");
            assert_eq!((parsed.as_str(), host(&parsed).as_str()), (url, name));
        }
        for bad in ["", "ftp://x", "https://", "https://me:secret@x", "https://x?y", "https://x#y", "unix:/run/x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_plain_http_to_another_machine_is_exposed() {
        let is_exposed = |text: &str| is_exposed(&parse(text).expect("a server"));
        assert!(is_exposed("http://10.0.0.1:5000"));
        assert!(!is_exposed("http://127.0.0.2:5000") && !is_exposed("https://10.0.0.1") && !is_exposed("localhost"));
    }
}
