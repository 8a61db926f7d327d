//! From a request's headers to its caller and grants.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, header, uri::Authority, uri::Scheme};
use data_encoding::BASE64;
use wharf_context::{Context, Permission, Permissions, RequestId};
use wharf_identity::{Credentials, Secret, Wanted};
use wharf_oci::RepositoryName;
use wharf_oci::code::ErrorCode;

use crate::api::{Api, Settings};
use crate::error::{OciError, Origin};
use crate::headers;
use crate::names::Names;
use crate::parameters::Parameters;
use crate::route::{Endpoint, Operation, Target};

/// Who knocks, before we know whether it is true.
pub(crate) struct Knock {
    credentials: Credentials,
    remote: Option<IpAddr>,
    request_id: RequestId,
}

impl Knock {
    pub(crate) fn read(request: &Request<Body>, request_id: RequestId) -> Result<Self, OciError> {
        Ok(Self { credentials: credentials(request.headers())?, remote: remote(request), request_id })
    }
}

/// The context of a request: who asks, with the grants that its endpoint may need.
pub(crate) async fn context(
    api: &Api,
    endpoint: &Endpoint,
    wanted: &[Wanted],
    knock: Knock,
) -> Result<Context, OciError> {
    let anonymous = matches!(knock.credentials, Credentials::Anonymous);
    let ctx = api.identity.context(&knock.credentials, knock.request_id, knock.remote, wanted).await?;
    // `docker login` asks here whether its password is right, and learns here where to get a token.
    if endpoint.operation == Operation::Ping && anonymous && !api.identity.settings().is_open {
        return Err(OciError::unauthorized("log in, or ask for a token", Vec::new()));
    }
    Ok(ctx)
}

/// What a request may need: its endpoint's permissions on its repository, and Pull on the source of a mount.
pub(crate) fn wanted(
    endpoint: &Endpoint,
    target: &Target,
    parameters: &Parameters,
    names: Names<'_>,
) -> Result<Vec<Wanted>, OciError> {
    let Some(repository) = target.repository() else { return Ok(Vec::new()) };
    let mut wanted = vec![Wanted { repository: repository.clone(), permissions: endpoint.permissions() }];
    if endpoint.operation == Operation::OpenUpload
        && let Some(source) = mount_source(parameters, names)?
        && source != *repository
    {
        wanted.push(Wanted { repository: source, permissions: Permissions::of(&[Permission::Pull]) });
    }
    Ok(wanted)
}

/// The scopes of a token that is good for the request: its endpoint's own, then the source of a mount.
pub(crate) fn scopes(endpoint: &Endpoint, wanted: &[Wanted], names: Names<'_>) -> Vec<String> {
    let own = endpoint.wanted.iter().map(|permission| permission.name()).collect::<Vec<_>>().join(",");
    let actions = std::iter::once(own.as_str()).chain(std::iter::repeat(Permission::Pull.name()));
    let repositories = wanted.iter().map(|wanted| names.outward(&wanted.repository));
    repositories.zip(actions).map(|(name, actions)| format!("repository:{name}:{actions}")).collect()
}

/// `from` of a mount.
pub(crate) fn mount_source(parameters: &Parameters, names: Names<'_>) -> Result<Option<RepositoryName>, OciError> {
    let (Some(_), Some(from)) = (parameters.get("mount")?, parameters.get("from")?) else { return Ok(None) };
    let from = from.parse().map_err(|error| OciError::new(ErrorCode::NameInvalid, format!("`from`: {error}")))?;
    names.inward(&from).map(Some)
}

/// The caller's address, where the listener knows it.
pub(crate) fn remote(request: &Request<Body>) -> Option<IpAddr> {
    request.extensions().get::<SocketAddr>().map(SocketAddr::ip)
}

/// Reads `Authorization`. Two of them, or a malformed one, are refused rather than guessed at.
pub(crate) fn credentials(headers: &HeaderMap) -> Result<Credentials, OciError> {
    let Some(text) = headers::single(headers, &header::AUTHORIZATION)? else { return Ok(Credentials::Anonymous) };
    let malformed =
        || OciError::unauthorized("the Authorization header is neither `Basic …` nor `Bearer …`", Vec::new());
    let (scheme, value) = text.split_once(' ').ok_or_else(malformed)?;
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

/// Where a request came in, kept until an answer has to name it.
pub(crate) struct Door {
    scheme: Scheme,
    host: Option<HeaderValue>,
    authority: Option<Authority>,
}

impl Door {
    pub(crate) fn of(request: &Request<Body>) -> Self {
        Self {
            scheme: request.extensions().get().cloned().unwrap_or(Scheme::HTTP),
            host: request.headers().get(header::HOST).cloned(),
            authority: request.uri().authority().cloned(),
        }
    }

    /// The host that the client asked.
    pub(crate) fn host(&self) -> Option<&str> {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        host.or_else(|| self.authority.as_ref().map(Authority::as_str))
    }

    /// The server as the client of this request knows it. A host that stands for an environment stays that host.
    pub(crate) fn origin(&self, settings: &Settings) -> Origin {
        let is_environments = self.host().is_some_and(|host| settings.naming.environment(host).is_some());
        let url = match &settings.public_url {
            Some(url) if is_environments => self.url(url.scheme()),
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => self.url(self.scheme.as_str()),
        };
        Origin { url, service: settings.service.clone() }
    }

    fn url(&self, scheme: &str) -> String {
        // Goes into a quoted string of our answer, so only what a host may hold.
        let host = self.host().filter(|host| host.parse::<Authority>().is_ok() && !host.contains('"'));
        format!("{scheme}://{}", host.unwrap_or("localhost"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Credentials, OciError> {
        credentials(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).expect("text"))]))
    }

    #[test]
    fn credentials_are_basic_or_bearer() {
        assert!(matches!(credentials(&HeaderMap::new()), Ok(Credentials::Anonymous)));
        assert!(matches!(read("Bearer abc"), Ok(Credentials::Bearer(_))));
        assert!(matches!(read("basic dTpwOnE="), Ok(Credentials::Basic { username, .. }) if username == "u"));
        for bad in ["Basic", "Basic !", "Basic dQ==", "Digest x", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
