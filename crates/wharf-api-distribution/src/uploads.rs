//! Uploads: end-4, end-5, end-6, end-11, end-13 and their end by the client.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use uuid::Uuid;
use wharf_context::Context;
use wharf_oci::code::ErrorCode;
use wharf_oci::{Algorithm, Digest, RepositoryName};
use wharf_registry::Upload;
use wharf_registry::blob::MountSource;
use wharf_registry::upload::{BodyError, Chunk, UploadEnd};

use crate::api::{Api, Call};
use crate::authenticate;
use crate::content_range;
use crate::error::OciError;
use crate::headers::{self, DOCKER_CONTENT_DIGEST, DOCKER_UPLOAD_UUID};
use crate::names::Names;
use crate::parameters::Parameters;
use crate::route::Target;

/// Opens an upload; with `mount`, links a blob instead; with `digest`, takes the whole blob at once.
pub(crate) async fn post(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let Target::Uploads(name) = &call.target else { return Err(OciError::misrouted()) };
    let (mount, digest) = (call.parameters.digest("mount")?, call.parameters.digest("digest")?);
    let algorithm = match (call.parameters.get("digest-algorithm")?, mount, digest) {
        (Some(text), ..) => {
            text.parse().map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("{error}")))?
        }
        (None, Some(digest), _) | (None, None, Some(digest)) => digest.algorithm(),
        (None, None, None) => Algorithm::Sha256,
    };
    match (mount, digest) {
        (Some(_), Some(_)) => {
            Err(OciError::new(ErrorCode::Unsupported, "`mount` and `digest` are two different requests").bad_request())
        }
        (Some(mount), None) if mounted(api, (&call.ctx, call.names, &call.parameters), name, &mount).await? => {
            Ok(created(api, (&call.ctx, call.names), name, &mount))
        }
        (None, Some(digest)) => {
            let name = name.clone();
            api.registry.push_blob(&call.ctx, &name, &digest, chunk(call.request)?).await?;
            Ok(created(api, (&call.ctx, call.names), &name, &digest))
        }
        (_, None) => {
            let upload = api.registry.open_upload(&call.ctx, name, algorithm).await?;
            Ok((StatusCode::ACCEPTED, state(call.names.outward(name), upload)).into_response())
        }
    }
}

/// Tries to link the blob from the named repository, or from any that the caller may see.
async fn mounted(
    api: &Api,
    (ctx, names, parameters): (&Context, Names<'_>, &Parameters),
    name: &RepositoryName,
    digest: &Digest,
) -> Result<bool, OciError> {
    let from = authenticate::mount_source(parameters, names)?;
    let found = match &from {
        Some(source) => api.registry.mount_blob(ctx, name, digest, MountSource::Repository(source)).await?,
        None => {
            // The blob's owner is looked for among what the caller may read, whatever the token was issued for: names
            // are not told, and bytes that the caller can read anyway are linked.
            let visible = api.identity.mountable(ctx).await?;
            api.registry.mount_blob(ctx, name, digest, MountSource::Anywhere(&visible)).await?
        }
    };
    Ok(found.is_some())
}

pub(crate) async fn patch(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, id) = target(&call.target)?;
    let upload = api.registry.append_upload(&call.ctx, &name, id, chunk(call.request)?).await?;
    Ok((StatusCode::ACCEPTED, state(call.names.outward(&name), upload)).into_response())
}

pub(crate) async fn put(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, id) = target(&call.target)?;
    let digest = call.parameters.digest("digest")?.ok_or_else(|| {
        OciError::new(ErrorCode::DigestInvalid, "the request that ends an upload names the blob's digest: `?digest=…`")
    })?;
    let last = (!is_empty(&call.request)).then(|| chunk(call.request)).transpose()?;
    api.registry.commit_upload(&call.ctx, &name, UploadEnd { id, digest, last }).await?;
    Ok(created(api, (&call.ctx, call.names), &name, &digest))
}

pub(crate) async fn get(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, id) = target(&call.target)?;
    let upload = api.registry.get_upload(&call.ctx, &name, id).await?;
    Ok((StatusCode::NO_CONTENT, state(call.names.outward(&name), upload)).into_response())
}

pub(crate) async fn delete(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let (name, id) = target(&call.target)?;
    api.registry.delete_upload(&call.ctx, &name, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn target(target: &Target) -> Result<(RepositoryName, Uuid), OciError> {
    let Target::Upload(name, id) = target else { return Err(OciError::misrouted()) };
    let id = Uuid::try_parse(id)
        .map_err(|_| OciError::new(ErrorCode::BlobUploadUnknown, "the upload is not known; begin a new one"))?;
    Ok((name.clone(), id))
}

/// A request that says that it brings nothing: then there is no chunk, whatever its `Content-Range` says.
fn is_empty(request: &Request<Body>) -> bool {
    use http_body::Body as _;
    request.body().is_end_stream() && !request.headers().contains_key(header::CONTENT_RANGE)
}

fn chunk(request: Request<Body>) -> Result<Chunk, OciError> {
    let range = content_range::read(request.headers())?;
    let length_bytes = http_body::Body::size_hint(request.body()).exact();
    let body = request.into_body().into_data_stream().map(|piece| piece.map_err(BodyError::broken));
    Ok(Chunk { range, length_bytes, body: Box::pin(body) })
}

fn created(api: &Api, (ctx, names): (&Context, Names<'_>), name: &RepositoryName, digest: &Digest) -> Response {
    let headers = [
        (header::LOCATION, headers::blob_location(names.outward(name), digest)),
        (DOCKER_CONTENT_DIGEST, headers::value(digest)),
        (header::CONTENT_LENGTH, HeaderValue::from_static("0")),
    ];
    let warning = api.registry.quota_warning(ctx, name);
    (StatusCode::CREATED, headers, headers::warning(warning), ()).into_response()
}

fn state(name: &str, upload: Upload) -> HeaderMap {
    HeaderMap::from_iter([
        (header::LOCATION, headers::value(format_args!("/v2/{name}/blobs/uploads/{}", upload.id))),
        (header::RANGE, headers::value(headers::upload_range(upload.offset_bytes))),
        (DOCKER_UPLOAD_UUID, headers::value(upload.id)),
        (header::CONTENT_LENGTH, HeaderValue::from_static("0")),
    ])
}
