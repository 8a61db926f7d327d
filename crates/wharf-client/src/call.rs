//! Requests to one registry: with the right header, tried again, followed where they are sent on.
//!
//! What is asked is not known here: see the nouns beside it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use tokio::time::timeout;
use url::Url;
use wharf_http::{Body, Trust};
use wharf_oci::Scope;

use crate::error::{Error, Refusal};
use crate::settings::Settings;

/// The largest answer that says why something is refused, or holds a token.
const MAX_REFUSAL_BYTES: usize = 1024 * 1024;
/// How often a request is sent on to another server.
const MOST_REDIRECTS: usize = 5;

/// The way to one registry that has been found to answer.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    http: wharf_http::Client,
    base: Url,
    settings: Settings,
}

/// One request, as often as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What it does, behind "cannot".
    pub(crate) what: String,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What the token must allow.
    pub(crate) scopes: Vec<Scope>,
}

impl Line {
    pub(crate) fn new(http: wharf_http::Client, base: Url, settings: Settings) -> Self {
        Self { http, base, settings }
    }

    /// The registry's address, with a path that ends with `/`.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) fn host(&self) -> String {
        host(&self.base)
    }

    /// Whether an authority vouches for the registry.
    pub(crate) fn is_verified(&self) -> bool {
        self.base.scheme() == "https" && self.settings.http.trust == Trust::Verified
    }

    /// Whether the registry itself answers there: only it gets to see a log-in.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Where an answer's `Location` leads. A registry behind a proxy may not know by which scheme it is reached.
    pub(crate) fn locate(&self, location: &str) -> Option<Url> {
        let mut url = self.base.join(location).ok()?;
        let is_step_down = url.scheme() == "http" && self.base.scheme() == "https";
        if is_step_down && url.host() == self.base.host() {
            url.set_scheme("https").ok()?;
            url.set_port(self.base.port()).ok()?;
        }
        let is_safe = url.scheme() == "https" || url.scheme() == self.base.scheme();
        is_safe.then_some(url)
    }

    /// Sends one request. Nobody waits longer than the settings' patience for the answer's head.
    pub(crate) async fn send(&self, what: &str, request: Request<Body>) -> Result<Response<Body>, Error> {
        let patience = self.settings.patience;
        let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let sent = timeout(patience, wharf_http::send(&self.http, request)).await;
        let sent = sent.unwrap_or(Err(wharf_http::Error::Silent { host, patience }));
        sent.map_err(|source| Error::Reach { what: what.to_owned(), source })
    }

    /// Sends one request whose body streams; the caller watches over it.
    pub(crate) async fn stream(&self, what: &str, request: Request<Body>) -> Result<Response<Body>, Error> {
        let sent = wharf_http::send(&self.http, request).await;
        sent.map_err(|source| Error::Reach { what: what.to_owned(), source })
    }

    /// The whole body of an answer.
    pub(crate) async fn collect(&self, what: &str, body: Body, max_bytes: usize) -> Result<Bytes, Error> {
        let (host, patience) = (self.host(), self.settings.patience);
        let collected = timeout(patience, wharf_http::collect(&host, body, max_bytes)).await;
        let collected = collected.unwrap_or(Err(wharf_http::Error::Silent { host, patience }));
        collected.map(Bytes::from).map_err(|source| Error::Reach { what: what.to_owned(), source })
    }

    /// Status and body of a small answer, tried again where that may help.
    pub(crate) async fn exchange(&self, what: &str, request: Request<Bytes>) -> Result<(StatusCode, Bytes), Error> {
        let mut waits = self.settings.retry.waits();
        loop {
            let outcome = self.exchange_once(what, request.clone()).await;
            match outcome {
                Err(error) if error.is_transient() && waits.wait(error.retry_after()).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn exchange_once(&self, what: &str, request: Request<Bytes>) -> Result<(StatusCode, Bytes), Error> {
        let (head, body) = self.send(what, request.map(Body::from)).await?.into_parts();
        let body = self.collect(what, body, MAX_REFUSAL_BYTES).await?;
        let mut refusal = Refusal::read(head.status, &body);
        refusal.retry_after = wharf_http::retry::retry_after(&head.headers);
        let refused = Error::Refused { what: what.to_owned(), refusal };
        if refused.is_transient() { Err(refused) } else { Ok((head.status, body)) }
    }

    /// Turns every answer but those of success into an error.
    pub(crate) async fn judge(&self, what: &str, answer: Response<Body>) -> Result<Response<Body>, Error> {
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        // A refusal that cannot be read is one all the same.
        let body = self.collect(what, body, MAX_REFUSAL_BYTES).await.unwrap_or_default();
        let mut refusal = Refusal::read(head.status, &body);
        refusal.retry_after = wharf_http::retry::retry_after(&head.headers);
        Err(Error::Refused { what: what.to_owned(), refusal })
    }

    /// Goes where an answer sends us on to, without the log-in: it is for the registry alone.
    pub(crate) async fn follow(&self, call: &Call, mut answer: Response<Body>) -> Result<Response<Body>, Error> {
        let mut at = call.url.clone();
        for _ in 0..MOST_REDIRECTS {
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            if call.method != Method::GET && call.method != Method::HEAD {
                return Err(Error::answer(&call.what, "the registry sends the request on to another server"));
            }
            let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| at.join(location).ok());
            let is_safe =
                |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http");
            at = next.filter(is_safe).ok_or_else(|| {
                Error::answer(&call.what, "the registry sends us on to where nothing can be fetched safely")
            })?;
            answer = self.send(&call.what, call.request(&at, None)?).await?;
        }
        Err(Error::answer(&call.what, "the registry sends us on from one server to the next"))
    }
}

impl Call {
    /// A call without headers and body.
    pub(crate) fn new(what: impl Into<String>, method: Method, url: Url, scopes: Vec<Scope>) -> Self {
        Self { what: what.into(), method, url, headers: HeaderMap::new(), body: Bytes::new(), scopes }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        let value = value.parse().expect("media types, ranges and lengths are made of printable ASCII");
        self.headers.insert(name, value);
        self
    }

    /// The request at `url`.
    pub(crate) fn request(&self, url: &Url, authorization: Option<HeaderValue>) -> Result<Request<Body>, Error> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri(&self.what, url)?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        Ok(request)
    }
}

