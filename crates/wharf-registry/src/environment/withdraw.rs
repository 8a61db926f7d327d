//! Withdrawing: what stood in an environment stands there no more.

use serde_json::json;
use wharf_context::{Context, Event, Govern};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName};

use super::place::MAX_MANIFESTS;
use super::store;
use crate::collection::untagged::store::needs;
use crate::error::Error;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};
use crate::{bin, tag};

/// What was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// The manifest.
    pub digest: Digest,
    /// How many manifests went to the bin; none where another tag or index there needs it.
    pub manifests: usize,
}

impl Registry {
    /// Ends a tag in an environment, or all tags of a manifest. A manifest that nothing else there needs goes to the bin,
    /// with what it lists and what is attached to it. In the transaction that decided so.
    pub async fn withdraw(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (govern, repository): (Govern, &RepositoryName),
        reference: &Reference,
    ) -> Result<Withdrawn, Error> {
        let unknown = || Error::ManifestUnknown { repository: repository.clone(), reference: reference.clone() };
        let id = repository::store::named(tx, govern.project(), repository).await?.ok_or_else(unknown)?;
        let digest = match reference {
            Reference::Tag(tag) => {
                let digest = tag::store::current(tx, id, tag).await?.ok_or_else(unknown)?;
                tag::store::end(tx, id, tag).await?;
                digest
            }
            Reference::Digest(digest) => {
                bin::store::media_type(tx, (id, digest)).await?.ok_or_else(unknown)?;
                tag::store::end_all(tx, id, digest).await?;
                *digest
            }
        };
        let manifests = self.bin_unneeded(tx, (id, &digest)).await?;
        let withdrawn = Withdrawn { digest, manifests };
        announce(tx, ctx, (repository, reference), &withdrawn).await?;
        Ok(withdrawn)
    }

    /// Puts a manifest into the bin unless a tag or an index needs it; then what is attached to whatever went.
    pub(crate) async fn bin_unneeded(&self, tx: &mut Tx<'_>, place: (RepositoryId, &Digest)) -> Result<usize, Error> {
        let environments = &self.settings.environments;
        if needs(tx, place, environments).await?.is_named() {
            return Ok(0);
        }
        let (id, keep) = (place.0, self.settings.bin_keep);
        let parts = store::parts(tx, place, MAX_MANIFESTS).await?;
        let digests: Vec<Digest> = parts.into_iter().map(|part| part.digest).collect();
        let mut manifests = bin::put(tx, place, keep).await?;
        loop {
            let dangling = store::dangling_attachments(tx, id, &digests).await?;
            if dangling.is_empty() {
                return Ok(manifests);
            }
            for (tag, digest) in dangling {
                tag::store::end(tx, id, &tag).await?;
                if !needs(tx, (id, &digest), environments).await?.is_named() {
                    manifests += bin::put(tx, (id, &digest), keep).await?;
                }
            }
        }
    }
}

async fn announce(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (repository, reference): (&RepositoryName, &Reference),
    withdrawn: &Withdrawn,
) -> Result<(), Error> {
    let (digest, manifests) = (withdrawn.digest.to_string(), withdrawn.manifests);
    let separator = if matches!(reference, Reference::Tag(_)) { ':' } else { '@' };
    let entry = AuditEntry::new(ctx, "manifest.withdraw", format!("{repository}{separator}{reference}"));
    tx.audit(&entry.with_details(json!({ "digest": digest, "manifests": manifests }))).await?;
    if let Reference::Tag(tag) = reference {
        let (repository, tag, digest) = (repository.to_string(), tag.to_string(), digest.clone());
        tx.announce(Event::TagDeleted { repository, tag, digest }).await?;
    }
    if manifests > 0 {
        tx.announce(Event::ManifestDeleted { repository: repository.to_string(), digest }).await?;
    }
    Ok(())
}
