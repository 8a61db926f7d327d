//! Pushing as clients push. Spec: distribution-spec, end-4a (open), end-5 (chunk), end-6 (commit), end-7 (manifest).

use anyhow::{Context as _, Result};

use crate::content::{Blob, Image, LargeBlob, MANIFEST_TYPE};
use crate::http::{Body, Connection};

const OCTETS: &str = "application/octet-stream";

/// POST and PUT, as containerd and BuildKit do it.
pub(crate) async fn push_blob(connection: &mut Connection, repository: &str, blob: &Blob) -> Result<()> {
    let upload = open(connection, repository).await?;
    let end = ending(&upload, &blob.digest);
    connection.give("PUT", &end, OCTETS, &blob.bytes).await?.expect(201).map(drop)
}

/// POST, PATCH and PUT, as docker and skopeo do it with blobs of any size.
async fn push_streamed(connection: &mut Connection, repository: &str, blob: &Blob) -> Result<()> {
    let upload = open(connection, repository).await?;
    let answer = connection.give("PATCH", &upload, OCTETS, &blob.bytes).await?.expect(202)?;
    let upload = answer.location.context("an upload has a location")?;
    connection.ask("PUT", &ending(&upload, &blob.digest), Body::Keep).await?.expect(201).map(drop)
}

/// The same for a blob that is made while it is sent.
pub(crate) async fn push_large(connection: &mut Connection, repository: &str, blob: &LargeBlob<'_>) -> Result<()> {
    let upload = open(connection, repository).await?;
    let answer = connection.give_large("PATCH", &upload, blob).await?.expect(202)?;
    let upload = answer.location.context("an upload has a location")?;
    connection.ask("PUT", &ending(&upload, &blob.digest), Body::Keep).await?.expect(201).map(drop)
}

/// Links a blob of one repository into another.
pub(crate) async fn mount(connection: &mut Connection, digest: &str, from: &str, repository: &str) -> Result<()> {
    let path = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
    connection.ask("POST", &path, Body::Keep).await?.expect(201).map(drop)
}

/// As `docker push`: asks for each blob, pushes it, and puts the manifest under a tag.
pub(crate) async fn push_image(connection: &mut Connection, repository: &str, image: &Image, tag: &str) -> Result<()> {
    for blob in &image.blobs {
        let path = format!("/v2/{repository}/blobs/{}", blob.digest);
        connection.ask("HEAD", &path, Body::None).await?.expect(404)?;
        push_streamed(connection, repository, blob).await?;
    }
    put_manifest(connection, repository, &image.manifest, tag).await
}

/// Points a tag at a manifest.
pub(crate) async fn put_manifest(conn: &mut Connection, repository: &str, manifest: &Blob, tag: &str) -> Result<()> {
    let path = format!("/v2/{repository}/manifests/{tag}");
    conn.give("PUT", &path, MANIFEST_TYPE, &manifest.bytes).await?.expect(201).map(drop)
}

async fn open(connection: &mut Connection, repository: &str) -> Result<String> {
    let answer = connection.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), Body::Keep).await?.expect(202)?;
    answer.location.context("an upload has a location")
}

fn ending(upload: &str, digest: &str) -> String {
    let separator = if upload.contains('?') { '&' } else { '?' };
    format!("{upload}{separator}digest={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_added_to_either_kind_of_location() {
        assert_eq!(ending("/u/1", "d"), "/u/1?digest=d");
        assert_eq!(ending("/u/1?_state=x", "d"), "/u/1?_state=x&digest=d");
    }
}
