//! Uploads: a blob on its way into a repository. What breaks goes on where the registry says it stands.
//!
//! Spec: distribution-spec, "Pushing blobs": end-4 (open), end-5 (append), end-6 (commit), end-11 (mount), end-13 (where
//! does it stand).

mod feed;

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use tokio::time::timeout;
use url::Url;
use wharf_http::Body;
use wharf_oci::ports::{Arrival, Origin, Progress};
use wharf_oci::{Descriptor, ErrorCode, Scope, Source};

use self::feed::Feed;
use super::{Action, Repository};
use crate::call::Call;
use crate::error::Error;

/// A blob up to this size is sent with the request that commits it.
const SMALL_BYTES: u64 = 256 * 1024;
/// The registry wants no smaller chunks than this.
const CHUNK_MIN_LENGTH: &str = "oci-chunk-min-length";

/// An open upload.
#[derive(Debug)]
struct Upload {
    /// Where the next request goes.
    location: Url,
    /// How many bytes the registry has.
    offset: u64,
    /// The smallest chunk that it takes.
    min_chunk_bytes: u64,
}

/// What came of opening an upload.
enum Opened {
    Mounted,
    Upload(Upload),
}

impl Repository {
    /// Brings in a blob: mounts it where its origin is in this registry, else sends it.
    pub(super) async fn push_blob(
        &self,
        descriptor: &Descriptor,
        source: &dyn Source,
        progress: Progress<'_>,
    ) -> Result<Arrival, Error> {
        if self.has_blob(descriptor, true).await? {
            return Ok(Arrival::Existed);
        }
        let origin = source.origin().filter(|origin| origin.registry == *self.registry.host());
        let mut feed = Feed::new(descriptor, source, progress, self.registry.settings().patience);
        let mut waits = self.registry.settings().retry.waits();
        loop {
            let mut upload = match self.open_upload(descriptor, origin.as_ref()).await? {
                Opened::Mounted => return Ok(Arrival::Mounted),
                Opened::Upload(upload) => upload,
            };
            match self.fill(&mut upload, descriptor, &mut feed).await {
                Ok(()) => return Ok(Arrival::Copied),
                // The registry forgot the upload, or has taken the blob and its answer was lost.
                Err(error) if is_lost(&error) => {
                    if self.has_blob(descriptor, true).await? {
                        return Ok(Arrival::Copied);
                    }
                    if !waits.wait(None).await {
                        return Err(error);
                    }
                }
                Err(error) => {
                    self.abandon(&upload).await;
                    return Err(error);
                }
            }
        }
    }

    async fn open_upload(&self, descriptor: &Descriptor, origin: Option<&Origin>) -> Result<Opened, Error> {
        let what = format!("push {}", self.of(&format!("blob `{}`", descriptor.digest)));
        let mut url = self.url("blobs/uploads/").await?;
        let mut scopes = self.scope(Action::Push);
        if let Some(origin) = origin {
            url.query_pairs_mut()
                .append_pair("mount", &descriptor.digest.to_string())
                .append_pair("from", origin.repository.as_str());
            scopes.push(Scope::repository(&origin.repository, &["pull"]));
        }
        let call = Call::new(what, Method::POST, url, scopes).with(header::CONTENT_LENGTH, "0");
        let answer = self.registry.call(&call).await?;
        if origin.is_some() && answer.status() == StatusCode::CREATED {
            return Ok(Opened::Mounted);
        }
        let location = self.location(&call.what, answer.headers()).await?;
        let location = location.ok_or_else(|| Error::answer(&call.what, "the registry opened no upload"))?;
        let min_chunk_bytes = number(answer.headers(), CHUNK_MIN_LENGTH).unwrap_or_default();
        Ok(Opened::Upload(Upload { location, offset: 0, min_chunk_bytes }))
    }

    /// Sends all bytes and commits.
    async fn fill(&self, upload: &mut Upload, descriptor: &Descriptor, feed: &mut Feed<'_>) -> Result<(), Error> {
        if descriptor.size <= SMALL_BYTES {
            let bytes = feed.whole().await?;
            return self.commit(upload, descriptor, bytes).await;
        }
        let mut waits = self.registry.settings().retry.waits();
        while upload.offset < descriptor.size {
            let before = upload.offset;
            match self.append(upload, descriptor, feed).await {
                Ok(()) => waits.reset(),
                Err(error) if may_go_on(&error) => {
                    if !waits.wait(error.retry_after()).await {
                        return Err(error);
                    }
                    tracing::debug!(digest = %descriptor.digest, error = %error, "the upload goes on");
                    self.look_up(upload, descriptor).await?;
                    if upload.offset > before {
                        waits.reset();
                    }
                }
                Err(error) => return Err(error),
            }
        }
        feed.finish()?;
        self.commit(upload, descriptor, Bytes::new()).await
    }

