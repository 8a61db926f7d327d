//! ADD of a URL: one file, as the server gives it.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use wharf_images::{Clamp, Metadata, Snapshot, root};
use wharf_layer::Mtime;
use wharf_oci::ports::{BoxFuture, Hashing};
use wharf_oci::{Algorithm, Digest};

use super::{Inputs, Op, blocking};
use crate::error::Error;

const MAX_REDIRECTS: usize = 10;
/// No file is larger.
const MAX_BYTES: u64 = 64 * 1024 * 1024 * 1024;
const MODE: u16 = 0o600;

/// ADD of a URL.
#[derive(Debug)]
pub(crate) struct Download {
    url: String,
    expected: Option<Digest>,
    /// What came.
    got: Mutex<Option<Got>>,
}

#[derive(Debug, Clone)]
struct Got {
    path: PathBuf,
    digest: Digest,
    modified: Option<i64>,
}

impl Download {
    pub(crate) fn new(url: String, expected: Option<Digest>) -> Self {
        Self { url, expected, got: Mutex::default() }
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Download { url: self.url.clone(), source: source.into() }
    }

    /// What the file is called: the last part of the URL's path.
    fn name(&self) -> Result<String, Error> {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let path = path.split_once("://").map_or(path, |(_, rest)| rest);
        let name = path.split_once('/').and_then(|(_, path)| path.rsplit('/').next()).unwrap_or_default();
        let is_name = !name.is_empty() && name != "." && name != "..";
        is_name.then(|| name.to_owned()).ok_or_else(|| self.failed("the URL ends with no file's name"))
    }

    async fn get(&self, input: &Inputs) -> Result<Got, Error> {
        if let Some(got) = self.got.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(got);
        }
        let answer = self.answer(input).await?;
        let modified = answer
            .headers()
            .get("last-modified")
            .and_then(|value| jiff::fmt::rfc2822::parse(value.to_str().ok()?).ok())
            .map(|time| time.timestamp().as_second());
        let path = input.images.session().scratch();
        let write = |source| Error::file("write", path.display().to_string(), source);
        let (mut file, mut hashing) =
            (std::fs::File::create_new(&path).map_err(write)?, Hashing::new(Algorithm::Sha256));
        let (mut stream, mut count) = (answer.bytes_stream(), 0);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| self.failed(error.without_url()))?;
            count += piece.len() as u64;
            if count > MAX_BYTES {
                return Err(self.failed(format!("it is larger than {MAX_BYTES} bytes")));
            }
            hashing.update(&piece);
            file.write_all(&piece).map_err(write)?;
        }
        let got = Got { path, digest: hashing.finish(), modified };
        if let Some(expected) = self.expected.filter(|expected| *expected != got.digest) {
            let (url, found) = (self.url.clone(), got.digest);
            return Err(Error::Checksum { url, found, expected: expected.to_string() });
        }
        *self.got.lock().unwrap_or_else(PoisonError::into_inner) = Some(got.clone());
        Ok(got)
    }

    /// The answer at the end of all redirects. They may lead to other servers: nothing secret is sent.
    async fn answer(&self, input: &Inputs) -> Result<wharf_http::Response, Error> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            let answer = input.kit.http.get(&url).send().await.map_err(|error| self.failed(error.without_url()))?;
            if answer.status().is_success() {
                return Ok(answer);
            }
            let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
            let next = location.filter(|_| answer.status().is_redirection());
            let next = next.and_then(|location| answer.url().join(location).ok());
            let next =
                next.filter(|next| next.scheme() == "https" || (next.scheme() == "http" && url.starts_with("http:")));
            url = next.ok_or_else(|| self.failed(format!("the server says {}", answer.status())))?.to_string();
        }
        Err(self.failed(format!("it leads through more than {MAX_REDIRECTS} redirects")))
    }
}

impl Op for Download {
    fn definition(&self) -> Value {
        json!({ "download": self.url, "checksum": self.expected.map(|digest| digest.to_string()) })
    }

    fn content<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>> {
        Box::pin(async move {
            // A file whose digest is known is not asked for.
            let digest = match self.expected {
                Some(expected) => expected,
                None => self.get(input).await?.digest,
            };
            Ok(vec![(self.url.clone(), digest)])
        })
    }

    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let (name, got) = (self.name()?, self.get(input).await?);
            let draft = input.images.draft(&input.parent)?;
            let mtime = input.instant.mtime();
            let draft = blocking(move || {
                let target = draft.root()?;
                let seconds = got.modified.unwrap_or(mtime.seconds).min(mtime.seconds);
                let mtime = Mtime { seconds, nanoseconds: 0 };
                let put = || -> std::io::Result<()> {
                    let mut file = root::create(target.fd(), name.as_bytes())?;
                    std::io::copy(&mut std::fs::File::open(&got.path)?, &mut file)?;
                    let metadata = Metadata { mode: MODE, uid: 0, gid: 0, mtime, xattrs: Default::default() };
                    root::describe(target.fd(), name.as_bytes(), &metadata)
                };
                put().map_err(|source| Error::file("put", name.clone(), source))?;
                drop(target);
                Ok(draft)
            })
            .await?;
            Ok(input.images.commit(draft, Some(Clamp(mtime))).await?)
        })
    }
}
