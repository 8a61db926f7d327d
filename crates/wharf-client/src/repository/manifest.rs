//! Manifests of a repository.
//!
//! Spec: distribution-spec, end-3 (get), end-7 (put), end-9 (delete).

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use wharf_oci::manifest::MAX_MANIFEST_BYTES;
use wharf_oci::{Algorithm, Descriptor, Digest, Manifest, MediaType, Reference, Tag};

use super::{Action, Repository};
use crate::call::Call;
use crate::error::Error;

/// The digest of a manifest, in answers.
const CONTENT_DIGEST: &str = "docker-content-digest";
/// Said by registries that keep the referrers of a manifest's subject.
const SUBJECT: &str = "oci-subject";

impl Repository {
    /// The manifest that a reference names, and its bytes: of the digest that was asked for, if it was one.
    pub async fn get_manifest(&self, reference: &Reference) -> Result<(Descriptor, Bytes), Error> {
        let call = self.manifest_call(Method::GET, "get", reference, Action::Pull).await?;
        let (head, body) = self.registry.call(&call).await?.into_parts();
        let bytes = self.registry.line().await?.collect(&call.what, body, MAX_MANIFEST_BYTES).await?;
        let digest = match (reference, said_digest(&head.headers)) {
            (Reference::Digest(digest), _) => *digest,
            (Reference::Tag(_), Some(digest)) => digest,
            (Reference::Tag(_), None) => Digest::of(Algorithm::Sha256, &bytes),
        };
        if !digest.matches(&bytes) {
            let other = Digest::of(digest.algorithm(), &bytes);
            return Err(Error::answer(&call.what, format!("what came is not `{digest}`, but `{other}`")));
        }
        let media_type = media_type(&call.what, &head.headers)?;
        Ok((Descriptor::new(media_type, digest, bytes.len() as u64), bytes))
    }

    /// What the registry says of the manifest that a reference names.
    pub async fn head_manifest(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let call = self.manifest_call(Method::HEAD, "find", reference, Action::Pull).await?;
        let answer = self.registry.call(&call).await?;
        let headers = answer.headers();
        let digest = match reference {
            Reference::Digest(digest) => Some(*digest),
            Reference::Tag(_) => said_digest(headers),
        };
        let size = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        match (digest, size) {
            (Some(digest), Some(size)) => Ok(Descriptor::new(media_type(&call.what, headers)?, digest, size)),
            // Some registries say less to HEAD.
            _ => Ok(self.get_manifest(reference).await?.0),
        }
    }

    /// Stores a manifest under its digest, or under a tag. Whether the registry keeps the list of its subject's
    /// referrers is the result.
    pub(super) async fn put_manifest_at(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<bool, Error> {
        let mut call = self.manifest_call(Method::PUT, "put", reference, Action::Push).await?;
        call.headers.remove(header::ACCEPT);
        call.body = bytes;
        let answer = self.registry.call(&call.with(header::CONTENT_TYPE, media_type)).await?;
        Ok(answer.headers().contains_key(SUBJECT))
    }

    /// Points a tag to a manifest that the repository has.
    pub async fn tag(&self, reference: &Reference, tag: &Tag) -> Result<Descriptor, Error> {
        let (descriptor, bytes) = self.get_manifest(reference).await?;
        self.put_manifest_at(&Reference::Tag(tag.clone()), &descriptor.media_type, bytes).await?;
        Ok(descriptor)
    }

    /// Deletes a tag, or a manifest with all its tags.
    pub async fn delete(&self, reference: &Reference) -> Result<(), Error> {
        let call = self.manifest_call(Method::DELETE, "delete", reference, Action::Delete).await?;
        self.registry.call(&call).await.map(drop)
    }

    async fn manifest_call(
        &self,
        method: Method,
        verb: &str,
        reference: &Reference,
        action: Action,
    ) -> Result<Call, Error> {
        let what = format!("{verb} {}", self.of(&format!("manifest `{reference}`")));
        let url = self.url(&format!("manifests/{reference}")).await?;
        let accepted = MediaType::ALL.map(MediaType::as_str).join(", ");
        Ok(Call::new(what, method, url, self.scope(action)).with(header::ACCEPT, &accepted))
    }
}

/// The digest that an answer says its manifest has.
fn said_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

/// A manifest's type is what its registry says: that is what it was pushed as.
fn media_type(what: &str, headers: &HeaderMap) -> Result<String, Error> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = MediaType::from_header(said);
    known.map(|known| known.as_str().to_owned()).ok_or_else(|| {
        let said: String = said.chars().take(100).collect();
        Error::answer(what, format!("the registry calls it `{said}`, which is no manifest's type"))
    })
}

/// Reads a manifest whose digest has been compared.
pub(super) fn parse(what: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<Manifest, Error> {
    Manifest::parse(Some(&descriptor.media_type), bytes).map_err(|error| Error::answer(what, error.to_string()))
}
