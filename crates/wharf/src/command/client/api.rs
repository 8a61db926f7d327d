//! Requests to `/api/v1` and their answers.

use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use url::Url;
use wharf_identity::Secret;

use super::address;
use super::credentials::Credentials;
use super::error::{Error, Refusal};
use super::output::{Column, Heads, Output};
use super::proxies;
use crate::command::serve::environment;

/// The largest answer: a page of a thousand entries has less.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many entries to ask for at a time.
const PAGE_ENTRIES: &str = "1000";

/// One server and who asks it.
#[derive(Debug)]
pub(crate) struct Client {
    http: wharf_http::Client,
    runtime: Runtime,
    server: Url,
    credentials: Credentials,
    authorization: Option<HeaderValue>,
    /// Where its answers are shown.
    pub(crate) output: Output,
}

impl Client {
    /// A client that has logged in as far as that takes a request of its own.
    pub(crate) fn open(
        server: Url,
        credentials: Credentials,
        authorities: Vec<PathBuf>,
        output: Output,
    ) -> Result<Self, Error> {
        let settings = wharf_http::Settings {
            authorities,
            proxies: proxies(&environment()),
            total_timeout: Some(PATIENCE),
            ..wharf_http::Settings::default()
        };
        let http = wharf_http::client(&settings)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let mut this = Self { http, runtime, server, credentials, authorization: None, output };
        this.authorization = match this.credentials.clone() {
            Credentials::Nobody => None,
            Credentials::Basic { username, password } => {
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                Some(sensitive("Basic", &BASE64.encode(pair.expose().as_bytes()))?)
            }
            Credentials::RefreshToken(token) => Some(sensitive("Bearer", this.exchange_token(&token)?.expose())?),
        };
        Ok(this)
    }

    /// The password that this client logs in with, where it is one.
    pub(crate) fn password(&self) -> Option<&Secret> {
        match &self.credentials {
            Credentials::Basic { password, .. } => Some(password),
            Credentials::Nobody | Credentials::RefreshToken(_) => None,
        }
    }

    /// Reads a document. `path` are the parts after `/api/v1`.
    pub(crate) fn get(&self, path: &[&str]) -> Result<Value, Error> {
        self.send(Method::GET, self.url(path), None)
    }

    /// All entries of a list.
    pub(crate) fn list(&self, path: &[&str]) -> Result<Vec<Value>, Error> {
        self.list_with(path, &[])
    }

