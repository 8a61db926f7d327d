//! What stands in a repository, for parts that decide in the same transaction. Nobody's rights are asked here: whoever
//! calls it has the project's number from a proof that somebody may.

mod store;

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Tx};
use wharf_oci::{Digest, RepositoryName, Tag};

use crate::error::Error;
use crate::manifest::StoredManifest;
use crate::registry::Registry;

/// A manifest, and how it came to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingManifest {
    /// The manifest.
    pub manifest: StoredManifest,
    /// Who pushed it, by the account's name at that time.
    pub pushed_by: String,
    /// Since when it stands there.
    pub since: Timestamp,
}

/// A manifest that is attached to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachedManifest {
    /// Which.
    pub digest: Digest,
    /// Since when it stands there or in development, whichever is longer.
    pub attached_at: Timestamp,
}

/// What a tag of a repository pointed to for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSpell {
    /// The tag.
    pub tag: Tag,
    /// Who pointed it there.
    pub changed_by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: it still does.
    pub until: Option<Timestamp>,
}

impl Registry {
    /// A manifest that stands in a repository of a project.
    pub async fn standing(
        tx: &mut Tx<'_>,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<StandingManifest>, Error> {
        store::manifest(tx, project, repository, digest).await
    }

    /// The same for who only looks.
    pub async fn find_standing(
        db: &Db,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<StandingManifest>, Error> {
        store::find_manifest(db, project, repository, digest).await
    }

    /// What is attached to a manifest in a repository: its referrers, and what its tag `sha256-….att` points to; the last
    /// that came first, at most `limit`. `development` is the repository's name there.
    pub async fn attached(
        tx: &mut Tx<'_>,
        project: ProjectId,
        (repository, development): (&RepositoryName, &RepositoryName),
        subject: &Digest,
        limit: u32,
    ) -> Result<Vec<AttachedManifest>, Error> {
        store::attached(tx, project, (repository, development), subject, limit).await
    }

    /// What a tag of a repository points to.
    pub async fn pointed(
        tx: &mut Tx<'_>,
        project: ProjectId,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, Error> {
        store::pointed(tx, project, repository, tag).await
    }

    /// The tags that point at a manifest, in byte order.
    pub async fn tags_at(
        tx: &mut Tx<'_>,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<Tag>, Error> {
        store::tags_at(tx, project, repository, digest).await
    }

    /// The tags that point at a manifest or did, the latest first; at most `limit`.
    pub async fn tag_spells(
        db: &Db,
        project: ProjectId,
        (repository, digest): (&RepositoryName, &Digest),
        limit: u32,
    ) -> Result<Vec<TagSpell>, Error> {
        store::spells(db, project, (repository, digest), limit).await
    }
}
