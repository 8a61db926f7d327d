//! The bucket: S3's operations as this store needs them, each with its trouble.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use http::Method;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload,
};

use super::abilities::Abilities;
use super::transport::Transport;
use super::trouble::Trouble;

/// An open bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) store: AmazonS3,
    /// Signs for the address that clients reach; `None` where nothing can be presigned.
    pub(super) signer: Option<AmazonS3>,
    pub(super) transport: Transport,
    pub(super) attributes: Attributes,
    pub(super) abilities: Abilities,
}

/// What an object is found with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) size_bytes: u64,
    /// Time since it was put, by the endpoint's clock and this machine's.
    pub(super) age: Duration,
}

impl Facts {
    fn of(object: &ObjectMeta) -> Self {
        let put = UNIX_EPOCH + Duration::from_secs(u64::try_from(object.last_modified.timestamp()).unwrap_or(0));
        Self { size_bytes: object.size, age: put.elapsed().unwrap_or(Duration::ZERO) }
    }
}

/// An object in a list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) path: Path,
    pub(super) facts: Facts,
}

/// What of a list is wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) after: Option<String>,
    pub(super) page: Option<String>,
    pub(super) limit: usize,
}

impl Bucket {
    pub(super) async fn put(&self, path: &Path, pieces: Vec<Bytes>) -> Result<(), Trouble> {
        self.put_by(path, pieces, PutMode::Overwrite).await
    }

    /// Puts an object under a name under which there is none: as far as the endpoint can tell ([`Trouble::is_taken`]).
    pub(super) async fn put_new(&self, path: &Path, pieces: Vec<Bytes>) -> Result<(), Trouble> {
        let mode = if self.abilities.conditional_put { PutMode::Create } else { PutMode::Overwrite };
        self.put_by(path, pieces, mode).await
    }

    pub(super) async fn put_by(&self, path: &Path, pieces: Vec<Bytes>, mode: PutMode) -> Result<(), Trouble> {
        let options = PutOptions { mode, attributes: self.attributes.clone(), ..PutOptions::default() };
        let put = self.store.put_opts(path, PutPayload::from_iter(pieces), options).await;
        put.map(drop).map_err(trouble)
    }

    /// Reads a small object.
    pub(super) async fn get(&self, path: &Path) -> Result<Bytes, Trouble> {
        self.store.get(path).await.map_err(trouble)?.bytes().await.map_err(trouble)
    }

    pub(super) async fn read(&self, path: &Path, range: Option<Range<u64>>) -> Result<GetResult, Trouble> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        self.store.get_opts(path, options).await.map_err(trouble)
    }

    /// `None` where there is no such object.
    pub(super) async fn facts(&self, path: &Path) -> Result<Option<Facts>, Trouble> {
        match self.store.head(path).await.map_err(trouble) {
            Ok(object) => Ok(Some(Facts::of(&object))),
            Err(trouble) if trouble.is_not_found() => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Deletes objects, by the thousand where the endpoint can; what is not there is no trouble. All are tried.
    pub(super) async fn delete(&self, paths: Vec<Path>) -> Result<(), Trouble> {
        let deleted: BoxStream<'_, _> = if self.abilities.multi_delete && paths.len() > 1 {
            self.store.delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed())
        } else {
            let delete = |path| async move { self.store.delete(&path).await.map(|()| path) };
            stream::iter(paths).map(delete).buffer_unordered(16).boxed()
        };
        let mut first = Ok(());
        let mut failed = deleted.filter_map(async |deleted| deleted.map_err(trouble).err()).boxed();
        while let Some(trouble) = failed.next().await {
            if !trouble.is_not_found() && first.is_ok() {
                first = Err(trouble);
            }
        }
        first
    }

    /// One page of the objects whose names begin with `prefix`, and what asks for the next one.
    pub(super) async fn page(&self, prefix: &str, wanted: Wanted) -> Result<(Vec<Listed>, Option<String>), Trouble> {
        let options = PaginatedListOptions {
            offset: wanted.after,
            page_token: wanted.page,
            max_keys: Some(wanted.limit.clamp(1, 1000)),
            ..PaginatedListOptions::default()
        };
        let page = self.store.list_paginated(Some(prefix), options).await.map_err(trouble)?;
        let listed = |object: ObjectMeta| Listed { facts: Facts::of(&object), path: object.location };
        Ok((page.result.objects.into_iter().map(listed).collect(), page.page_token))
    }

    /// All objects whose names begin with `prefix`.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Trouble> {
        let mut wanted = Wanted { limit: 1000, ..Wanted::default() };
        let mut all = Vec::new();
        loop {
            let (page, next) = self.page(prefix, wanted.clone()).await?;
            all.extend(page);
            if next.is_none() {
                return Ok(all);
            }
            wanted.page = next;
        }
    }

    pub(super) async fn begin_parts(&self, path: &Path) -> Result<String, Trouble> {
        let options = PutMultipartOptions { attributes: self.attributes.clone(), ..PutMultipartOptions::default() };
        self.store.create_multipart_opts(path, options).await.map_err(trouble)
    }

    /// Puts the part after `index` others; its tag names it when the parts are put together.
    pub(super) async fn put_part(
        &self,
        path: &Path,
        id: &str,
        index: usize,
        pieces: Vec<Bytes>,
    ) -> Result<String, Trouble> {
        let put = self.store.put_part(path, &id.to_owned(), index, PutPayload::from_iter(pieces)).await;
        put.map(|part| part.content_id).map_err(trouble)
    }

    /// Makes the object out of its parts.
    pub(super) async fn complete(&self, path: &Path, id: &str, tags: Vec<String>) -> Result<(), Trouble> {
        let parts = tags.into_iter().map(|content_id| PartId { content_id }).collect();
        self.store.complete_multipart(path, &id.to_owned(), parts).await.map(drop).map_err(trouble)
    }

    /// Drops parts; an upload that is not there is no trouble.
    pub(super) async fn abort(&self, path: &Path, id: &str) -> Result<(), Trouble> {
        match self.store.abort_multipart(path, &id.to_owned()).await.map_err(trouble) {
            Err(trouble) if !trouble.is_not_found() => Err(trouble),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) async fn presign(&self, path: &Path, valid: Duration) -> Result<Option<String>, Trouble> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let url = signer.signed_url(Method::GET, path, valid).await.map_err(trouble)?;
        Ok(Some(url.into()))
    }
}

fn trouble(error: object_store::Error) -> Trouble {
    Trouble::from_store(&error)
}

/// What each object is put with.
pub(super) fn attributes(storage_class: Option<&str>) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, "application/octet-stream".into());
    if let Some(class) = storage_class {
        attributes.insert(Attribute::StorageClass, class.to_owned().into());
    }
    attributes
}
