//! What retention sees of a project's tags, and how a tag is retired: inside the transactions of whoever decides.
//!
//! Nothing here decides what stays. A retired tag's manifest goes to the bin with it unless something else needs it.

mod store;

use serde_json::json;
use wharf_context::{Context, Event, Govern, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, EnvironmentName, RepositoryName, Tag};

use crate::error::Error;
use crate::registry::Registry;
use crate::{bin, repository, tag};

/// A repository of a project, and the proof that the project's rules are what is executed.
pub type Governed<'a> = (Govern, &'a RepositoryName);

/// A tag as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub tag: Tag,
    /// What it points to.
    pub digest: Digest,
    /// Since when.
    pub since: Timestamp,
    /// Whether that is an index.
    pub is_index: bool,
}

/// What retiring a tag came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// How many manifests went to the bin with it: none where something else needs its own.
    pub manifests: usize,
}

impl Registry {
    /// Up to `limit` repositories of a project after the one named `last`, in byte order; without those of promoted
    /// environments, where only promotion changes anything. The last name that was looked at says where to go on.
    pub async fn governed_repositories(
        &self,
        tx: &mut Tx<'_>,
        govern: Govern,
        (last, limit): (&str, usize),
    ) -> Result<(Vec<RepositoryName>, Option<RepositoryName>), Error> {
        let names = store::repositories(tx, govern.project(), (last, limit)).await?;
        let next = names.last().filter(|_| names.len() >= limit).cloned();
        Ok((names.into_iter().filter(|name| self.environment(name).is_none()).collect(), next))
    }

    /// Up to `limit` tags of a repository after `last`, in byte order; none where there is no such repository.
    pub async fn tagged(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        (last, limit): (&str, usize),
    ) -> Result<Vec<Tagged>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::tagged(tx, id, (last, limit)).await,
            None => Ok(Vec::new()),
        }
    }

    /// A tag as it is now.
    pub async fn find_tagged(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        tag: &Tag,
    ) -> Result<Option<Tagged>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::find_tagged(tx, id, tag).await,
            None => Ok(None),
        }
    }

    /// Of each of `digests`, itself and all that it lists, at any depth: pairs of the one and the other.
    pub async fn components(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, Digest)>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::components(tx, id, digests).await,
            None => Ok(digests.iter().map(|digest| (*digest, *digest)).collect()),
        }
    }

    /// Of `digests`, the manifests that stand in a repository.
    pub async fn those_standing(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::standing(tx, id, digests).await,
            None => Ok(Vec::new()),
        }
    }

    /// Of `digests`, the manifests that an index lists, or that refer to a subject that stands.
    pub async fn needed(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::needed(tx, id, digests).await,
            None => Ok(Vec::new()),
        }
    }

    /// All that has to do with a manifest or a blob of a repository: itself; the indexes, manifests and subjects that it is
    /// a part or a referrer of; what it lists, and what refers to any of that.
    pub async fn kin(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digest: &Digest,
    ) -> Result<Vec<Digest>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::kin(tx, id, digest).await,
            None => Ok(vec![*digest]),
        }
    }

    /// Of `digests`, the manifests that lie in a repository's bin.
    pub async fn binned(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, Error> {
        match repository::store::named(tx, govern.project(), repository).await? {
            Some(id) => store::binned(tx, id, digests).await,
            None => Ok(Vec::new()),
        }
    }

    /// Of `digests`, those that stand in a promoted environment's view of a repository, and in which.
    pub async fn placed(
        &self,
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, EnvironmentName)>, Error> {
        let environments = &self.settings.environments;
        let mut placed = Vec::new();
        for environment in environments.iter().filter(|name| *name != environments.development()) {
            let Some(view) = environments.repository(environment, repository) else { continue };
            let standing = Self::those_standing(tx, (govern, &view), digests).await?;
            placed.extend(standing.into_iter().map(|digest| (digest, environment.clone())));
        }
        Ok(placed)
    }

    /// Ends a tag, and puts its manifest into the bin unless a tag, an index or a subject needs it. `None` where the tag is
    /// not what it was: gone, moved, or pointed anew.
    pub async fn retire(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (govern, repository): Governed<'_>,
        (tagged, why): (&Tagged, &str),
    ) -> Result<Option<Retired>, Error> {
        let Some(id) = repository::store::named(tx, govern.project(), repository).await? else { return Ok(None) };
        if store::find_tagged(tx, id, &tagged.tag).await?.as_ref() != Some(tagged) {
            return Ok(None);
        }
        tag::store::end(tx, id, &tagged.tag).await?;
        let place = (id, &tagged.digest);
        let is_needed =
            store::is_tagged(tx, place).await? || !store::needed(tx, id, &[tagged.digest]).await?.is_empty();
        let manifests = if is_needed { 0 } else { bin::put(tx, place, self.settings.bin_keep).await? };
        let digest = tagged.digest.to_string();
        let entry = AuditEntry::new(ctx, "tag.retire", format!("{repository}:{}", tagged.tag));
        tx.audit(&entry.with_details(json!({ "digest": digest, "manifests": manifests, "why": why }))).await?;
        let (repository, tag) = (repository.to_string(), tagged.tag.to_string());
        if manifests > 0 {
            let (repository, digest) = (repository.clone(), digest.clone());
            tx.announce(Event::ManifestDeleted { repository, digest }).await?;
        }
        tx.announce(Event::TagDeleted { repository, tag, digest }).await?;
        Ok(Some(Retired { manifests }))
    }
}
