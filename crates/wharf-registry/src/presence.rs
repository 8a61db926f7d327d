//! What is where, for parts that keep notes about images: they ask here, inside the transaction that writes a note.
//!
//! Who may see it is for whoever asks to decide.

mod store;

use wharf_context::{ProjectId, Timestamp};
use wharf_db::Tx;
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use crate::error::Error;
use crate::registry::Registry;

/// How many tags of one manifest are told: nobody reads more.
pub const MAX_TAGS: i64 = 100;

/// A manifest that a repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The project that owns the repository.
    pub project: ProjectId,
    /// Since when it is there.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
    /// Tags that point to it or once did, the latest first; at most [`MAX_TAGS`].
    pub tags: Vec<Tagged>,
}

/// A tag that points, or once pointed, to a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub tag: Tag,
    /// Since when it does, or did the last time.
    pub since: Timestamp,
    /// Whether it still does.
    pub is_current: bool,
}

/// One place of a manifest, as [`Registry::list_presences`] walks through all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What the next page begins after.
    pub position: i64,
    /// Where.
    pub repository: RepositoryName,
    /// Which manifest.
    pub digest: Digest,
}

impl Registry {
    /// What a repository has of a manifest; `None` where it does not have it, or has it in the bin.
    pub async fn presence(
        tx: &mut Tx<'_>,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Presence>, Error> {
        store::get(tx, repository, digest).await
    }

    /// Manifests of all repositories that are not in the bin, in the order of their arrival, after `position`.
    pub async fn list_presences(&self, position: i64, limit: u32) -> Result<Vec<Stored>, Error> {
        store::list(&self.db, position, limit).await
    }

    /// What a reference in a project's repository names now.
    pub async fn resolve_in(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Digest, Error> {
        let unknown = || Error::ManifestUnknown { repository: repository.clone(), reference: reference.clone() };
        store::resolve(&self.db, project, repository, reference).await?.ok_or_else(unknown)
    }
}
