//! Asking the other server of a pair.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::body::{Body, BodyDataStream};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use wharf_http::Client;

use super::message::PREFIX;
use super::secret::Token;
use crate::config::standby::Standby as Settings;

/// The longest answer that is taken whole: a page of keys.
const MOST_BYTES: usize = 4 << 20;
/// How long the other one may be silent: it copies a whole catalog before it says a word.
const SILENCE: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(5);

/// The other server.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    client: Client,
    url: Url,
    token: Token,
}

impl Peer {
    /// Nobody is spoken to yet.
    pub(crate) fn open(settings: &Settings, url: &Url, token: Token) -> anyhow::Result<Self> {
        let settings = wharf_http::Settings {
            authorities: settings.authorities.clone(),
            connect_timeout: CONNECT,
            read_timeout: SILENCE,
            ..wharf_http::Settings::default()
        };
        let client = wharf_http::client(&settings).context("prepare for speaking with the other server")?;
        Ok(Self { client, url: url.clone(), token })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    fn request<B>(&self, method: Method, path: &str, body: B) -> anyhow::Result<Request<B>> {
        let url = format!("{}{PREFIX}/{path}", self.url.as_str().trim_end_matches('/'));
        let request = Request::builder().method(method).uri(url).header(header::AUTHORIZATION, self.token.header());
        request.header(header::CONTENT_TYPE, "application/json").body(body).context("write a request")
    }

    /// Asks for a document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.exchange(self.request(Method::GET, path, Vec::new())?).await
    }

    /// Says something, and reads the document that comes back.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, document: &impl Serialize) -> anyhow::Result<T> {
        let body = serde_json::to_vec(document).context("write a document")?;
        self.exchange(self.request(Method::POST, path, body)?).await
    }

    async fn exchange<T: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> anyhow::Result<T> {
        let answer = wharf_http::exchange(&self.client, request, MOST_BYTES).await?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return Err(self.refusal(head.status, &body));
        }
        // What has no content is the document `null`.
        let body = if body.is_empty() { b"null".to_vec() } else { body };
        serde_json::from_slice(&body).with_context(|| format!("`{}` does not answer as wharf does", self.url))
    }

    /// Asks for something of any length. `None`: it is not there.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<Option<(HeaderMap, BodyDataStream)>> {
        let request = self.request(Method::GET, path, wharf_http::Body::from(Vec::new()))?;
        let (head, body) = wharf_http::send(&self.client, request).await?.into_parts();
        if head.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !head.status.is_success() {
            let body = wharf_http::collect(self.url.as_str(), body, MOST_BYTES).await?;
            return Err(self.refusal(head.status, &body));
        }
        Ok(Some((head.headers, Body::new(body).into_data_stream())))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        let text = String::from_utf8_lossy(body);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::CONFLICT | StatusCode::GONE => anyhow!("`{}`: {text}", self.url),
            StatusCode::NOT_FOUND => {
                anyhow!("`{}` cannot be followed: it has no `standby.token_file`, or is no wharf", self.url)
            }
            status => anyhow!("`{}` answers {status}: {text}", self.url),
        }
    }
}
