//! Manifests: the documents that make blobs an image, an index or any other artifact.
//!
//! Their bytes (at most 4 MiB) lie in the catalog exactly as they were sent, so that a pull is one statement.
//! Spec: distribution-spec, end-3 (pull), end-7 (push), end-9 (delete).

mod accept;
pub(crate) mod put;
mod rule;
pub(crate) mod store;

use bytes::Bytes;
use wharf_context::{Context, Delete, Event, ProjectId, Pull};
use wharf_db::AuditEntry;
use wharf_oci::manifest::Manifest;
use wharf_oci::{Digest, Reference, RepositoryName};

pub use accept::Accept;
pub use put::{Accepted, NewManifest};

use crate::error::Error;
use crate::ports::Change;
use crate::registry::Registry;
use crate::tag::{self, Precondition};
use crate::{bin, repository, tag::rule::check};

/// A manifest as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its digest, in the algorithm that it was pushed or is asked for by.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, exactly as sent.
    pub bytes: Bytes,
}

impl Registry {
    /// The manifest that `reference` names. One statement; a second only for a client that understands no indexes
    /// and is given the image of its platform instead.
    pub async fn get_manifest(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        reference: &Reference,
        accept: &Accept,
    ) -> Result<StoredManifest, Error> {
        let permit = self.permit::<Pull>(ctx, repository)?;
        let Some(stored) = store::find(&self.db, &permit, reference).await? else {
            return Err(self.unknown(permit.project(), (repository, reference)).await?);
        };
        if accept.allows(&stored.media_type) {
            return Ok(stored);
        }
        let refused = || Error::NotAcceptable { reference: reference.clone(), media_type: stored.media_type.clone() };
        // Asked by digest, only these very bytes will do.
        let Reference::Tag(_) = reference else { return Err(refused()) };
        let index = Manifest::parse(Some(&stored.media_type), &stored.bytes).map_err(Error::ManifestInvalid)?;
        let child = rule::platform_child(&index, accept).ok_or_else(refused)?;
        store::find(&self.db, &permit, &Reference::Digest(child)).await?.ok_or_else(refused)
    }

    /// The refusal of who asks for a manifest that is not there. Whoever knows where it went has a say.
    async fn unknown(
        &self,
        project: ProjectId,
        (repository, reference): (&RepositoryName, &Reference),
    ) -> Result<Error, Error> {
        let said = match &self.absent {
            Some(absent) => absent.explain(&self.db, project, (repository, reference)).await?,
            None => None,
        };
        Ok(match said {
            Some(sentence) => Error::ManifestAway { sentence },
            None => Error::ManifestUnknown { repository: repository.clone(), reference: reference.clone() },
        })
    }

    /// Deletes a manifest, all tags that point to it, its referrers, and those of its children that nothing else needs.
    /// They stay in the bin for a while.
    pub async fn delete_manifest(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        digest: &Digest,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        let reference = Reference::Digest(*digest);
        let unknown = || Error::ManifestUnknown { repository: repository.clone(), reference: reference.clone() };
        self.db
            .transaction(async |tx| {
                check(precondition, &reference, Some(*digest))?;
                let id = repository::store::get(tx, &permit).await?.ok_or_else(unknown)?;
                let tags = self.tags_to_end(tx, ctx, (id, &permit), digest).await?;
                self.admit(tx, ctx, (id, &permit), Change::DeleteManifest { digest, tags: &tags }).await?;
                tag::store::end_all(tx, id, digest).await?;
                if bin::put(tx, (id, digest), self.settings.bin_keep).await? == 0 {
                    // A client that deletes an index and then what it names is not told that it is late.
                    let went_along = bin::store::went_along(tx, (id, digest)).await?;
                    return if went_along { Ok(()) } else { Err(unknown()) };
                }
                tx.audit(&AuditEntry::new(ctx, "manifest.delete", format!("{repository}@{digest}"))).await?;
                let (repository, digest) = (repository.to_string(), digest.to_string());
                tx.announce(Event::ManifestDeleted { repository, digest }).await?;
                Ok(())
            })
            .await
    }
}