    /// All entries of a list that are asked for.
    pub(crate) fn list_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
        let query: Vec<(&str, &str)> = query.iter().copied().chain([("limit", PAGE_ENTRIES)]).collect();
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let mut page = self.page(path, &query, after.as_deref())?;
            entries.append(page["entries"].as_array_mut().unwrap_or(&mut Vec::new()));
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(entries),
            }
        }
    }

    /// Shows a list page by page, as it comes.
    pub(crate) fn stream(&self, path: &[&str], query: &[(&str, &str)], columns: &[Column]) -> Result<(), Error> {
        let (mut after, mut heads) = (None, Heads::Shown);
        loop {
            let page = self.page(path, query, after.as_deref())?;
            let entries = page["entries"].as_array().map_or(&[][..], Vec::as_slice);
            if !entries.is_empty() || (heads == Heads::Shown && page["next"].is_null()) {
                self.output.some(entries, columns, heads)?;
                heads = Heads::Left;
            }
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }

    /// The same for entries that are shown in another way than they come.
    pub(crate) fn stream_as(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        columns: &[Column],
        mut show: impl FnMut(Value) -> Value,
    ) -> Result<(), Error> {
        let (mut after, mut heads) = (None, Heads::Shown);
        loop {
            let mut page = self.page(path, query, after.as_deref())?;
            let entries = page["entries"].as_array_mut().map(std::mem::take).unwrap_or_default();
            let entries: Vec<Value> = entries.into_iter().map(&mut show).collect();
            if !entries.is_empty() || (heads == Heads::Shown && page["next"].is_null()) {
                self.output.some(&entries, columns, heads)?;
                heads = Heads::Left;
            }
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }

    /// One page of a list.
    pub(crate) fn page(&self, path: &[&str], query: &[(&str, &str)], after: Option<&str>) -> Result<Value, Error> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query).extend_pairs(after.map(|after| ("after", after)));
        self.send(Method::GET, url, None)
    }

    /// Reads a document into its type: where its very bytes count, which a value does not keep.
    pub(crate) fn document<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, Error> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.decode(&self.bytes(self.request(Method::GET, &url, None)?)?)
    }

    /// The server's address.
    pub(crate) fn server(&self) -> String {
        self.server.to_string()
    }

    /// Makes something.
    pub(crate) fn post(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.send(Method::POST, self.url(path), Some(body))
    }

    /// Makes something once, however often the request is sent with `key`.
    pub(crate) fn post_once(&self, path: &[&str], body: &Value, key: Option<&str>) -> Result<Value, Error> {
        let mut request = self.request(Method::POST, &self.url(path), Some(body))?;
        if let Some(key) = key {
            let key = HeaderValue::from_str(key).map_err(|_| Error::IdempotencyKey)?;
            request.headers_mut().insert("idempotency-key", key);
        }
        self.answer(request)
    }

    /// Does something to what has the entity tag `tag`, where one is given, and to nothing else.
    pub(crate) fn post_over(&self, path: &[&str], tag: Option<&HeaderValue>, body: &Value) -> Result<Value, Error> {
        let mut request = self.request(Method::POST, &self.url(path), Some(body))?;
        if let Some(tag) = tag {
            request.headers_mut().insert(header::IF_MATCH, tag.clone());
        }
        self.answer(request)
    }

    /// Puts something in its place; `null` where the place says all.
    pub(crate) fn put(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.send(Method::PUT, self.url(path), Some(body))
    }

    /// Puts something in the place of what has the entity tag `tag`, and of nothing else.
    pub(crate) fn put_over(&self, path: &[&str], tag: &HeaderValue, body: &Value) -> Result<Value, Error> {
        let mut request = self.request(Method::PUT, &self.url(path), Some(body))?;
        request.headers_mut().insert(header::IF_MATCH, tag.clone());
        self.answer(request)
    }

    /// Changes a part.
    pub(crate) fn patch(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.send(Method::PATCH, self.url(path), Some(body))
    }

    /// Takes something away.
    pub(crate) fn delete(&self, path: &[&str]) -> Result<(), Error> {
        self.send(Method::DELETE, self.url(path), None).map(drop)
    }

    /// Takes away what a query names.
    pub(crate) fn delete_where(&self, path: &[&str], query: &[(&str, &str)]) -> Result<(), Error> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.send(Method::DELETE, url, None).map(drop)
    }

    fn url(&self, path: &[&str]) -> Url {
        self.under(&["api", "v1"], path)
    }

    fn under(&self, prefix: &[&str], path: &[&str]) -> Url {
        let mut url = self.server.clone();
        url.path_segments_mut().expect("http has a path").pop_if_empty().extend(prefix).extend(path);
        url
    }

    fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Error> {
        self.answer(self.request(method, &url, body)?)
    }

    fn request(&self, method: Method, url: &Url, body: Option<&Value>) -> Result<Request<Vec<u8>>, Error> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = body.filter(|body| !body.is_null()).map(Value::to_string);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.unwrap_or_default().into_bytes());
        request.map_err(|_| Error::ServerAddress { text: url.to_string() })
    }

    /// Gets a token for management.
    fn exchange_token(&self, refresh_token: &Secret) -> Result<Secret, Error> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token.expose())
            .append_pair("scope", "registry:management:*")
            .append_pair("client_id", "wharf")
            .finish();
        let url = self.under(&["token"], &[]);
        let request = Request::post(url.as_str()).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(form.into_bytes()).map_err(|_| Error::ServerAddress { text: url.to_string() })?;
        let answer = self.answer(request)?;
        let token = answer["access_token"].as_str().map(Secret::new);
        token.ok_or_else(|| Error::NotWharf { server: self.server.to_string() })
    }

    fn answer(&self, request: Request<Vec<u8>>) -> Result<Value, Error> {
        match self.bytes(request)?.as_slice() {
            [] => Ok(Value::Null),
            bytes => self.decode(bytes),
        }
    }

    /// What is answered to a request that was done; empty where there is nothing to say.
    fn bytes(&self, request: Request<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let answer = self.runtime.block_on(wharf_http::exchange(&self.http, request, MAX_ANSWER_BYTES))?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        if answer.status().is_success() && !answer.body().is_empty() {
            return Ok(answer.into_body());
        }
        Err(self.refusal(&answer, &self.decode(answer.body())?))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|_| Error::NotWharf { server: self.server.to_string() })
    }

    /// What the server says, in the API's form or in that of the distribution-spec.
    fn refusal(&self, answer: &Response<Vec<u8>>, document: &Value) -> Error {
        let other = &document["errors"][0];
        let text = |one: &Value, or: &Value| one.as_str().or(or.as_str()).map(str::to_owned);
        let Some(detail) = text(&document["detail"], &other["message"]) else {
            return Error::NotWharf { server: self.server.to_string() };
        };
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Error::Refused(Box::new(Refusal {
            status: answer.status().as_u16(),
            detail,
            request_id: text(&document["request_id"], &other["detail"]["request_id"]),
            retry_after,
            host: address::host(&self.server),
            has_shown_credentials: !matches!(self.credentials, Credentials::Nobody),
        }))
    }
}

/// A header that is not shown when the request is.
fn sensitive(scheme: &str, value: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_str(&format!("{scheme} {value}")).map_err(|_| Error::Token)?;
    header.set_sensitive(true);
    Ok(header)
}
