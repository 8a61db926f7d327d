//! Mirrors: other registries that are asked for the same content first.
//!
//! A mirror may be away, behind, or have only some of it: what it cannot give comes from where it belongs. Content is
//! compared with its digest like everybody's; what a tag means is believed of a mirror that was named for that.

use bytes::Bytes;
use wharf_oci::ports::{BoxFuture, ByteStream, Origin, TagStream};
use wharf_oci::{ContentError, Descriptor, Digest, Reference, Source};

use crate::repository::Repository;

/// A repository with mirrors in front of it.
#[derive(Debug, Clone)]
pub struct Mirrored {
    mirrors: Vec<Repository>,
    origin: Repository,
}

impl Mirrored {
    /// `mirrors` are asked in their order, then `origin`.
    pub fn new(mirrors: Vec<Repository>, origin: Repository) -> Self {
        Self { mirrors, origin }
    }

    /// The first answer that is one. What is wrong with a mirror is no concern of the caller's; what the origin says is.
    async fn first<'a, T>(
        &'a self,
        ask: impl Fn(&'a Repository) -> BoxFuture<'a, Result<T, ContentError>>,
    ) -> Result<T, ContentError> {
        for mirror in &self.mirrors {
            match ask(mirror).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::debug!(mirror = %Source::describe(mirror), error = %error, "the mirror has it not")
                }
            }
        }
        ask(&self.origin).await
    }
}

impl Source for Mirrored {
    fn describe(&self) -> String {
        Source::describe(&self.origin)
    }

    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(self.first(move |repository| repository.resolve(reference)))
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        Box::pin(self.first(move |repository| repository.manifest(descriptor)))
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        Box::pin(self.first(move |repository| repository.blob(descriptor, offset)))
    }

    /// Mirrors rarely have signatures, and say "none" then: only the origin knows.
    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        self.origin.referrers(subject)
    }

    fn tags(&self) -> TagStream<'_> {
        self.origin.tags()
    }

    fn origin(&self) -> Option<Origin> {
        self.origin.origin()
    }
}
