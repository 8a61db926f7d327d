//! The bin: deleted tags and manifests, until their time there is over.
//!
//! A tag's row ends and a manifest's row is marked: nothing is copied or moved, and what they stand on stays. What was
//! deleted in one go comes back in one go. When the time is over, collection removes the manifests for good.

mod restore;
pub(crate) mod store;
mod sweep;

use std::time::Duration;

use wharf_context::{Context, Delete, Event, Permit, ProjectId, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, RepositoryName, Tag};

pub(crate) use restore::amount;
pub use restore::{Overwriting, Restored};

use crate::collection::untagged::store::{Place, note, note_all};
use crate::error::Error;
use crate::ports::Change;
use crate::registry::Registry;
use crate::repository::RepositoryId;
use crate::{manifest, repository};

/// How many manifests one transaction takes out of the bin for good.
const BATCH: usize = 1_000;

/// Something that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binned {
    /// Where.
    pub repository: RepositoryName,
    /// What.
    pub item: BinnedItem,
    /// The manifest itself, or the one that the tag pointed to.
    pub digest: Digest,
    /// When it was deleted; for a tag, also when it was moved away.
    pub deleted_at: Timestamp,
    /// Until when it can be restored.
    pub restorable_until: Timestamp,
}

/// What can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinnedItem {
    /// What a tag pointed to before it was deleted or moved.
    Tag {
        /// The tag.
        name: Tag,
        /// What it points to now, if it is there again.
        now: Option<Digest>,
    },
    /// A deleted manifest.
    Manifest {
        /// Its media type.
        media_type: String,
    },
}

/// Which part of the bin is listed.
#[derive(Debug, Clone)]
pub enum BinScope {
    /// One repository's.
    Repository(Permit<Delete>),
    /// That of all repositories of a project. Whoever asks may delete in all of them.
    Project(ProjectId),
}

/// One page of the bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinPage {
    /// By repository; tags before manifests, what was deleted last first.
    pub entries: Vec<Binned>,
    /// Where the next page begins; `None` at the end. A page may have no entries and a next one.
    pub next: Option<String>,
}

impl Registry {
    /// The permit to look into a repository's bin: whoever may delete may restore.
    pub fn bin_scope(ctx: &Context, repository: &RepositoryName) -> Result<BinScope, Error> {
        Ok(BinScope::Repository(ctx.authorize::<Delete>(repository)?))
    }

    /// A page of the bin.
    pub async fn list_bin(
        &self,
        scope: &BinScope,
        after: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<BinPage, Error> {
        sweep::list(self, scope, after, wanted).await
    }

    /// Takes everything in a repository's bin out of it for good, so that its space comes back after the grace. Says how
    /// many manifests that were.
    pub async fn empty_bin(&self, ctx: &Context, repository: &RepositoryName) -> Result<usize, Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        let grace = self.settings.grace;
        let mut emptied = 0;
        loop {
            let taken = self
                .db
                .transaction(async |tx| {
                    let unknown = || Error::RepositoryUnknown(repository.clone());
                    let id = repository::store::get(tx, &permit).await?.ok_or_else(unknown)?;
                    self.admit(tx, ctx, (id, &permit), Change::EmptyBin).await?;
                    let ids = store::all(tx, id, BATCH).await?;
                    manifest::store::erase(tx, &ids, grace).await?;
                    if ids.len() < BATCH {
                        tx.audit(&AuditEntry::new(ctx, "bin.empty", repository.to_string())).await?;
                    }
                    Ok::<_, Error>(ids.len())
                })
                .await?;
            emptied += taken;
            if taken < BATCH {
                return Ok(emptied);
            }
        }
    }
}

/// Puts a manifest into the bin, and with it what nobody needs without it: untagged referrers, and children that no
/// other index and no tag names. Says how many manifests these are; none where it is not there.
pub(crate) async fn put(tx: &mut Tx<'_>, (repository, digest): Place<'_>, keep: Duration) -> Result<usize, Error> {
    let mut going = vec![*digest];
    let mut binned = Vec::new();
    while let Some(digest) = going.pop() {
        let Some(gone) = manifest::store::bin(tx, repository, &digest).await? else { continue };
        binned.push(digest);
        if let Some(subject) = gone.subject {
            note(tx, (repository, &subject)).await?;
        }
        going.extend(store::referrers(tx, (repository, &digest)).await?);
        let before = tx.now().minus(keep);
        let children = store::children(tx, gone.id, before).await?;
        let (needed, unneeded): (Vec<_>, Vec<_>) = children.into_iter().partition(|child| child.is_needed);
        let needed: Vec<Digest> = needed.into_iter().map(|child| child.digest).collect();
        note_all(tx, repository, &needed).await?;
        going.extend(unneeded.into_iter().map(|child| child.digest));
    }
    tell(tx, repository, &binned, |repository, digests| Event::ManifestsRemoved { repository, digests }).await?;
    Ok(binned.len())
}

/// Announces what happened to some manifests of a repository.
pub(crate) async fn tell(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
    event: fn(String, Vec<String>) -> Event,
) -> Result<(), Error> {
    if digests.is_empty() {
        return Ok(());
    }
    let name = repository::store::name(tx, repository).await?.ok_or(Error::MalformedRow { what: "a repository" })?;
    tx.announce(event(name, digests.iter().map(Digest::to_string).collect())).await?;
    Ok(())
}
