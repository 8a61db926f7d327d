//! A repository as a source and a sink of content.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use wharf_oci::ports::{Arrival, BoxFuture, ByteStream, Origin, Progress, TagStream};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest, Reference, Sink, Source, Tag};

use super::{Repository, manifest};
use crate::error::Error;

/// The tag that is meant where none is said.
const DEFAULT_TAG: &str = "latest";

impl Source for Repository {
    fn describe(&self) -> String {
        format!("{}/{}", self.registry.host(), self.name)
    }

    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async move {
            let latest = Reference::Tag(DEFAULT_TAG.parse().expect("it is a tag"));
            Ok(self.head_manifest(reference.unwrap_or(&latest)).await?)
        })
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        Box::pin(async move { Ok(self.get_manifest(&Reference::Digest(descriptor.digest)).await?.1) })
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        Box::pin(async move { Ok(self.read_blob(descriptor, offset).await?) })
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async move { Ok(self.list_referrers(subject).await?) })
    }

    fn tags(&self) -> TagStream<'_> {
        Box::pin(self.list_tags().map_err(ContentError::from))
    }

    fn origin(&self) -> Option<Origin> {
        Some(Origin { registry: self.registry.host().clone(), repository: self.name.clone() })
    }
}

impl Sink for Repository {
    fn describe(&self) -> String {
        Source::describe(self)
    }

    fn has_blob<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        Box::pin(async move { Ok(Self::has_blob(self, descriptor, true).await?) })
    }

    fn has_manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<bool, ContentError>> {
        Box::pin(async move {
            match self.head_manifest(&Reference::Digest(descriptor.digest)).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == ContentErrorKind::NotFound => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn put_blob<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        source: &'a dyn Source,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Arrival, ContentError>> {
        Box::pin(async move { Ok(self.push_blob(descriptor, source, progress).await?) })
    }

    fn put_manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        bytes: Bytes,
        tags: &'a [Tag],
    ) -> BoxFuture<'a, Result<(), ContentError>> {
        Box::pin(async move { Ok(self.store(descriptor, bytes, tags).await?) })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), ContentError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Repository {
    /// Stores a manifest under its tags, or under its digest where it has none, and sees that its subject's list has it.
    async fn store(&self, descriptor: &Descriptor, bytes: Bytes, tags: &[Tag]) -> Result<(), Error> {
        let what = format!("read {}", self.of(&format!("manifest `{}`", descriptor.digest)));
        let manifest = manifest::parse(&what, descriptor, &bytes)?;
        let mut references: Vec<Reference> = tags.iter().cloned().map(Reference::Tag).collect();
        if references.is_empty() {
            references.push(Reference::Digest(descriptor.digest));
        }
        let mut keeps_list = false;
        for reference in &references {
            keeps_list = self.put_manifest_at(reference, &descriptor.media_type, bytes.clone()).await?;
        }
        if let Some(subject) = manifest.subject.as_ref().filter(|_| !keeps_list) {
            self.list_under_tag(&subject.digest, manifest.descriptor(descriptor.digest, descriptor.size)).await?;
        }
        Ok(())
    }
}
