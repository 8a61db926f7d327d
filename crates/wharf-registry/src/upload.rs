//! Blob uploads: open → append → commit, or abort.
//!
//! Spec: distribution-spec, end-4a/4b (open, monolithic), end-5 (chunk), end-6 (commit), end-13 (state). A chunk is
//! acknowledged when its bytes are durable and the row says so; after a broken connection or a restart the client
//! asks for the state and goes on from there.

mod rule;
mod store;
mod write;

use uuid::Uuid;
pub use wharf_blob::{Body, BodyError};
use wharf_blob::{StorageKey, UploadKey, UploadState};
use wharf_context::{Context, Kind, Permit, Push};
use wharf_oci::{Algorithm, Digest, RepositoryName};

pub use rule::ChunkRange;
use write::Next;

use crate::blob;
use crate::error::Error;
use crate::figures::add;
use crate::quota::charge::Payer;
use crate::registry::Registry;

/// A body that is smaller is taken before anybody looks whether there is room: the look costs more than it saves.
const WORTH_A_LOOK: u64 = 1 << 20;

/// An upload as a client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Its id; stands in the upload's path.
    pub id: Uuid,
    /// How many bytes are durable.
    pub offset_bytes: u64,
}

/// An upload's row.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) key: UploadKey,
    pub(crate) state: UploadState,
    pub(crate) generation: i64,
}

/// What knows of an upload until it is a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// A row of the catalog: it goes when the blob comes, and only one request can take it.
    Row,
    /// The request alone.
    Request,
}

/// Who pushes, and the proof that they may.
type Pusher<'a> = (&'a Context, &'a Permit<Push>);

/// What a client sends with one chunk.
pub struct Chunk {
    /// `Content-Range`, when it was sent.
    pub range: Option<ChunkRange>,
    /// `Content-Length`, when it was sent.
    pub length_bytes: Option<u64>,
    /// The bytes.
    pub body: Body,
}

impl Chunk {
    /// How many bytes the client says that it sends.
    fn stated_bytes(&self) -> Option<u64> {
        self.length_bytes.or_else(|| self.range?.size_bytes())
    }
}

/// How a client ends an upload.
pub struct UploadEnd {
    /// The upload.
    pub id: Uuid,
    /// The digest of all its bytes.
    pub digest: Digest,
    /// The bytes that come with the request, if any.
    pub last: Option<Chunk>,
}

