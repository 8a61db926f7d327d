//! Blobs: end-2 and end-10.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;
use wharf_oci::code::ErrorCode;
use wharf_oci::{Digest, RepositoryName};
use wharf_registry::{Blob, Registry};

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::headers::{self, DOCKER_CONTENT_DIGEST};
use crate::ranges::{self, Wanted};
use crate::route::Target;

/// Content that is named by its digest never changes; it is the caller's alone unless the project is public.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

pub(crate) async fn get(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, digest) = target(&call.target)?;
    if call.request.method() == Method::HEAD {
        let blob = api.registry.stat_blob(&call.ctx, name, &digest).await?;
        return Ok((described(&blob), length(blob.size_bytes), Body::empty()).into_response());
    }
    let blob = api.registry.find_blob(&call.ctx, name, &digest).await?;
    let request_headers = call.request.headers();
    if headers::has_already(request_headers, &digest) {
        return Ok((StatusCode::NOT_MODIFIED, described(&blob)).into_response());
    }
    let redirect = api.settings.redirect.as_ref();
    if redirect.is_some_and(|redirect| redirect.takes(call.ctx.remote, blob.size_bytes))
        && let Some(url) = api.registry.presign_blob(&blob).await?
    {
        return Ok(elsewhere(&blob, &url));
    }
    match wanted(request_headers, &blob)? {
        Wanted::All => whole(&api.registry, &blob).await,
        Wanted::Parts(parts) if parts.len() == 1 => part(&api.registry, &blob, parts[0].clone()).await,
        Wanted::Parts(parts) => Ok(several(&api.registry, blob, parts)),
        Wanted::Unsatisfiable => Err(unsatisfiable(&blob)),
    }
}

pub(crate) async fn delete(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, digest) = target(&call.target)?;
    api.registry.delete_blob(&call.ctx, name, &digest).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn target(target: &Target) -> Result<(&RepositoryName, Digest), OciError> {
    let Target::Blob(name, digest) = target else { return Err(OciError::misrouted()) };
    let digest = digest.parse().map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("{error}")))?;
    Ok((name, digest))
}

/// The ranges that the client wants; `If-Range` with other content means all of it.
fn wanted(request_headers: &HeaderMap, blob: &Blob) -> Result<Wanted, OciError> {
    let range = headers::single(request_headers, &header::RANGE)?;
    let same = headers::single(request_headers, &header::IF_RANGE)?
        .is_none_or(|tag| tag.trim_matches('"') == blob.digest.to_string());
    Ok(if same { ranges::read(range, blob.size_bytes) } else { Wanted::All })
}

/// Sends the client to the storage, which answers ranges as well. Nobody may keep the URL: it is a secret, and ends.
fn elsewhere(blob: &Blob, url: &str) -> Response {
    let mut location = headers::value(url);
    location.set_sensitive(true);
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (DOCKER_CONTENT_DIGEST, headers::value(blob.digest)),
    ];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

async fn whole(registry: &Registry, blob: &Blob) -> Result<Response, OciError> {
    let reader = registry.read_blob(blob, None).await?;
    Ok((described(blob), length(blob.size_bytes), Body::from_stream(reader)).into_response())
}

async fn part(registry: &Registry, blob: &Blob, part: Range<u64>) -> Result<Response, OciError> {
    let range = [(header::CONTENT_RANGE, content_range(&part, blob))];
    let size_bytes = part.end - part.start;
    let reader = registry.read_blob(blob, Some(part)).await?;
    Ok((StatusCode::PARTIAL_CONTENT, described(blob), range, length(size_bytes), Body::from_stream(reader))
        .into_response())
}

/// Several ranges as `multipart/byteranges`; each is opened when its turn comes.
fn several(registry: &Registry, blob: Blob, parts: Vec<Range<u64>>) -> Response {
    let boundary = Uuid::now_v7().simple().to_string();
    let heads: Vec<Bytes> = parts.iter().map(|part| part_head(&boundary, part, &blob)).collect();
    let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let content: u64 = parts.iter().map(|part| part.end - part.start).sum();
    let frame: usize = heads.iter().map(Bytes::len).sum::<usize>() + tail.len();
    let (registry, described) = (registry.clone(), described(&blob));
    let body = stream::iter(heads.into_iter().zip(parts))
        .then(move |(head, part)| {
            let (registry, blob) = (registry.clone(), blob.clone());
            async move {
                let reader = registry.read_blob(&blob, Some(part)).await.map_err(std::io::Error::other)?;
                let head = stream::iter([Ok::<Bytes, std::io::Error>(head)]);
                Ok::<_, std::io::Error>(head.chain(reader.map_err(std::io::Error::other)))
            }
        })
        .try_flatten()
        .chain(stream::iter([Ok(tail)]));
    let kind = [(header::CONTENT_TYPE, headers::value(format_args!("multipart/byteranges; boundary={boundary}")))];
    let size = length(content + frame as u64);
    (StatusCode::PARTIAL_CONTENT, described, kind, size, Body::from_stream(body)).into_response()
}

fn part_head(boundary: &str, part: &Range<u64>, blob: &Blob) -> Bytes {
    let (first, last, size) = (part.start, part.end - 1, blob.size_bytes);
    Bytes::from(format!(
        "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n"
    ))
}

fn described(blob: &Blob) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, OCTETS),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CACHE_CONTROL, CACHE_CONTROL),
        (header::ETAG, headers::etag(&blob.digest)),
        (DOCKER_CONTENT_DIGEST, headers::value(blob.digest)),
    ])
}

fn length(size_bytes: u64) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::CONTENT_LENGTH, HeaderValue::from(size_bytes))]
}

fn content_range(part: &Range<u64>, blob: &Blob) -> HeaderValue {
    headers::value(format_args!("bytes {}-{}/{}", part.start, part.end - 1, blob.size_bytes))
}

fn unsatisfiable(blob: &Blob) -> OciError {
    let size = blob.size_bytes;
    OciError::new(
        ErrorCode::RangeInvalid,
        format!("the blob has {size} bytes, and the Range header asks for none of them"),
    )
    .with_header(header::CONTENT_RANGE, headers::value(format_args!("bytes */{size}")))
}
