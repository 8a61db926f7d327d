//! One repository as a [`Source`]: for what Wharf itself looks into, on nobody's behalf: jobs.
//!
//! Whose image it is decides nothing here; a use case that somebody asked for takes that caller's context instead.

use bytes::Bytes;
use futures_util::StreamExt as _;
use wharf_context::{Caller, Context, Grant, Grants, Kind, Permission, Permissions, ProjectId, RequestId};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::ports::{BoxFuture, ByteStream, ContentError, ContentErrorKind, Source, TagStream};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use crate::error::Error;
use crate::manifest::Accept;
use crate::referrer::ReferrersQuery;
use crate::registry::Registry;
use crate::repository;

/// What lies in one repository.
#[derive(Debug, Clone)]
pub struct RepositorySource {
    registry: Registry,
    repository: RepositoryName,
    ctx: Context,
}

impl Registry {
    /// What lies in a repository; `None` where there is no such repository.
    pub async fn open_source(&self, repository: &RepositoryName) -> Result<Option<RepositorySource>, Error> {
        let project = repository::store::project_of(&self.db, repository).await?;
        Ok(project.map(|project| RepositorySource {
            registry: self.clone(),
            repository: repository.clone(),
            ctx: by_wharf(repository, project),
        }))
    }
}

/// Wharf itself, which reads this one repository.
fn by_wharf(repository: &RepositoryName, project: ProjectId) -> Context {
    let grant = Grant {
        repository: repository.clone(),
        project: Some(project),
        granted: Permissions::of(&[Permission::Pull]),
        refused: Permissions::NONE,
    };
    Context::new(Caller::system(), RequestId::generate(), None, Grants(vec![grant]))
}

impl RepositorySource {
    async fn stored(&self, reference: &Reference) -> Result<crate::StoredManifest, ContentError> {
        let stored = self.registry.get_manifest(&self.ctx, &self.repository, reference, &Accept::Anything).await;
        stored.map_err(content_error)
    }

    async fn open(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream, Error> {
        let blob = self.registry.find_blob(&self.ctx, &self.repository, &descriptor.digest).await?;
        if offset >= blob.size_bytes {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        let range = (offset > 0).then_some(offset..blob.size_bytes);
        let reader = self.registry.read_blob(&blob, range).await?;
        let failed = |source| content_error(Error::Store { operation: "read a blob".to_owned(), source });
        Ok(Box::pin(reader.map(move |piece| piece.map_err(failed))))
    }

    async fn all_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let mut query = ReferrersQuery::of(*subject);
        let mut found = Vec::new();
        loop {
            let page = self.registry.list_referrers(&self.ctx, &self.repository, &query).await?;
            found.extend(page.descriptors);
            let is_enough = found.len() >= wharf_oci::ports::MAX_REFERRERS;
            found.truncate(wharf_oci::ports::MAX_REFERRERS);
            match page.next {
                Some(next) if !is_enough => query.last = next,
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// The tags after `last`, page by page.
    async fn tags_after(&self, last: Option<Tag>) -> Result<(Vec<Tag>, bool), Error> {
        let last = last.as_ref().map(Tag::as_str);
        let page = self.registry.list_tags(&self.ctx, &self.repository, last, None).await?;
        Ok((page.entries, page.has_more))
    }
}

impl Source for RepositorySource {
    fn describe(&self) -> String {
        self.repository.to_string()
    }

    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        Box::pin(async move {
            let latest = || "latest".parse().map(Reference::Tag).expect("`latest` is a tag");
            let stored = self.stored(&reference.cloned().unwrap_or_else(latest)).await?;
            Ok(Descriptor::new(stored.media_type, stored.digest, stored.bytes.len() as u64))
        })
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        Box::pin(async move { Ok(self.stored(&Reference::Digest(descriptor.digest)).await?.bytes) })
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        Box::pin(async move { self.open(descriptor, offset).await.map_err(content_error) })
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        Box::pin(async move { self.all_referrers(subject).await.map_err(content_error) })
    }

    fn tags(&self) -> TagStream<'_> {
        let pages = futures_util::stream::try_unfold(Some(None), move |last| async move {
            let Some(last) = last else { return Ok(None) };
            let (tags, has_more) = self.tags_after(last).await.map_err(content_error)?;
            let next = tags.last().filter(|_| has_more).cloned().map(Some);
            Ok(Some((futures_util::stream::iter(tags.into_iter().map(Ok)), next)))
        });
        Box::pin(futures_util::TryStreamExt::try_flatten(pages))
    }
}

/// The same failure in the words of sources.
fn content_error(error: Error) -> ContentError {
    let kind = match error.kind() {
        Kind::NotFound => ContentErrorKind::NotFound,
        Kind::Denied => ContentErrorKind::Denied,
        Kind::Unauthenticated => ContentErrorKind::Unauthenticated,
        Kind::Invalid => ContentErrorKind::Invalid,
        Kind::Conflict => ContentErrorKind::Conflict,
        Kind::Exhausted => ContentErrorKind::Exhausted,
        Kind::Throttled | Kind::Unavailable => ContentErrorKind::Unavailable,
        Kind::Internal => ContentErrorKind::Internal,
    };
    ContentError::caused(kind, "cannot read from the registry", error)
}
