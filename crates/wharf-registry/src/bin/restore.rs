//! Restoring what was deleted.

use std::time::Duration;

use wharf_context::quota::Amount;
use wharf_context::{Context, Delete, Event, Overwrite};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use super::store;
use crate::collection::untagged::store::{Place, note};
use crate::error::Error;
use crate::ports::{Change, TagNow};
use crate::quota::charge::Payer;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};
use crate::{manifest, tag};

/// Whether a tag that points to something else by now is moved back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwriting {
    /// It stays, and restoring is refused.
    Refused,
    /// It is moved; this takes the right to overwrite, too.
    Allowed,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The manifest.
    pub digest: Digest,
    /// How many manifests left the bin: it, its children, its referrers. None where only the tag had been deleted.
    pub manifests: usize,
}

impl Registry {
    /// Points a tag to what it pointed to last before it was deleted or moved, or to `digest` if it ever did within the
    /// bin's time. The manifest comes back with it, if it was deleted, too.
    pub async fn restore_tag(
        &self,
        ctx: &Context,
        (repository, tag): (&RepositoryName, &Tag),
        digest: Option<&Digest>,
        overwriting: Overwriting,
    ) -> Result<Restored, Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        if overwriting == Overwriting::Allowed {
            self.permit::<Overwrite>(ctx, repository)?;
        }
        let not_in_bin = || Error::NotInBin { repository: repository.clone(), reference: Reference::Tag(tag.clone()) };
        let keep = self.settings.bin_keep;
        let account = self.account(Payer::new(ctx, &permit));
        self.db
            .transaction(async |tx| {
                let id = repository::store::get(tx, &permit).await?.ok_or_else(not_in_bin)?;
                let since = tx.now().minus(keep);
                let current = tag::store::current(tx, id, tag).await?;
                let past = store::past_digest(tx, (id, tag), (digest, current.as_ref()), since).await?;
                let digest = past.ok_or_else(not_in_bin)?;
                if let (Some(current), Overwriting::Refused) = (current, overwriting) {
                    return Err(Error::TagTaken { tag: tag.clone(), current });
                }
                let now = TagNow { tag: tag.clone(), digest: current };
                let change = Change::RestoreManifest { digest: &digest, tag: Some(&now) };
                self.admit(tx, ctx, (id, &permit), change).await?;
                tag::store::end(tx, id, tag).await?;
                let (media_type, manifests) = revive(tx, (id, &digest), keep).await?.ok_or_else(not_in_bin)?;
                account.take(tx, &amount(manifests)).await?;
                tag::store::point(tx, ctx, id, tag, &digest).await?;
                if let Some(from) = current {
                    tag::history::tell_move(tx, ctx, (repository, tag), (from, digest)).await?;
                }
                let entry = AuditEntry::new(ctx, "tag.restore", format!("{repository}:{tag}"));
                tx.audit(&entry.with_details(serde_json::json!({ "digest": digest.to_string() }))).await?;
                announce(tx, repository, (&digest, media_type), &[tag]).await?;
                Ok(Restored { digest, manifests })
            })
            .await
    }

    /// Takes a manifest out of the bin, with what was deleted together with it. Its tags stay deleted.
    pub async fn restore_manifest(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Restored, Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        let not_in_bin = || Error::NotInBin { repository: repository.clone(), reference: Reference::Digest(*digest) };
        let keep = self.settings.bin_keep;
        let account = self.account(Payer::new(ctx, &permit));
        self.db
            .transaction(async |tx| {
                let id = repository::store::get(tx, &permit).await?.ok_or_else(not_in_bin)?;
                self.admit(tx, ctx, (id, &permit), Change::RestoreManifest { digest, tag: None }).await?;
                let (media_type, manifests) = revive(tx, (id, digest), keep).await?.ok_or_else(not_in_bin)?;
                if manifests == 0 {
                    return Err(not_in_bin());
                }
                account.take(tx, &amount(manifests)).await?;
                note(tx, (id, digest)).await?;
                tx.audit(&AuditEntry::new(ctx, "manifest.restore", format!("{repository}@{digest}"))).await?;
                announce(tx, repository, (digest, media_type), &[]).await?;
                Ok(Restored { digest: *digest, manifests })
            })
            .await
    }

    /// An index that was pushed counts on its children: those that somebody, or collection, put into the bin a moment
    /// ago come back. Says how many.
    pub(crate) async fn revive_children(
        &self,
        tx: &mut Tx<'_>,
        repository: RepositoryId,
        digest: &Digest,
    ) -> Result<usize, Error> {
        let revived = revive(tx, (repository, digest), self.settings.bin_keep).await?;
        Ok(revived.map_or(0, |(_, manifests)| manifests))
    }
}

/// What manifests that come back from the bin count for: their bytes never ceased to.
pub(crate) fn amount(manifests: usize) -> Amount {
    Amount { bytes: 0, manifests: i64::try_from(manifests).unwrap_or(i64::MAX) }
}

/// Makes sure that a manifest and its children are there, taking them out of the bin, with the referrers that went
/// together with each. Gives the manifest's media type and how many came back; `None` where it is in no bin.
async fn revive(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    keep: Duration,
) -> Result<Option<(String, usize)>, Error> {
    let since = tx.now().minus(keep);
    let (mut coming, mut restored) = (vec![*digest], Vec::new());
    while let Some(digest) = coming.pop() {
        let place = (repository, &digest);
        if let Some(binned) = store::newest(tx, place, since).await?
            && manifest::store::unbin(tx, repository, binned.id).await?
        {
            restored.push(digest);
            coming.extend(store::gone_referrers(tx, place, binned.deleted_at).await?);
        }
        coming.extend(store::gone_children(tx, place, since).await?);
    }
    super::tell(tx, repository, &restored, |repository, digests| Event::ManifestsAdded { repository, digests }).await?;
    let media_type = store::media_type(tx, (repository, digest)).await?;
    Ok(media_type.map(|media_type| (media_type, restored.len())))
}

async fn announce(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    (digest, media_type): (&Digest, String),
    tags: &[&Tag],
) -> Result<(), Error> {
    let tags = tags.iter().map(ToString::to_string).collect();
    let (repository, digest) = (repository.to_string(), digest.to_string());
    tx.announce(Event::ManifestPushed { repository, digest, media_type, tags }).await?;
    Ok(())
}
