//! Manifests: end-3, end-7 and end-9.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wharf_oci::code::ErrorCode;
use wharf_oci::manifest::{MAX_MANIFEST_BYTES, ManifestError};
use wharf_oci::{Reference, ReferenceError, RepositoryName};
use wharf_registry::{NewManifest, Pulled, StoredManifest};

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::headers::{self, DOCKER_CONTENT_DIGEST, OCI_SUBJECT, OCI_TAG};
use crate::route::Target;

pub(crate) async fn get(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, reference) = target(&call.target)?;
    let accept = headers::accept(call.request.headers());
    let manifest = api.registry.get_manifest(&call.ctx, name, &reference, &accept).await?;
    let pulled = if call.request.method() == Method::HEAD { Pulled::Headers } else { Pulled::Manifest };
    api.registry.note_pull(&call.ctx, name, &reference, (&manifest.digest, pulled));
    let described = described(&manifest);
    if headers::has_already(call.request.headers(), &manifest.digest) {
        return Ok((StatusCode::NOT_MODIFIED, described).into_response());
    }
    let length = [(header::CONTENT_LENGTH, HeaderValue::from(manifest.bytes.len()))];
    Ok((described, length, Body::from(manifest.bytes)).into_response())
}

pub(crate) async fn put(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, reference) = target(&call.target)?;
    let tags = call.parameters.tags()?;
    let request_headers = call.request.headers();
    let content_type = headers::single(request_headers, &header::CONTENT_TYPE)?.map(str::to_owned);
    let precondition = headers::precondition(request_headers)?;
    let bytes = read(call.request).await?;
    let new = NewManifest { reference, tags, content_type, precondition, bytes };
    let accepted = api.registry.put_manifest(&call.ctx, name, &new).await?;
    let mut headers = HeaderMap::from_iter([
        (
            header::LOCATION,
            headers::value(format_args!("/v2/{}/manifests/{}", call.names.outward(name), accepted.digest)),
        ),
        (DOCKER_CONTENT_DIGEST, headers::value(accepted.digest)),
        (header::ETAG, headers::etag(&accepted.digest)),
        (header::CONTENT_LENGTH, HeaderValue::from_static("0")),
    ]);
    if let Some(subject) = accepted.subject {
        headers.insert(OCI_SUBJECT, headers::value(subject));
    }
    for tag in &new.tags {
        headers.append(OCI_TAG, headers::value(tag));
    }
    let warning = api.registry.quota_warning(&call.ctx, name);
    Ok((StatusCode::CREATED, headers, headers::warning(warning), ()).into_response())
}

pub(crate) async fn delete(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, reference) = target(&call.target)?;
    let precondition = headers::precondition(call.request.headers())?;
    match &reference {
        Reference::Tag(tag) => api.registry.delete_tag(&call.ctx, name, tag, &precondition).await?,
        Reference::Digest(digest) => api.registry.delete_manifest(&call.ctx, name, digest, &precondition).await?,
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn target(target: &Target) -> Result<(&RepositoryName, Reference), OciError> {
    let Target::Manifest(name, reference) = target else { return Err(OciError::misrouted()) };
    let reference = reference.parse().map_err(|error: ReferenceError| {
        let code =
            if matches!(error, ReferenceError::Digest(_)) { ErrorCode::DigestInvalid } else { ErrorCode::TagInvalid };
        OciError::new(code, error.to_string())
    })?;
    Ok((name, reference))
}

/// Reads a manifest, at most [`MAX_MANIFEST_BYTES`]: what is longer is refused without being read to its end.
async fn read(request: Request<Body>) -> Result<Bytes, OciError> {
    let body = Limited::new(request.into_body(), MAX_MANIFEST_BYTES);
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let size_bytes = MAX_MANIFEST_BYTES.saturating_add(1);
            Err(OciError::new(ErrorCode::ManifestInvalid, ManifestError::TooLarge { size_bytes }.to_string())
                .with_status(StatusCode::PAYLOAD_TOO_LARGE))
        }
        Err(error) => {
            Err(OciError::new(ErrorCode::ManifestInvalid, format!("the manifest did not arrive whole: {error}")))
        }
    }
}

fn described(manifest: &StoredManifest) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, headers::value(&manifest.media_type)),
        (header::ETAG, headers::etag(&manifest.digest)),
        (header::VARY, HeaderValue::from_static("Accept")),
        (DOCKER_CONTENT_DIGEST, headers::value(manifest.digest)),
    ])
}
