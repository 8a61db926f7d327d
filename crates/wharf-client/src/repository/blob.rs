//! Blobs of a repository: are they there, and their bytes, which go on where a connection broke.
//!
//! Spec: distribution-spec, end-2 (get, head), end-10 (delete); RFC 9110, 14 (ranges).

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;
use wharf_http::Body;
use wharf_http::retry::Waits;
use wharf_oci::ports::ByteStream;
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest};

use super::{Action, Repository};
use crate::call::Call;
use crate::error::Error;

/// A blob on its way to us.
struct Reading {
    repository: Repository,
    descriptor: Descriptor,
    /// The next byte to hand on.
    position: u64,
    /// Bytes to drop first, from a registry that does not know ranges.
    surplus: u64,
    body: Option<Body>,
    waits: Waits,
}

impl Repository {
    /// Whether the repository has a blob.
    pub async fn has_blob(&self, descriptor: &Descriptor, is_for_push: bool) -> Result<bool, Error> {
        let action = if is_for_push { Action::Push } else { Action::Pull };
        let call = self.blob_call(Method::HEAD, "find", &descriptor.digest, action).await?;
        match self.registry.call(&call).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ContentErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A blob's bytes from `offset`. What breaks is fetched on from there.
    pub async fn read_blob(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream, Error> {
        let mut reading = Reading {
            repository: self.clone(),
            descriptor: descriptor.clone(),
            position: offset,
            surplus: 0,
            body: None,
            waits: self.registry.settings().retry.waits(),
        };
        // What is missing or forbidden is told now.
        if offset < descriptor.size {
            reading.open().await?;
        }
        Ok(Box::pin(stream::try_unfold(reading, |mut reading| async {
            let piece = reading.next().await?;
            Ok(piece.map(|piece| (piece, reading)))
        })))
    }

    /// Deletes a blob.
    pub async fn delete_blob(&self, digest: &Digest) -> Result<(), Error> {
        let call = self.blob_call(Method::DELETE, "delete", digest, Action::Delete).await?;
        self.registry.call(&call).await.map(drop)
    }

    async fn blob_call(&self, method: Method, verb: &str, digest: &Digest, action: Action) -> Result<Call, Error> {
        let what = format!("{verb} {}", self.of(&format!("blob `{digest}`")));
        let url = self.url(&format!("blobs/{digest}")).await?;
        Ok(Call::new(what, method, url, self.scope(action)))
    }
}

impl Reading {
    async fn open(&mut self) -> Result<(), Error> {
        let mut call = self.repository.blob_call(Method::GET, "get", &self.descriptor.digest, Action::Pull).await?;
        if self.position > 0 {
            call = call.with(header::RANGE, &format!("bytes={}-", self.position));
        }
        let answer = self.repository.registry.call(&call).await?;
        self.surplus = match answer.status() {
            StatusCode::PARTIAL_CONTENT if first_byte(&answer) == Some(self.position) => 0,
            StatusCode::PARTIAL_CONTENT => {
                return Err(Error::answer(&call.what, "another part came than was asked for"));
            }
            _ => self.position,
        };
        self.body = Some(answer.into_body());
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ContentError> {
        loop {
            if self.position >= self.descriptor.size {
                return Ok(None);
            }
            if self.body.is_none() {
                self.open().await?;
            }
            match self.piece().await {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    self.waits.reset();
                    self.position += piece.len() as u64;
                    return Ok(Some(piece));
                }
                Err(error) => {
                    self.body = None;
                    if !self.waits.wait(None).await {
                        return Err(error);
                    }
                    tracing::debug!(digest = %self.descriptor.digest, at = self.position, error = %error, "reading on");
                }
            }
        }
    }

    /// Some bytes; none of a frame without data.
    async fn piece(&mut self) -> Result<Bytes, ContentError> {
        let broken = |reason: &str| {
            let message = format!("blob `{}` broke off: {reason}", self.descriptor.digest);
            ContentError::new(ContentErrorKind::Unavailable, message)
        };
        let Some(body) = &mut self.body else { return Err(broken("it is not open")) };
        let patience = self.repository.registry.settings().patience;
        let frame = timeout(patience, body.frame()).await.map_err(|_| broken("nothing came for too long"))?;
        let frame = frame.ok_or_else(|| broken("it ended early"))?;
        let frame = frame.map_err(|error| broken(&error.without_url().to_string()))?;
        let mut data = frame.into_data().unwrap_or_default();
        let dropped = self.surplus.min(data.len() as u64);
        self.surplus -= dropped;
        drop(data.split_to(usize::try_from(dropped).unwrap_or(data.len())));
        // More than was promised is not handed on; whoever compares digests says what is wrong.
        let left = self.descriptor.size - self.position;
        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(data)
    }
}

/// Where the part of an answer begins.
fn first_byte(answer: &Response<Body>) -> Option<u64> {
    let text = answer.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