impl Registry {
    /// Begins an upload. Its bytes are hashed by `algorithm` while they come in.
    pub async fn open_upload(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        algorithm: Algorithm,
    ) -> Result<Upload, Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        self.check_promoted(&permit).await?;
        // Into a project that is full nothing is worth sending.
        self.check_room(&permit, 1).await?;
        let key = self.store.create().await.map_err(Error::store("begin an upload"))?;
        let record = Record { id: Uuid::now_v7(), key, state: UploadState::new(algorithm), generation: 0 };
        self.db.transaction(async |tx| store::insert(tx, &permit, ctx, &record).await).await?;
        add(&self.counters.uploads_opened, 1);
        Ok(Upload { id: record.id, offset_bytes: 0 })
    }

    /// Where an upload stands.
    pub async fn get_upload(&self, ctx: &Context, repository: &RepositoryName, id: Uuid) -> Result<Upload, Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        let record = self.load_upload(&permit, id).await?;
        Ok(Upload { id, offset_bytes: record.state.offset })
    }

    /// Adds a chunk. When this returns, also with an error, what [`Self::get_upload`] says is durable.
    pub async fn append_upload(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        id: Uuid,
        chunk: Chunk,
    ) -> Result<Upload, Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        let record = self.write_chunk(permit, id, chunk, Next::Chunk).await?;
        Ok(Upload { id, offset_bytes: record.state.offset })
    }

    /// Ends an upload: its bytes, with those of the last chunk, become a blob of the repository.
    ///
    /// Bytes that hash to something else are thrown away with the upload.
    pub async fn commit_upload(&self, ctx: &Context, repository: &RepositoryName, end: UploadEnd) -> Result<(), Error> {
        let UploadEnd { id, digest, last } = end;
        let permit = self.permit::<Push>(ctx, repository)?;
        let record = match last {
            Some(chunk) => self.write_chunk(permit.clone(), id, chunk, Next::Commit).await?,
            None => self.load_upload(&permit, id).await?,
        };
        let state = self.hashed(&record, digest.algorithm()).await?;
        let actual = state.digest();
        if actual != digest {
            self.discard(&record).await?;
            return Err(Error::DigestMismatch { stated: digest, actual });
        }
        let published = self.publish((ctx, &permit), &record, &state, Owner::Row).await;
        if matches!(published, Err(Error::QuotaExceeded { .. })) {
            self.discard(&record).await?;
        }
        published
    }

    /// Stores a blob that comes in one request. Nothing but the finished blob reaches the catalog.
    pub async fn push_blob(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        digest: &Digest,
        chunk: Chunk,
    ) -> Result<(), Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        self.check_promoted(&permit).await?;
        if let Some(size_bytes) = chunk.stated_bytes().filter(|size_bytes| *size_bytes >= WORTH_A_LOOK) {
            self.check_room_for(&permit, digest, size_bytes).await?;
        }
        let key = self.store.create().await.map_err(Error::store("begin an upload"))?;
        let state = UploadState::new(digest.algorithm());
        let record = Record { id: Uuid::now_v7(), key, state, generation: 0 };
        let published = self.receive((ctx, &permit), &record, digest, chunk).await;
        // When the catalog did not answer, the blob may have been committed: its bytes must stay.
        if published.as_ref().is_err_and(|error| error.kind() != Kind::Unavailable) {
            self.drop_bytes(&record).await?;
        }
        published
    }

    /// Gives an upload up; its bytes go at once.
    pub async fn delete_upload(&self, ctx: &Context, repository: &RepositoryName, id: Uuid) -> Result<(), Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        let record = self.load_upload(&permit, id).await?;
        self.discard(&record).await
    }

    pub(crate) async fn load_upload(&self, permit: &Permit<Push>, id: Uuid) -> Result<Record, Error> {
        store::find(&self.db, permit, id).await?.ok_or(Error::UploadUnknown(id))
    }

    async fn receive(&self, pusher: Pusher<'_>, record: &Record, digest: &Digest, chunk: Chunk) -> Result<(), Error> {
        let stated = rule::check_start(record.id, 0, chunk.range)?;
        let _receiving = self.counters.receiving();
        let appended = self.store.append(&record.key, record.state.clone(), chunk.body).await;
        appended.end.map_err(Error::upload(record.id))?;
        rule::check_size(stated, appended.state.offset)?;
        let actual = appended.state.digest();
        if actual != *digest {
            return Err(Error::DigestMismatch { stated: *digest, actual });
        }
        self.publish(pusher, record, &appended.state, Owner::Request).await
    }

    /// The hash state in the algorithm that the client names at the end; the bytes are read once more when it is not
    /// the one that they were hashed by.
    async fn hashed(&self, record: &Record, algorithm: Algorithm) -> Result<UploadState, Error> {
        if record.state.algorithm() == algorithm {
            return Ok(record.state.clone());
        }
        let rehashed = self.store.rehash(&record.key, record.state.clone(), algorithm).await;
        rehashed.map_err(Error::upload(record.id))
    }

    /// Makes an upload's durable bytes a blob of the repository, in one transaction.
    async fn publish(
        &self,
        pusher: Pusher<'_>,
        record: &Record,
        state: &UploadState,
        owner: Owner,
    ) -> Result<(), Error> {
        let digest = &state.digest();
        let taken = self.take_end(record, owner).await?;
        let storage_key = self.store.finish(&record.key, state).await.map_err(Error::upload(record.id))?;
        let (key, grace, size_bytes) = (&storage_key, self.settings.grace, state.offset);
        let (ctx, permit) = pusher;
        let account = self.account(Payer::new(ctx, permit));
        let presigned_for = self.settings.presigned_for;
        let replaced = self
            .db
            .transaction(async |tx| {
                let is_mine = match (owner, &taken) {
                    (Owner::Request, _) => true,
                    (Owner::Row, None) => store::delete(tx, record.id).await?,
                    (Owner::Row, Some(taken)) => store::delete_untouched(tx, taken).await?,
                };
                if !is_mine {
                    return Err(Error::UploadUnknown(record.id));
                }
                blob::store::postpone_review(tx, &[*digest], grace).await?;
                let replaced = blob::store::put(tx, digest, (key, size_bytes), presigned_for).await?;
                let repository = self.open_repository(tx, permit).await?;
                account.link(tx, repository, digest, size_bytes).await?;
                Ok::<Vec<StorageKey>, Error>(replaced)
            })
            .await?;
        drop(account);
        add(&self.counters.blobs_pushed, 1);
        add(&self.counters.pushed_bytes, size_bytes);
        if !replaced.is_empty() && presigned_for.is_zero() && !self.holds_bytes().await {
            // The row says "deleting", so collection would do this too; doing it now keeps equal bytes once.
            self.store.delete(&replaced).await.map_err(Error::store("delete replaced bytes"))?;
        }
        Ok(())
    }

    /// Where the store cannot let one of two that end an upload win, the row does, before either of them tries.
    async fn take_end(&self, record: &Record, owner: Owner) -> Result<Option<Record>, Error> {
        if owner == Owner::Request || self.store.decides() {
            return Ok(None);
        }
        self.db.transaction(async |tx| store::update(tx, record).await).await?;
        Ok(Some(Record { generation: record.generation + 1, ..record.clone() }))
    }

    /// Gives an upload up, unless it became a blob meanwhile.
    pub(crate) async fn discard(&self, record: &Record) -> Result<(), Error> {
        if self.db.transaction(async |tx| store::delete(tx, record.id).await).await? {
            self.drop_bytes(record).await?;
        }
        Ok(())
    }

    /// Gives up an upload that nobody has continued since its row was read.
    pub(crate) async fn expire(&self, record: &Record) -> Result<(), Error> {
        if self.db.transaction(async |tx| store::delete_untouched(tx, record).await).await? {
            self.drop_bytes(record).await?;
        }
        Ok(())
    }

    /// Deletes the bytes of an upload that no row owns, also when it was finished and its end never recorded.
    async fn drop_bytes(&self, record: &Record) -> Result<(), Error> {
        self.store.abort(&record.key).await.map_err(Error::upload(record.id))?;
        self.store.delete(&[record.key.storage_key()]).await.map_err(Error::upload(record.id))
    }
}

pub(crate) use store::{expired, is_known};