/// What a registry gave as a URL may be no URI: it may be too long.
pub(crate) fn uri(what: &str, url: &Url) -> Result<Uri, Error> {
    url.as_str().parse().map_err(|_| Error::answer(what, "the registry gave a URL that cannot be used"))
}

/// Host and port as image names write them.
fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_stays_safe() {
        // Every test may be the first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let line = |base: &str| {
            let http = wharf_http::client(&wharf_http::Settings::default()).expect("a client");
            Line::new(http, base.parse().expect("a URL"), Settings::default())
        };
        for (base, location, url) in [
            ("https://r.example/", "/v2/a/blobs/uploads/1?x=y", Some("https://r.example/v2/a/blobs/uploads/1?x=y")),
            ("https://r.example:8443/", "http://r.example/v2/x", Some("https://r.example:8443/v2/x")),
            ("https://r.example/", "https://storage.example/x", Some("https://storage.example/x")),
            ("https://r.example/", "http://storage.example/x", None),
            ("http://r.example/", "http://storage.example/x", Some("http://storage.example/x")),
            ("http://r.example/", "file:///x", None),
            ("https://r.example/", "https://", None),
        ] {
            let located = line(base).locate(location);
            assert_eq!(located.as_ref().map(Url::as_str), url, "{base} {location}");
        }
        assert!(line("https://r.example/").is_own(&"https://r.example:443/x".parse().expect("a URL")));
        assert!(!line("https://r.example/").is_own(&"http://r.example/x".parse().expect("a URL")));
        assert!(!line("https://r.example/").is_own(&"https://r.example:444/x".parse().expect("a URL")));
    }
}
