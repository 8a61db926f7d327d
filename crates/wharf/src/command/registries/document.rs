//! Manifests and configs as documents, compared with their digests before anything is read in them.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde_json::Value;
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::ports::Verifier;
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Manifest, Source};

use super::endpoint::Reading;
use super::error::Error;

/// Whether a config is that of an image with a file system.
pub(crate) fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json")
}

/// The manifest that is meant, read.
pub(crate) async fn manifest(from: &Reading) -> Result<(Descriptor, Manifest), Error> {
    let (descriptor, bytes) = raw_manifest(from).await?;
    let manifest = parse(&descriptor, &bytes)?;
    Ok((descriptor, manifest))
}

/// The manifest that is meant, as it is stored.
pub(crate) async fn raw_manifest(from: &Reading) -> Result<(Descriptor, Bytes), Error> {
    let descriptor = from.source.resolve(from.reference.as_ref()).await?;
    let bytes = from.source.manifest(&descriptor).await?;
    if bytes.len() as u64 != descriptor.size || !descriptor.digest.matches(&bytes) {
        return Err(refused(&descriptor, "its bytes are something else").into());
    }
    Ok((descriptor, bytes))
}

pub(crate) fn parse(descriptor: &Descriptor, bytes: &[u8]) -> Result<Manifest, Error> {
    let read = Manifest::parse(Some(&descriptor.media_type), bytes);
    Ok(read.map_err(|error| refused(descriptor, &error.to_string()))?)
}

/// A small blob.
pub(crate) async fn blob(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    if descriptor.size > MAX_MANIFEST_BYTES as u64 {
        return Err(refused(descriptor, "it is too large to be shown").into());
    }
    let (mut verifier, mut bytes) = (Verifier::new(descriptor), Vec::new());
    let mut stream = source.blob(descriptor, 0).await?;
    while let Some(piece) = stream.try_next().await? {
        verifier.update(verifier.position(), &piece)?;
        bytes.extend_from_slice(&piece);
    }
    verifier.finish()?;
    Ok(bytes)
}

/// A small blob that is JSON.
pub(crate) async fn json(source: &dyn Source, descriptor: &Descriptor) -> Result<Value, Error> {
    let bytes = blob(source, descriptor).await?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| refused(descriptor, &error.to_string()))?)
}

fn refused(descriptor: &Descriptor, reason: &str) -> ContentError {
    ContentError::new(ContentErrorKind::Invalid, format!("cannot read `{}`: {reason}", descriptor.digest))
}
