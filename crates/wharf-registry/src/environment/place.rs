//! Placing: a manifest and all that belongs to it comes to stand in an environment, without a byte being copied.

use std::time::Duration;

use serde_json::json;
use wharf_context::quota::Amount;
use wharf_context::{Context, Event, Govern};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use super::store;
use crate::bin;
use crate::error::Error;
use crate::quota::charge::Payer;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};
use crate::tag;

/// The most manifests that one placing takes along: an index with what it lists, and all that refers to them.
pub(crate) const MAX_MANIFESTS: usize = 20_000;

/// What is to be placed, from where and to where. Both repositories are of one project.
#[derive(Debug, Clone, Copy)]
pub struct Placing<'a> {
    /// The project's decision.
    pub govern: Govern,
    /// Where it stands already.
    pub from: &'a RepositoryName,
    /// What.
    pub digest: &'a Digest,
    /// Where it is to stand; made if this is the first that comes there.
    pub to: &'a RepositoryName,
    /// The tags that point at it there from now on.
    pub tags: &'a [Tag],
}

/// What was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its media type.
    pub media_type: String,
    /// How many manifests came that were not there: it, its children, and what refers to them.
    pub manifests: usize,
    /// The tags that were pointed at it, with what each pointed to before.
    pub moved: Vec<(Tag, Option<Digest>)>,
    /// How many blobs its manifests name that the environment cannot show, because where it comes from cannot either:
    /// layers that may lie elsewhere, or that somebody deleted.
    pub missing_blobs: usize,
}

/// The two repositories of a placing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) from: RepositoryId,
    pub(super) to: RepositoryId,
}

impl Registry {
    /// Places a manifest in a repository of the same project: it, what an index lists, all that refers to them and their
    /// `sha256-….sig|att|sbom` tags, with links to the same blobs; then its tags. In the transaction that decided so, in a
    /// fixed number of statements, and without effect when all is there already.
    ///
    /// A signature that was attached in the target later than where it comes from stays. Where `from` and `to` are the
    /// same, tags move; what was withdrawn comes back from the bin as long as it lies there.
    pub async fn place(&self, tx: &mut Tx<'_>, ctx: &Context, placing: &Placing<'_>) -> Result<Placed, Error> {
        let Placing { from, digest, to, tags, .. } = *placing;
        let way = self.way(tx, placing).await?;
        let mut manifests = 0;
        if way.from == way.to {
            manifests += self.bring_back(tx, ctx, (way.to, placing)).await?;
        }
        let root = bin::store::media_type(tx, (way.from, digest)).await?;
        let media_type = root.ok_or_else(|| unknown(from, digest))?;
        let parts = store::parts(tx, (way.from, digest), MAX_MANIFESTS).await?;
        if parts.len() > MAX_MANIFESTS {
            return Err(Error::TooManyParts { digest: *digest, max: MAX_MANIFESTS });
        }
        let ids: Vec<i64> = parts.iter().map(|part| part.id).collect();
        store::postpone_suspects(tx, &ids, self.settings.grace).await?;
        let copied = store::copy_manifests(tx, way, &ids).await?;
        store::copy_links(tx, way, &ids).await?;
        self.account(Payer::of(ctx, placing.govern.project(), to)).take(tx, &amount(&copied)).await?;
        manifests += copied.ids.len();
        let attached = store::copy_attachment_tags(tx, ctx, way, &parts).await?;
        let moved = point(tx, ctx, (way.to, digest), tags).await?;
        let missing_blobs = store::missing_blobs(tx, way.to, &ids).await?;
        let placed = Placed { media_type, manifests, moved, missing_blobs };
        if placed.manifests > 0 || attached > 0 || !placed.moved.is_empty() {
            announce(tx, ctx, placing, &placed).await?;
        }
        Ok(placed)
    }

    /// Both repositories; the target is made unless it is there.
    async fn way(&self, tx: &mut Tx<'_>, placing: &Placing<'_>) -> Result<Way, Error> {
        let project = placing.govern.project();
        let from = repository::store::named(tx, project, placing.from).await?;
        let from = from.ok_or_else(|| unknown(placing.from, placing.digest))?;
        if let Some(to) = repository::store::named(tx, project, placing.to).await? {
            return Ok(Way { from, to });
        }
        Ok(Way { from, to: self.make_repository(tx, project, placing.to).await? })
    }

    /// Takes what is placed anew out of the bin. Says how many manifests came back.
    async fn bring_back(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (id, placing): (RepositoryId, &Placing<'_>),
    ) -> Result<usize, Error> {
        let manifests = self.revive_children(tx, id, placing.digest).await?;
        let account = self.account(Payer::of(ctx, placing.govern.project(), placing.to));
        account.take(tx, &bin::amount(manifests)).await?;
        Ok(manifests)
    }
}

/// Manifests that were copied, and the bytes of their documents.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) ids: Vec<i64>,
    pub(super) bytes: i64,
}

/// What the project is charged for. A blob that another of its repositories links is charged for already.
fn amount(copied: &Copied) -> Amount {
    Amount { bytes: copied.bytes, manifests: i64::try_from(copied.ids.len()).unwrap_or(i64::MAX) }
}

/// Points tags at a manifest. Gives those that did not point there before.
async fn point(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (id, digest): (RepositoryId, &Digest),
    tags: &[Tag],
) -> Result<Vec<(Tag, Option<Digest>)>, Error> {
    let mut moved = Vec::new();
    for tag in tags {
        let current = tag::store::current(tx, id, tag).await?;
        if current.as_ref() == Some(digest) {
            continue;
        }
        tag::store::end(tx, id, tag).await?;
        tag::store::point(tx, ctx, id, tag, digest).await?;
        moved.push((tag.clone(), current));
    }
    Ok(moved)
}

async fn announce(tx: &mut Tx<'_>, ctx: &Context, placing: &Placing<'_>, placed: &Placed) -> Result<(), Error> {
    let Placing { from, digest, to, .. } = placing;
    let tags: Vec<String> = placed.moved.iter().map(|(tag, _)| tag.to_string()).collect();
    let details = json!({ "from": from.as_str(), "tags": tags, "manifests": placed.manifests });
    tx.audit(&AuditEntry::new(ctx, "manifest.place", format!("{to}@{digest}")).with_details(details)).await?;
    tx.announce(Event::ManifestPlaced {
        repository: to.to_string(),
        from: from.to_string(),
        digest: digest.to_string(),
        media_type: placed.media_type.clone(),
        tags,
    })
    .await?;
    Ok(())
}

fn unknown(repository: &RepositoryName, digest: &Digest) -> Error {
    Error::ManifestUnknown { repository: repository.clone(), reference: Reference::Digest(*digest) }
}

/// From which age on a review's date is not moved again: see [`crate::blob::store::postpone_review`].
pub(super) fn fresh(grace: Duration) -> Duration {
    grace - grace / 4
}
