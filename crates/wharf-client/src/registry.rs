//! One registry: how it is reached, who we are there, and what it holds.
//!
//! What is in a repository is not known here: see [`crate::repository`].

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;
use wharf_http::{Body, Trust};
use wharf_oci::image_name::DOCKER_HUB;
use wharf_oci::{RegistryHost, RepositoryName, Scope};
use zeroize::Zeroizing;

use crate::auth::Authenticator;
use crate::call::{Call, Line};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::page::{self, Page};
use crate::repository::Repository;
use crate::settings::{Security, Settings};

/// Where Docker Hub's images are.
const DOCKER_HUB_ADDRESS: &str = "registry-1.docker.io";

/// One registry. It is cheap to clone, and its clones share connections and tokens.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: RegistryHost,
    settings: Settings,
    http: wharf_http::Client,
    authenticator: Authenticator,
    line: OnceCell<Line>,
}

/// What came of logging in.
#[derive(Debug)]
pub enum LoggedIn {
    /// The registry lets everybody in as far as it was asked: whether the log-in is good is not known.
    NotAsked,
    /// The registry took the log-in.
    Accepted {
        /// What it gave to log in with from now on; better stored than the password.
        identity_token: Option<Zeroizing<String>>,
    },
}

#[derive(Deserialize)]
struct Catalog {
    repositories: Option<Vec<String>>,
}

impl Registry {
    /// A registry that is spoken to as soon as something is asked.
    pub fn new(host: RegistryHost, mut settings: Settings, credentials: Credentials) -> Result<Self, Error> {
        if settings.security == Security::Insecure || host.is_loopback() {
            settings.http.trust = Trust::Anyone;
        }
        let http = wharf_http::client(&settings.http).map_err(Error::Client)?;
        let authenticator = Authenticator::new(credentials);
        Ok(Self(Arc::new(Inner { host, settings, http, authenticator, line: OnceCell::new() })))
    }

    /// Its host as image names write it.
    pub fn host(&self) -> &RegistryHost {
        &self.0.host
    }

    /// One of its repositories, which need not exist.
    pub fn repository(&self, name: RepositoryName) -> Repository {
        Repository::new(self.clone(), name)
    }

