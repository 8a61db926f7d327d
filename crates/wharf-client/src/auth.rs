//! Logging in: from a challenge to the header that answers it.
//!
//! A name and password go to the registry itself, or to the realm that it names; which realms may be trusted with them is
//! [`rule`]'s to say.

mod rule;

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use wharf_oci::Scope;

use crate::call::Line;
use crate::challenge::Challenge;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::token::{Given, Token};

/// How we are called at realms that ask.
const CLIENT_ID: &str = "wharf";

/// Who we are at one registry, what it asks for, and the tokens that it gave.
#[derive(Debug)]
pub(crate) struct Authenticator {
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    challenge: Option<Challenge>,
    tokens: HashMap<String, Token>,
}

/// Where a bearer token comes from.
struct Realm<'a> {
    url: Url,
    service: Option<&'a str>,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, state: Mutex::default() }
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether the registry has asked for anything.
    pub(crate) async fn is_asked(&self) -> bool {
        self.state.lock().await.challenge.is_some()
    }

    /// What the registry asks for, as far as it has said.
    pub(crate) async fn learn(&self, headers: &HeaderMap) {
        if let Some(challenge) = crate::challenge::read(headers) {
            self.state.lock().await.challenge = Some(challenge);
        }
    }

    /// The header for something that takes `scopes`. One token is fetched at a time, so that many requests at once fetch
    /// one.
    pub(crate) async fn header(&self, line: &Line, scopes: &[Scope]) -> Result<Option<HeaderValue>, Error> {
        let mut state = self.state.lock().await;
        match &state.challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.credentials.basic()),
            Some(Challenge::Bearer { .. }) => {
                let key = key(scopes);
                let now = Instant::now();
                if let Some(token) = state.tokens.get(&key).filter(|token| token.is_fresh(now)) {
                    return Ok(Some(token.header.clone()));
                }
                let given = self.fetch(line, state.challenge.as_ref(), scopes).await?;
                let header = given.token.header.clone();
                state.tokens.insert(key, given.token);
                Ok(Some(header))
            }
        }
    }

    /// Another header after `refused` was refused; `None` when there is none that differs.
    pub(crate) async fn renew(
        &self,
        line: &Line,
        scopes: &[Scope],
        refused: Option<&HeaderValue>,
        headers: &HeaderMap,
    ) -> Result<Option<HeaderValue>, Error> {
        let Some(challenge) = crate::challenge::read(headers) else { return Ok(None) };
        let mut wanted = scopes.to_vec();
        if let Challenge::Bearer { scope: Some(scope), .. } = &challenge {
            wanted.extend(Scope::parse_list(scope).unwrap_or_default());
        }
        let mut state = self.state.lock().await;
        let key = key(scopes);
        let present = state.tokens.get(&key).map(|token| token.header.clone());
        if present.is_some() && present.as_ref() != refused {
            return Ok(present);
        }
        let header = match challenge {
            Challenge::Basic => self.credentials.basic().filter(|header| Some(header) != refused),
            Challenge::Bearer { .. } => {
                let given = self.fetch(line, Some(&challenge), &wanted).await?;
                let header = given.token.header.clone();
                state.tokens.insert(key, given.token);
                Some(header)
            }
        };
        state.challenge = Some(challenge);
        Ok(header)
    }

    /// Logs in: gets a token without a scope where the registry works by tokens, and what later ones are got with.
    pub(crate) async fn log_in(&self, line: &Line) -> Result<Option<Given>, Error> {
        let state = self.state.lock().await;
        match &state.challenge {
            Some(challenge @ Challenge::Bearer { .. }) => self.fetch(line, Some(challenge), &[]).await.map(Some),
            Some(Challenge::Basic) | None => Ok(None),
        }
    }

    async fn fetch(&self, line: &Line, challenge: Option<&Challenge>, scopes: &[Scope]) -> Result<Given, Error> {
        let Some(Challenge::Bearer { realm, service, .. }) = challenge else {
            return Err(Error::answer("get a token", "the registry does not say where"));
        };
        let refused = || Error::Realm { host: line.host(), realm: realm.clone() };
        let url = line.base().join(realm).map_err(|_| refused())?;
        if !rule::may_log_in(line.base(), line.is_verified(), &url) {
            return Err(refused());
        }
        let request = Realm { url, service: service.as_deref() }.request(&self.credentials, scopes)?;
        let (status, body) = line.exchange("get a token", request).await?;
        if !status.is_success() {
            let refusal = crate::error::Refusal::read(status, &body);
            return Err(Error::LogIn { host: line.host(), refusal });
        }
        Given::read(&body, Instant::now()).ok_or_else(|| Error::answer("get a token", "there is none in the answer"))
    }
}

impl Realm<'_> {
    /// By GET with a name and password, by POST with an identity token (OAuth2).
    fn request(mut self, credentials: &Credentials, scopes: &[Scope]) -> Result<Request<Bytes>, Error> {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        if let Credentials::IdentityToken(token) = credentials {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", CLIENT_ID)])
                .extend_pairs(self.service.map(|service| ("service", service)))
                .append_pair("scope", &scopes.join(" "))
                .finish();
            let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            return request(Method::POST, &self.url, [(header::CONTENT_TYPE, content_type)], form);
        }
        let mut query = self.url.query_pairs_mut();
        query.extend_pairs(self.service.map(|service| ("service", service)));
        query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
        if let Credentials::Password { username, .. } = credentials {
            query.extend_pairs([("account", username.as_str()), ("client_id", CLIENT_ID), ("offline_token", "true")]);
        }
        drop(query);
        request(Method::GET, &self.url, credentials.basic().map(|basic| (header::AUTHORIZATION, basic)), String::new())
    }
}

fn request(
    method: Method,
    url: &Url,
    headers: impl IntoIterator<Item = (header::HeaderName, HeaderValue)>,
    body: String,
) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = crate::call::uri("get a token", url)?;
    request.headers_mut().extend(headers);
    Ok(request)
}

/// One name for a set of scopes, in whatever order.
fn key(scopes: &[Scope]) -> String {
    let mut texts: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    texts.sort();
    texts.join(" ")
}
