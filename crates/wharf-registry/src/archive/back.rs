//! What returns from an archive: blobs, then manifests as of those who pushed them then, then tags.

use bytes::Bytes;
use wharf_blob::Body;
use wharf_context::{Context, Event, Govern, Timestamp};
use wharf_db::Tx;
use wharf_oci::manifest::Manifest;
use wharf_oci::{Digest, RepositoryName, Tag};

use super::by_wharf;
use crate::collection::untagged;
use crate::error::Error;
use crate::keeping::Governed;
use crate::manifest::put::{Origin, Parsed};
use crate::ports::{Change, NotAdmitted, Operation, TagNow};
use crate::quota::charge::Payer;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};
use crate::upload::Chunk;
use crate::{manifest, tag};

/// A manifest that returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returning {
    /// Its digest; the bytes were compared with it.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, exactly as they were.
    pub bytes: Bytes,
    /// Who pushed it.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Timestamp,
}

/// What became of a tag that was to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repointed {
    /// It points where it did.
    Pointed,
    /// It points to something else by now, and stays so.
    Taken(Digest),
    /// A rule of the project is against it.
    Refused(String),
}

impl Registry {
    /// Whether a repository has a blob, whole.
    pub async fn holds_blob(&self, place: Governed<'_>, digest: &Digest) -> Result<bool, Error> {
        match self.stat_blob(&by_wharf(place), place.1, digest).await {
            Ok(_) => Ok(true),
            Err(Error::BlobUnknown(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores a blob that returns; its bytes are compared with the digest.
    pub async fn take_back_blob(
        &self,
        place: Governed<'_>,
        (digest, size_bytes): (&Digest, u64),
        body: Body,
    ) -> Result<(), Error> {
        let chunk = Chunk { range: None, length_bytes: Some(size_bytes), body };
        self.push_blob(&by_wharf(place), place.1, digest, chunk).await
    }

    /// Stores a manifest that returns, unless it is there. What it names has returned before.
    pub async fn take_back_manifest(&self, place: Governed<'_>, returning: &Returning) -> Result<(), Error> {
        let (govern, name) = place;
        let manifest =
            Manifest::parse(Some(&returning.media_type), &returning.bytes).map_err(Error::ManifestInvalid)?;
        let parsed = Parsed { manifest: &manifest, digest: returning.digest, bytes: &returning.bytes };
        let origin = Origin { by: &returning.pushed_by, at: Some(returning.pushed_at) };
        let ctx = by_wharf(place);
        let account = self.account(Payer::of(&ctx, govern.project(), name));
        self.db
            .transaction(async |tx| {
                let id = self.repository_of(tx, (govern, name)).await?;
                self.check_references(tx, id, &manifest).await?;
                if manifest::store::put(tx, origin, id, &parsed).await? {
                    return Ok(());
                }
                account.take(tx, &parsed.amount()).await?;
                untagged::store::note(tx, (id, &returning.digest)).await?;
                let (repository, digests) = (name.to_string(), vec![returning.digest.to_string()]);
                tx.announce(Event::ManifestsAdded { repository, digests }).await?;
                Ok(())
            })
            .await
    }

    /// Points a tag to what it pointed to before, unless it points elsewhere by now or a rule forbids it. In the
    /// transaction that decided so.
    pub async fn repoint(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        place: Governed<'_>,
        (tag, digest): (&Tag, &Digest),
    ) -> Result<Repointed, Error> {
        let (govern, repository) = place;
        let id = self.repository_of(tx, place).await?;
        let now = TagNow { tag: tag.clone(), digest: tag::store::current(tx, id, tag).await? };
        match now.digest {
            Some(current) if current == *digest => return Ok(Repointed::Pointed),
            Some(current) => return Ok(Repointed::Taken(current)),
            None => {}
        }
        if let Some(admission) = &self.admission {
            let change = Change::RestoreManifest { digest, tag: Some(&now) };
            let operation = Operation { project: govern.project(), repository, environment: None, change };
            match admission.confirm(tx, ctx, &operation).await {
                Err(NotAdmitted::Refused(refusal)) => return Ok(Repointed::Refused(refusal.to_string())),
                confirmed => confirmed?,
            }
        }
        tag::store::point(tx, ctx, id, tag, digest).await?;
        Ok(Repointed::Pointed)
    }

    /// A repository of a project; made where it is not there any more.
    async fn repository_of(
        &self,
        tx: &mut Tx<'_>,
        (govern, name): (Govern, &RepositoryName),
    ) -> Result<RepositoryId, Error> {
        match repository::store::named(tx, govern.project(), name).await? {
            Some(id) => Ok(id),
            None => self.make_repository(tx, govern.project(), name).await,
        }
    }
}
