//! From a request's headers to its caller.

use std::net::SocketAddr;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, StatusCode, header};
use data_encoding::BASE64;
use wharf_context::{Context, RequestId};
use wharf_identity::{Credentials, Error, Secret};

use crate::api::Api;
use crate::problem::Problem;
use crate::refusal::Asker;

/// The caller of a request, who may be nobody.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Context);

/// The caller of a request, who has logged in.
#[derive(Debug)]
pub(crate) struct LoggedIn(pub(crate) Context);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let request_id = parts.extensions.get().copied().unwrap_or_else(RequestId::generate);
        let remote = parts.extensions.get::<SocketAddr>().map(SocketAddr::ip);
        let credentials = credentials(&parts.headers)?;
        let ctx = api.identity.context(&credentials, request_id, remote, &[]).await?;
        if let Some(asker) = parts.extensions.get::<Asker>() {
            asker.know(&ctx);
        }
        Ok(Self(ctx))
    }
}

impl FromRequestParts<Api> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Caller(ctx) = Caller::from_request_parts(parts, api).await?;
        if ctx.caller.is_anonymous() { Err(Error::LoginRequired.into()) } else { Ok(Self(ctx)) }
    }
}

/// Reads `Authorization`. Two of them, or a malformed one, are refused rather than guessed at.
fn credentials(headers: &HeaderMap) -> Result<Credentials, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(Credentials::Anonymous) };
    let malformed = || Problem::unauthenticated("the Authorization header is neither `Basic …` nor `Bearer …`");
    if values.next().is_some() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the Authorization header stands twice"));
    }
    let (scheme, value) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Credentials::Bearer(Secret::new(value.trim())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = BASE64.decode(value.trim().as_bytes()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (username, password) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Credentials::Basic { username: username.to_owned(), password: Secret::new(password) })
}

/// The server as the client of a request knows it: where tokens are, and for which service.
#[derive(Debug)]
pub(crate) struct Origin {
    url: String,
    service: String,
}

impl Origin {
    pub(crate) fn of(api: &Api, request: &Request) -> Self {
        let service = api.identity.settings().service.clone();
        if let Some(url) = &api.settings.public_url {
            return Self { url: url.as_str().trim_end_matches('/').to_owned(), service };
        }
        let scheme = request.extensions().get::<Scheme>().map_or("http", Scheme::as_str);
        Self { url: format!("{scheme}://{}", host(request).unwrap_or("localhost")), service }
    }

    /// `WWW-Authenticate`. It names no Basic log-in, though that is accepted: a browser that asks its user for a
    /// password sends it with the requests of other sites, too.
    pub(crate) fn challenge(&self, error: Option<&str>) -> String {
        let Self { url, service } = self;
        let error = error.map(|error| format!(r#",error="{error}""#)).unwrap_or_default();
        format!(r#"Bearer realm="{url}/token",service="{service}",scope="registry:management:*"{error}"#)
    }
}

/// The host that the client named, where it is one.
pub(crate) fn host(request: &Request) -> Option<&str> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str))?;
    // Goes into a quoted string of our answer, so only what a host may hold.
    (host.parse::<Authority>().is_ok() && !host.contains('"')).then_some(host)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Credentials, Problem> {
        let value = |text: &&str| (header::AUTHORIZATION, HeaderValue::from_str(text).expect("text"));
        let mut headers = HeaderMap::new();
        values.iter().map(value).for_each(|(name, value)| {
            headers.append(name, value);
        });
        credentials(&headers)
    }

    #[test]
    fn credentials_are_basic_or_bearer_and_stand_once() {
        assert!(matches!(read(&[]), Ok(Credentials::Anonymous)));
        assert!(matches!(read(&["bearer abc"]), Ok(Credentials::Bearer(_))));
        assert!(matches!(read(&["Basic dTpwOnE="]), Ok(Credentials::Basic { username, .. }) if username == "u"));
        for bad in [&["Basic"][..], &["Basic !"], &["Basic dQ=="], &["Digest x"], &[""], &["Bearer a", "Bearer a"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