    /// Sends one chunk, or all that is left, while it is read.
    async fn append(&self, upload: &mut Upload, descriptor: &Descriptor, feed: &mut Feed<'_>) -> Result<(), Error> {
        let what = format!("push {}", self.of(&format!("blob `{}`", descriptor.digest)));
        let settings = self.registry.settings();
        let left = descriptor.size - upload.offset;
        let length = settings.chunk_bytes.map_or(left, |chunk| chunk.max(upload.min_chunk_bytes).max(1).min(left));
        let end = upload.offset + length;
        let (sender, body) = feed::channel();
        let is_all = length == descriptor.size;
        let request = self.patch(&what, upload, length, is_all).await?.map(|_| body);
        let line = self.registry.line().await?;
        let sent = pin!(line.stream(&what, request));
        let fed = pin!(feed.send(upload.offset, end, sender));
        let answer = match select(sent, fed).await {
            // An answer before the last byte: a refusal, or a broken connection.
            Either::Left((answer, _)) => answer?,
            Either::Right((fed, sent)) => {
                fed?;
                let patience = settings.patience;
                let silent = wharf_http::Error::Silent { host: line.host(), patience };
                timeout(patience, sent).await.map_err(|_| Error::Reach { what: what.clone(), source: silent })??
            }
        };
        if answer.status() == StatusCode::UNAUTHORIZED {
            let scopes = self.scope(Action::Push);
            self.registry.renew(&scopes, answer.headers()).await?;
        }
        let answer = line.judge(&what, answer).await?;
        upload.offset = received(&answer).filter(|offset| *offset <= end).unwrap_or(end);
        if let Some(location) = self.location(&what, answer.headers()).await? {
            upload.location = location;
        }
        Ok(())
    }

    /// The head of a request that sends `length` bytes.
    async fn patch(&self, what: &str, upload: &Upload, length: u64, is_all: bool) -> Result<Request<Body>, Error> {
        let mut call = Call::new(what, Method::PATCH, upload.location.clone(), Vec::new())
            .with(header::CONTENT_TYPE, "application/octet-stream")
            .with(header::CONTENT_LENGTH, &length.to_string());
        // Docker's own client says no range when it sends all at once, and some registries take it only so.
        if !is_all {
            let range = format!("{}-{}", upload.offset, upload.offset + length - 1);
            call = call.with(header::CONTENT_RANGE, &range);
        }
        let authorization = self.registry.authorization(&call.url, &self.scope(Action::Push)).await?;
        call.request(&call.url, authorization)
    }

    /// Asks the registry where the upload stands.
    async fn look_up(&self, upload: &mut Upload, descriptor: &Descriptor) -> Result<(), Error> {
        let what = format!("go on pushing {}", self.of(&format!("blob `{}`", descriptor.digest)));
        let call = Call::new(what, Method::GET, upload.location.clone(), self.scope(Action::Push));
        let answer = self.registry.call(&call).await?;
        upload.offset = received(&answer).unwrap_or_default();
        if upload.offset > descriptor.size {
            return Err(Error::answer(&call.what, "the registry has more bytes than the blob"));
        }
        if let Some(location) = self.location(&call.what, answer.headers()).await? {
            upload.location = location;
        }
        Ok(())
    }

    async fn commit(&self, upload: &Upload, descriptor: &Descriptor, bytes: Bytes) -> Result<(), Error> {
        let what = format!("push {}", self.of(&format!("blob `{}`", descriptor.digest)));
        let mut url = upload.location.clone();
        url.query_pairs_mut().append_pair("digest", &descriptor.digest.to_string());
        let mut call = Call::new(what, Method::PUT, url, self.scope(Action::Push))
            .with(header::CONTENT_TYPE, "application/octet-stream")
            .with(header::CONTENT_LENGTH, &bytes.len().to_string());
        call.body = bytes;
        self.registry.call(&call).await.map(drop)
    }

    /// An upload that will not be continued takes no room. Registries end it on their own, too, so that nothing hangs on it.
    async fn abandon(&self, upload: &Upload) {
        let call = Call::new("end an upload", Method::DELETE, upload.location.clone(), self.scope(Action::Push));
        if let Err(error) = self.registry.call_once(&call).await {
            tracing::debug!(error = %error, "an upload is left to the registry");
        }
    }

    async fn location(&self, what: &str, headers: &HeaderMap) -> Result<Option<Url>, Error> {
        let Some(text) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else { return Ok(None) };
        let located = self.registry.line().await?.locate(text);
        located
            .map(Some)
            .ok_or_else(|| Error::answer(what, "the registry wants the bytes sent to where they are not safe"))
    }
}

/// How many bytes the registry has: `Range: 0-99` are a hundred, and `0-0` is what some say when there are none.
fn received(answer: &Response<Body>) -> Option<u64> {
    let text = answer.headers().get(header::RANGE)?.to_str().ok()?;
    let last: u64 = text.trim_start_matches("bytes=").strip_prefix("0-")?.parse().ok()?;
    Some(if last == 0 { 0 } else { last.saturating_add(1) })
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// Whether the upload can be continued after this. What the source could not give has been tried again by the source.
fn may_go_on(error: &Error) -> bool {
    let status = error.refusal().map(|refusal| refusal.status);
    let is_odd = matches!(status, Some(StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::UNAUTHORIZED));
    !matches!(error, Error::Content(_)) && (is_odd || error.is_transient())
}

/// Whether the registry does not know the upload any more, or not in this state. Docker's registry cannot go on in the
/// middle of a chunk and says so in many ways.
fn is_lost(error: &Error) -> bool {
    let Error::Refused { refusal, .. } = error else { return false };
    let unknown = [ErrorCode::BlobUploadUnknown, ErrorCode::BlobUploadInvalid, ErrorCode::RangeInvalid];
    refusal.code.is_some_and(|code| unknown.contains(&code))
        || matches!(refusal.status, StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::NOT_FOUND)
}
