//! The ports of content: what a copy reads from ([`Source`]) and writes to ([`Sink`]).
//!
//! A registry, an OCI layout and a docker archive each are both. The traits are dyn-compatible, because which two meet
//! is known at run time only. How a copy goes is not known here, but in `wharf-client`; it trusts no source: sizes,
//! digests and depths are checked by the copy and by whoever stores.

pub mod error;
pub mod verify;

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::image_name::RegistryHost;
use crate::name::RepositoryName;
use crate::reference::{Reference, Tag};

pub use error::{ContentError, ContentErrorKind};
pub use verify::{Hashing, Verifier};

/// A future of a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A blob's bytes in pieces of any size.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, ContentError>> + Send>>;
/// Tags, one after the other as they become known.
pub type TagStream<'a> = Pin<Box<dyn Stream<Item = Result<Tag, ContentError>> + Send + 'a>>;
/// Is told how many bytes of a blob have arrived, counted from the blob's beginning. A resumed blob may step back.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// The most referrers of one subject that a source gives: a source that names more is hostile or broken.
pub const MAX_REFERRERS: usize = 10_000;

/// Where content is in a registry, so that a sink in the same registry can mount it instead of taking it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The registry.
    pub registry: RegistryHost,
    /// The repository that the content can be read from.
    pub repository: RepositoryName,
}

/// What content is read from: one repository of a registry, one layout, one archive.
///
/// What it returns is not believed: its caller compares digests and sizes. But it never returns a manifest of more than
/// [`crate::manifest::MAX_MANIFEST_BYTES`], and never more than [`MAX_REFERRERS`].
pub trait Source: Debug + Send + Sync {
    /// How it is called in messages, such as `registry.example.com/app` or `oci:build`.
    fn describe(&self) -> String;

    /// The manifest that a reference names: its digest, media type and size. Without a reference: `latest` in a
    /// registry, elsewhere the one image that is there (several are `Invalid`, none is `NotFound`).
    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>>;

    /// A manifest's bytes, exactly as stored.
    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>>;

    /// A blob's bytes from `offset` (at most its size) to its end.
    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>>;

    /// The manifests whose `subject` is `subject`. A source that keeps no such list answers with an empty one.
    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>>;

    /// All tags.
    fn tags(&self) -> TagStream<'_>;

    /// Where a registry has it.
    fn origin(&self) -> Option<Origin> {
        None
    }
}

/// How a blob came into a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It was there before.
    Existed,
    /// The registry took it from another of its repositories.
    Mounted,
    /// Its bytes were sent.
    Copied,
}

/// What content is written to: one repository of a registry, one layout, one archive.
///
/// Blobs come before the manifests that name them, children before parents; several blobs come at once.
pub trait Sink: Debug + Send + Sync {
    /// How it is called in messages.
    fn describe(&self) -> String;

    /// Whether the blob is there whole.
    fn has_blob<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>>;

    /// Whether the manifest is there.
    fn has_manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>>;

    /// Brings in one blob, whose bytes are read from `source` and compared with the descriptor (see [`Verifier`]). What
    /// breaks in the middle goes on there: the sink opens the source anew at the byte that it has not got yet.
    fn put_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        source: &'a dyn Source,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Arrival, ContentError>>;

    /// Stores a manifest, whose bytes have been compared with the descriptor, and points the tags to it. What has no
    /// tag is still kept.
    fn put_manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        bytes: Bytes,
        tags: &'a [Tag],
    ) -> BoxFuture<'a, Result<(), ContentError>>;

    /// Everything has come: an archive is completed and takes its place. Without this call it leaves nothing behind.
    fn finish(&self) -> BoxFuture<'_, Result<(), ContentError>>;
}
