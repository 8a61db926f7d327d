//! Blobs: immutable bytes, linked into the repositories that may show them.
//!
//! Spec: distribution-spec, end-2 (pull), end-10 (delete), end-11 (mount). The same bytes are stored once, whoever
//! pushes them; a link in `repository_blobs` is what makes them readable. Uploading is in [`crate::upload`].

mod presign;
pub(crate) mod store;

use std::ops::Range;

use wharf_blob::{Failure, Reader, StorageKey};
use wharf_context::{AuthorizeError, Context, Delete, Permit, Pull, Push, Visibility};
use wharf_db::AuditEntry;
use wharf_oci::{Digest, RepositoryName};

use crate::error::Error;
use crate::figures::add;
use crate::ports::Change;
use crate::quota::charge::Payer;
use crate::registry::Registry;
use crate::repository;

/// A blob that the caller may read.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Its digest, in the algorithm that was asked for.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
    pub(crate) storage_key: StorageKey,
    permit: Permit<Pull>,
}

impl Registry {
    /// Finds a blob in a repository without touching its bytes. One statement.
    pub async fn find_blob(&self, ctx: &Context, repository: &RepositoryName, digest: &Digest) -> Result<Blob, Error> {
        let permit = self.permit::<Pull>(ctx, repository)?;
        let found = store::find(&self.db, &permit, digest).await?.ok_or(Error::BlobUnknown(*digest))?;
        Ok(Blob { digest: *digest, size_bytes: found.size_bytes, storage_key: found.storage_key, permit })
    }

    /// Finds a blob for a client that asks whether it has to push it: bytes that are gone count as missing, and a
    /// blob that is due for collection gets new grace when the caller may push.
    pub async fn stat_blob(&self, ctx: &Context, repository: &RepositoryName, digest: &Digest) -> Result<Blob, Error> {
        let permit = self.permit::<Pull>(ctx, repository)?;
        let found = store::find(&self.db, &permit, digest).await?.ok_or(Error::BlobUnknown(*digest))?;
        let blob = Blob { digest: *digest, size_bytes: found.size_bytes, storage_key: found.storage_key, permit };
        let stored =
            self.store.size(&blob.storage_key).await.map_err(Error::store(format!("look at blob `{digest}`")))?;
        if stored != Some(blob.size_bytes) && self.still_there(&blob).await? {
            self.mark_lost(&blob).await?;
            return Err(Error::BlobUnknown(*digest));
        }
        let soon = self.clock.now().plus(self.settings.grace / 2);
        if found.review_after.is_some_and(|after| after < soon) && ctx.authorize::<Push>(repository).is_ok() {
            self.promise(&blob).await?;
        }
        Ok(blob)
    }

    /// Gives a blob new grace, so that a client need not push it. Collection may have been faster: then it must.
    async fn promise(&self, blob: &Blob) -> Result<(), Error> {
        let grace = self.settings.grace;
        let source = store::Source::Repository(blob.permit.clone());
        self.db
            .transaction(async |tx| {
                store::postpone_review(tx, &[blob.digest], grace).await?;
                let size_bytes = store::readable_size(tx, &source, &blob.digest).await?;
                size_bytes.map(drop).ok_or(Error::BlobUnknown(blob.digest))
            })
            .await
    }

    /// Opens a blob's bytes, whole or a range of them.
    ///
    /// A re-push may move the bytes between the look-up and now, so a missing file makes us look once more.
    pub async fn read_blob(&self, blob: &Blob, range: Option<Range<u64>>) -> Result<Reader, Error> {
        if let Some(reader) = self.try_read(blob, &blob.storage_key, range.clone()).await? {
            return Ok(reader);
        }
        let found = store::find(&self.db, &blob.permit, &blob.digest).await?.ok_or(Error::BlobUnknown(blob.digest))?;
        if let Some(reader) = self.try_read(blob, &found.storage_key, range).await? {
            return Ok(reader);
        }
        self.mark_lost(&Blob { storage_key: found.storage_key, ..blob.clone() }).await?;
        Err(Error::BlobLost(blob.digest))
    }