    /// The names of all repositories, as the registry tells them page by page. Some registries tell nobody.
    pub fn repositories(&self) -> BoxStream<'static, Result<RepositoryName, Error>> {
        let this = self.clone();
        let pages = page::pages(move |next| {
            let this = this.clone();
            async move { this.catalog(next).await }
        });
        pages.map_ok(|names| stream::iter(names.into_iter().map(Ok))).try_flatten().boxed()
    }

    async fn catalog(&self, next: Option<Url>) -> Result<Page<RepositoryName>, Error> {
        let host = self.host();
        let what = format!("list the repositories of `{host}`");
        let scope = Scope {
            kind: "registry".to_owned(),
            class: None,
            name: "catalog".to_owned(),
            actions: vec!["*".to_owned()],
        };
        let url = match next {
            Some(next) => next,
            None => self.url("_catalog?n=1000").await?,
        };
        let call = Call::new(what, Method::GET, url, vec![scope]);
        let (catalog, next) = page::read::<Catalog>(self, &call).await?;
        // Names that nobody can ask for are none.
        let names = catalog.repositories.unwrap_or_default();
        Ok(Page { items: names.iter().filter_map(|name| name.parse().ok()).collect(), next })
    }

    /// Asks the registry whether it takes the log-in.
    pub async fn log_in(&self) -> Result<LoggedIn, Error> {
        let line = self.line().await?;
        let given = self.0.authenticator.log_in(line).await?;
        let url = self.url("").await?;
        let what = format!("log in to `{}`", self.host());
        self.call(&Call::new(what, Method::GET, url, Vec::new())).await?;
        if !self.0.authenticator.is_asked().await {
            return Ok(LoggedIn::NotAsked);
        }
        let is_by_password = matches!(self.0.authenticator.credentials(), Credentials::Password { .. });
        let identity_token = given.filter(|_| is_by_password).and_then(|given| given.refresh_token);
        Ok(LoggedIn::Accepted { identity_token })
    }

    /// Sends a request, logged in as far as it takes, again where that may help, and on to where the registry sends it.
    /// An answer that is not of success is an error.
    pub(crate) async fn call(&self, call: &Call) -> Result<Response<Body>, Error> {
        let mut waits = self.0.settings.retry.waits();
        loop {
            match self.call_once(call).await {
                Err(error) if error.is_transient() && waits.wait(error.retry_after()).await => {
                    tracing::debug!(error = %error, "trying again");
                }
                outcome => return outcome,
            }
        }
    }

    /// The same, once.
    pub(crate) async fn call_once(&self, call: &Call) -> Result<Response<Body>, Error> {
        let line = self.line().await?;
        let authorization = self.authorization(&call.url, &call.scopes).await?;
        let mut answer = line.send(&call.what, call.request(&call.url, authorization.clone())?).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && line.is_own(&call.url) {
            let refused = authorization.as_ref();
            let other = self.0.authenticator.renew(line, &call.scopes, refused, answer.headers()).await?;
            if other.is_some() {
                answer = line.send(&call.what, call.request(&call.url, other)?).await?;
            }
        }
        line.judge(&call.what, line.follow(call, answer).await?).await
    }

    /// The header for a request to `url`; none where the URL is not the registry's own.
    pub(crate) async fn authorization(&self, url: &Url, scopes: &[Scope]) -> Result<Option<HeaderValue>, Error> {
        let line = self.line().await?;
        if line.is_own(url) { self.0.authenticator.header(line, scopes).await } else { Ok(None) }
    }

    /// Gets another token after a streaming request was refused; the next one has it.
    pub(crate) async fn renew(&self, scopes: &[Scope], headers: &HeaderMap) -> Result<(), Error> {
        let line = self.line().await?;
        let refused = self.0.authenticator.header(line, scopes).await?;
        self.0.authenticator.renew(line, scopes, refused.as_ref(), headers).await.map(drop)
    }

    /// The URL of what stands at `path` below `/v2/`.
    pub(crate) async fn url(&self, path: &str) -> Result<Url, Error> {
        let line = self.line().await?;
        Ok(line.base().join(&format!("v2/{path}")).expect("names, digests and tags are made of a URL's letters"))
    }

    /// The way to the registry, found once.
    pub(crate) async fn line(&self) -> Result<&Line, Error> {
        self.0.line.get_or_try_init(|| self.connect()).await
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Asks at each address that the registry may have, until one answers like a registry.
    async fn connect(&self) -> Result<Line, Error> {
        let mut waits = self.0.settings.retry.waits();
        loop {
            match self.try_addresses().await {
                Err(error) if error.is_transient() && waits.wait(error.retry_after()).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_addresses(&self) -> Result<Line, Error> {
        let mut first_error = None;
        for scheme in schemes(&self.0.host, self.0.settings.security) {
            match self.try_address(scheme).await {
                Ok(line) => return Ok(line),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.expect("there is an address, and it failed"))
    }

    async fn try_address(&self, scheme: &str) -> Result<Line, Error> {
        let host = &self.0.host;
        let what = format!("reach the registry `{host}`");
        let address = if host.as_str() == DOCKER_HUB { DOCKER_HUB_ADDRESS } else { host.as_str() };
        let base: Url =
            format!("{scheme}://{address}/").parse().map_err(|_| Error::answer(&what, "this is no host"))?;
        let line = Line::new(self.0.http.clone(), base.clone(), self.0.settings.clone());
        let ping = base.join("v2/").expect("a path is a URL below another");
        let mut request = Request::new(Body::default());
        *request.uri_mut() = crate::call::uri(&what, &ping)?;
        let answer = line.send(&what, request).await?;
        let asks = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let answer = if asks { answer } else { line.judge(&what, answer).await? };
        self.0.authenticator.learn(answer.headers()).await;
        Ok(line)
    }
}

/// How a registry may be spoken to, in the order in which it is tried.
fn schemes(host: &RegistryHost, security: Security) -> &'static [&'static str] {
    match security {
        Security::PlainHttp => &["http"],
        Security::Insecure => &["https", "http"],
        Security::Verified if host.is_loopback() => &["http", "https"],
        Security::Verified => &["https"],
    }
}
