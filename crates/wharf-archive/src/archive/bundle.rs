//! Bundles: one image's OCI layout in the cold place, readable without Wharf.
//!
//! ```text
//! REPOSITORY/OCI/sha256-HEX/oci-layout, index.json      as the image-spec says; `skopeo inspect oci:FOLDER:TAG` reads it
//! REPOSITORY/OCI/sha256-HEX/blobs/sha256/HEX            manifests, configs, layers
//! REPOSITORY/OCI/sha256-HEX/records.json                what the registry knew about it
//! ```
//! No part of a repository's name has capital letters, so no repository's bundles lie within another's bundle.
//! Spec: image-spec, image-layout.md.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use wharf_blob::{Body, BodyError, ColdPlace, Failure, ObjectName, Reader, body};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::media_type::MediaType;
use wharf_oci::ports::{ByteStream, Hashing};
use wharf_oci::{Digest, RepositoryName, Tag};

use super::Contents;
use crate::error::Error;

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The annotation that a manifest's name in a layout stands in.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The bundle of an image.
#[derive(Debug)]
pub(crate) struct Bundle<'a> {
    cold: &'a dyn ColdPlace,
    base: ObjectName,
}

impl<'a> Bundle<'a> {
    /// The bundle of an image of a repository, whether it is there or not.
    pub(crate) fn of(cold: &'a dyn ColdPlace, repository: &RepositoryName, digest: &Digest) -> Result<Self, Error> {
        let name = format!("{repository}/OCI/{}-{}", digest.algorithm(), digest.hex());
        let base = name.parse().map_err(|_| Error::NoBundleName { repository: repository.clone() })?;
        Ok(Self { cold, base })
    }

    /// Where it is, as people write it.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.cold.describe().trim_end_matches('/'), self.base)
    }

    /// Whether it has a blob of that size. What it says is proven by [`Bundle::verify`].
    pub(super) async fn has(&self, digest: &Digest, size_bytes: u64) -> Result<bool, Error> {
        Ok(self.cold.size(&self.blob(digest)?).await.map_err(cold)? == Some(size_bytes))
    }

    pub(super) async fn put(&self, digest: &Digest, bytes: ByteStream) -> Result<(), Error> {
        let body: Body = Box::pin(bytes.map_err(BodyError::broken));
        self.cold.put(&self.blob(digest)?, body).await.map_err(cold)?;
        Ok(())
    }

    pub(super) async fn put_document(&self, name: &str, document: impl Into<Bytes>) -> Result<(), Error> {
        self.cold.put(&self.name(name)?, body::whole(document)).await.map_err(cold)?;
        Ok(())
    }

    /// What makes it a layout: the version and the list of what is in it.
    pub(super) async fn put_index(
        &self,
        root: &Digest,
        contents: &Contents,
        children: &BTreeSet<Digest>,
    ) -> Result<(), Error> {
        self.put_document("oci-layout", LAYOUT).await?;
        self.put_document("index.json", index(root, contents, children)).await
    }

    /// Whether a blob reads back as what it is called. One that does not is deleted, so that it is put anew.
    pub(super) async fn verify(&self, digest: &Digest, size_bytes: u64) -> Result<bool, Error> {
        let Some(mut reader) = self.open(digest).await? else { return Ok(false) };
        let mut hashing = Hashing::new(digest.algorithm());
        let mut is_right = reader.size_bytes() == size_bytes;
        while let Some(piece) = reader.next().await.filter(|_| is_right) {
            hashing.update(&piece.map_err(cold)?);
        }
        is_right = is_right && hashing.finish() == *digest;
        if !is_right {
            self.cold.delete(&[self.blob(digest)?]).await.map_err(cold)?;
        }
        Ok(is_right)
    }

    /// A blob's bytes; `None` where it is not there.
    pub(super) async fn open(&self, digest: &Digest) -> Result<Option<Reader>, Error> {
        match self.cold.open(&self.blob(digest)?).await {
            Err(error) if error.failure() == Failure::NotFound => Ok(None),
            opened => opened.map(Some).map_err(cold),
        }
    }

    /// A manifest, whose bytes were compared with its digest.
    pub(super) async fn manifest(&self, digest: &Digest) -> Result<Bytes, Error> {
        let broken = || Error::BundleBroken { place: self.place(), digest: *digest };
        let mut reader = self.open(digest).await?.ok_or_else(broken)?;
        if reader.size_bytes() > MAX_MANIFEST_BYTES as u64 {
            return Err(broken());
        }
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await {
            bytes.extend_from_slice(&piece.map_err(cold)?);
        }
        if digest.matches(&bytes) { Ok(bytes.into()) } else { Err(broken()) }
    }

    fn blob(&self, digest: &Digest) -> Result<ObjectName, Error> {
        self.name(&format!("blobs/{}/{}", digest.algorithm(), digest.hex()))
    }

    fn name(&self, rest: &str) -> Result<ObjectName, Error> {
        let name = format!("{}/{rest}", self.base);
        self.base.join(rest).map_err(|_| Error::BundleName { name })
    }
}

/// The layout's list: the image under each of its names, then what nothing else lists.
fn index(root: &Digest, contents: &Contents, children: &BTreeSet<Digest>) -> String {
    let listed = contents.manifests.iter().filter(|member| member.digest == *root);
    let others = contents.manifests.iter().filter(|member| member.digest != *root);
    let others = others.filter(|member| !children.contains(&member.digest) || is_tagged(contents, &member.digest));
    let mut entries = Vec::new();
    for member in listed.chain(others) {
        let plain = Descriptor::new(member.media_type.clone(), member.digest, member.size_bytes);
        let tags = contents.tags.iter().filter(|tag| tag.digest == member.digest);
        let named: Vec<Descriptor> = tags.map(|tag| named(&plain, &tag.tag)).collect();
        entries.extend(if named.is_empty() { vec![plain] } else { named });
    }
    json!({ "schemaVersion": 2, "mediaType": MediaType::OciIndex.as_str(), "manifests": entries }).to_string()
}

fn is_tagged(contents: &Contents, digest: &Digest) -> bool {
    contents.tags.iter().any(|tag| tag.digest == *digest)
}

fn named(plain: &Descriptor, tag: &Tag) -> Descriptor {
    let mut named = plain.clone();
    named.annotations.insert(REF_NAME.to_owned(), tag.to_string());
    named
}

/// The cold place's failure.
pub(crate) fn cold(source: wharf_blob::Error) -> Error {
    Error::Cold { source }
}
