//! What an archive takes of a repository and gives back, for whoever decides that: a manifest with all that belongs to
//! it. Nobody's rights are asked here; the rules of others are, when something comes back.
//!
//! Reading order: here, what leaves; [`back`], what returns.

pub mod back;
mod store;

use serde_json::json;
use wharf_context::{Caller, Context, Event, Govern, Grant, Grants, Permission, Permissions, RequestId, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use crate::environment::place::MAX_MANIFESTS;
use crate::environment::store as environment;
use crate::error::Error;
use crate::keeping::Governed;
use crate::registry::Registry;
use crate::{repository, tag};

/// A manifest that belongs to what leaves: it, what it lists, what refers to any of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// How many bytes its document has.
    pub size_bytes: u64,
    /// Who pushed it.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Timestamp,
}

/// A tag that points to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTag {
    /// The tag.
    pub tag: Tag,
    /// What it points to.
    pub digest: Digest,
    /// Who pointed it there.
    pub changed_by: String,
    /// Since when.
    pub since: Timestamp,
}

/// A manifest with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its manifests, the oldest first.
    pub members: Vec<Member>,
    /// The tags that point to any of them, in byte order.
    pub tags: Vec<MemberTag>,
}

impl Registry {
    /// A manifest that stands in a repository, with what it lists, what refers to any of these, and all their tags.
    pub async fn whole(
        tx: &mut Tx<'_>,
        (govern, repository): Governed<'_>,
        digest: &Digest,
    ) -> Result<Option<Whole>, Error> {
        let Some(id) = repository::store::named(tx, govern.project(), repository).await? else { return Ok(None) };
        let parts = environment::parts(tx, (id, digest), MAX_MANIFESTS).await?;
        if parts.is_empty() {
            return Ok(None);
        }
        if parts.len() > MAX_MANIFESTS {
            return Err(Error::TooManyParts { digest: *digest, max: MAX_MANIFESTS });
        }
        let ids: Vec<i64> = parts.iter().map(|part| part.id).collect();
        Ok(Some(Whole { members: store::members(tx, &ids).await?, tags: store::tags(tx, id, &ids).await? }))
    }

    /// Ends all tags of a manifest, and puts it into the bin with what nobody needs without it. In the transaction that
    /// decided so. Says how many manifests went; none where an index names it.
    pub async fn put_away(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (govern, repository): Governed<'_>,
        (digest, why): (&Digest, &str),
    ) -> Result<usize, Error> {
        let reference = Reference::Digest(*digest);
        let unknown = || Error::ManifestUnknown { repository: repository.clone(), reference };
        let id = repository::store::named(tx, govern.project(), repository).await?.ok_or_else(unknown)?;
        let ended = tag::store::of(tx, id, digest).await?;
        tag::store::end_all(tx, id, digest).await?;
        let manifests = self.bin_unneeded(tx, (id, digest)).await?;
        let entry = AuditEntry::new(ctx, "manifest.put_away", format!("{repository}@{digest}"));
        let tags: Vec<&str> = ended.iter().map(Tag::as_str).collect();
        tx.audit(&entry.with_details(json!({ "manifests": manifests, "tags": tags, "why": why }))).await?;
        for tag in ended {
            let (repository, digest) = (repository.to_string(), digest.to_string());
            tx.announce(Event::TagDeleted { repository, tag: tag.to_string(), digest }).await?;
        }
        if manifests > 0 {
            let (repository, digest) = (repository.to_string(), digest.to_string());
            tx.announce(Event::ManifestDeleted { repository, digest }).await?;
        }
        Ok(manifests)
    }
}

/// Wharf itself, which writes into this one repository what was there before.
pub(crate) fn by_wharf((govern, repository): (Govern, &RepositoryName)) -> Context {
    let grant = Grant {
        repository: repository.clone(),
        project: Some(govern.project()),
        granted: Permissions::of(&[Permission::Pull, Permission::Push]),
        refused: Permissions::NONE,
    };
    Context::new(Caller::system(), RequestId::generate(), None, Grants(vec![grant]))
}
