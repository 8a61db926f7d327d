//! What governance asks of whoever speaks to other registries and holds the registry's key.

use std::fmt;

use url::Url;
use wharf_oci::dsse::Envelope;
use wharf_oci::{ContentError, Digest, RepositoryName, Source, Tag};

use super::{BoxFuture, Failure};

/// Something that is to be at another registry.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// Where it lies.
    pub source: &'a dyn Source,
    /// `https://HOST[/PREFIX]`.
    pub url: &'a Url,
    /// Account and secret there.
    pub login: Option<(&'a str, &'a str)>,
    /// Its repository, which stands below the prefix there.
    pub repository: &'a RepositoryName,
    /// What.
    pub digest: &'a Digest,
    /// The tags that are to point at it there.
    pub tags: &'a [Tag],
}

/// Carries things to other registries.
pub trait Transfer: fmt::Debug + Send + Sync {
    /// Whether an address may be gone to; else the reason.
    fn check(&self, url: &Url) -> Result<(), Failure>;

    /// Carries something with all that refers to it, and reads back that it is there: each manifest byte for byte, each blob
    /// by digest and size, each tag. What is there already is not sent again.
    fn carry<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<(), ContentError>>;
}

/// Signs documents with the registry's own key.
pub trait DocumentSigner: fmt::Debug + Send + Sync {
    /// The document with its signature.
    fn sign<'a>(&'a self, payload_type: &'a str, payload: Vec<u8>) -> BoxFuture<'a, Result<Envelope, Failure>>;
}