    /// `None` when the bytes are missing or cut short.
    async fn try_read(
        &self,
        blob: &Blob,
        key: &StorageKey,
        range: Option<Range<u64>>,
    ) -> Result<Option<Reader>, Error> {
        match self.store.open(key, range).await {
            Ok(reader) if reader.size_bytes() == blob.size_bytes => Ok(Some(reader)),
            Ok(_) => Ok(None),
            Err(error) if error.failure() == Failure::NotFound => Ok(None),
            Err(source) => Err(Error::Store { operation: format!("read blob `{}`", blob.digest), source }),
        }
    }

    /// Whether the catalog still names the same bytes for the blob.
    async fn still_there(&self, blob: &Blob) -> Result<bool, Error> {
        let found = store::find(&self.db, &blob.permit, &blob.digest).await?;
        Ok(found.is_some_and(|found| found.storage_key == blob.storage_key))
    }

    /// Notes that the bytes are gone, so that clients are told to push them again.
    async fn mark_lost(&self, blob: &Blob) -> Result<(), Error> {
        tracing::error!(digest = %blob.digest, storage_key = %blob.storage_key, "the bytes of a blob are missing or cut short");
        let key = &blob.storage_key;
        self.db.transaction(async |tx| store::mark_lost(tx, key).await).await
    }

    /// Links a blob of another repository into this one. `None` when there is no such blob to mount, and the client
    /// has to upload it.
    pub async fn mount_blob(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        digest: &Digest,
        from: MountSource<'_>,
    ) -> Result<Option<Digest>, Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        // A source that the caller may not read is like one that does not have the blob; a token that was not asked
        // for the source may still turn out to cover it.
        let source = match from {
            MountSource::Repository(name) => match ctx.authorize::<Pull>(name) {
                Ok(permit) => store::Source::Repository(permit),
                Err(error @ AuthorizeError::InsufficientScope(_)) => return Err(error.into()),
                Err(_) => return Ok(None),
            },
            MountSource::Anywhere(visibility) => store::Source::Anywhere(visibility.clone()),
        };
        let grace = self.settings.grace;
        let account = self.account(Payer::new(ctx, &permit));
        let mounted = self
            .db
            .transaction(async |tx| {
                store::postpone_review(tx, &[*digest], grace).await?;
                let Some(size_bytes) = store::readable_size(tx, &source, digest).await? else { return Ok(None) };
                let target = self.open_repository(tx, &permit).await?;
                account.link(tx, target, digest, size_bytes).await?;
                Ok::<_, Error>(Some(*digest))
            })
            .await?;
        add(&self.counters.blobs_mounted, u64::from(mounted.is_some()));
        Ok(mounted)
    }

    /// Takes a blob out of a repository; other repositories keep theirs. The bytes go when nobody links them.
    pub async fn delete_blob(&self, ctx: &Context, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        let grace = self.settings.grace;
        self.db
            .transaction(async |tx| {
                let id = repository::store::get(tx, &permit).await?.ok_or(Error::BlobUnknown(*digest))?;
                self.admit(tx, ctx, (id, &permit), Change::DeleteBlob { digest }).await?;
                if !store::unlink(tx, id, digest).await? {
                    return Err(Error::BlobUnknown(*digest));
                }
                store::postpone_review(tx, &[*digest], grace).await?;
                let resource = format!("{repository}@{digest}");
                tx.audit(&AuditEntry::new(ctx, "blob.delete", resource)).await?;
                Ok(())
            })
            .await
    }
}

/// Where a mounted blob may come from.
#[derive(Debug, Clone, Copy)]
pub enum MountSource<'a> {
    /// The repository that the client named; it takes Pull there.
    Repository(&'a RepositoryName),
    /// Any repository that the caller may see ("automatic content discovery").
    Anywhere(&'a Visibility),
}
