//! Releases: a versioned set of images, charts and other artifacts of a project that moves together, all or nothing.
//!
//! A release can be changed until it is sealed; from then on its digests stand, and only what is attached to them may
//! grow. It is sealed by hand, or by going into a sealed environment.

pub(crate) mod store;

use std::collections::BTreeSet;

use serde_json::json;
use wharf_context::action::{SealRelease, SeeGovernance};
use wharf_context::{Context, ProjectId, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};
use wharf_registry::Registry;

use crate::error::Error;
use crate::governance::Governance;
use crate::page::{Page, PageRequest};
use crate::promotion::check_text;

/// The most things that move together.
const MAX_ITEMS: usize = 50;
/// The longest version, in bytes.
const MAX_VERSION_BYTES: usize = 128;

/// A set that moves together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub(crate) row: i64,
    /// Its version: unique in its project.
    pub version: String,
    /// Counted up with every change; the entity tag.
    pub revision: i64,
    /// What there is to say about it.
    pub note: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Who sealed it.
    pub sealed_by: Option<String>,
    /// When.
    pub sealed_at: Option<Timestamp>,
    /// What moves.
    pub items: Vec<ReleaseItem>,
}

/// One thing of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseItem {
    /// Its repository, by the name in development.
    pub repository: RepositoryName,
    /// What.
    pub digest: Digest,
    /// The tags that point at it where it goes.
    pub tags: Vec<Tag>,
}

/// What is to be in a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRelease {
    /// Its version.
    pub version: String,
    /// What there is to say about it.
    pub note: String,
    /// Repositories of development, each once, with the tag or digest of what is to move.
    pub items: Vec<(RepositoryName, Reference)>,
}

impl Governance {
    /// Makes a release of what stands in development.
    pub async fn create_release(
        &self,
        ctx: &Context,
        warrant: &Warrant<SealRelease>,
        new: &NewRelease,
    ) -> Result<Release, Error> {
        check(new)?;
        self.db
            .transaction(async |tx| {
                let items = resolve(tx, warrant.project(), &new.items).await?;
                let made = store::insert(tx, ctx, warrant.project(), (new, &items)).await?;
                let release = made.ok_or_else(|| Error::ReleaseExists { version: new.version.clone() })?;
                note(tx, ctx, (warrant.name().as_str(), "release.create"), &release).await?;
                Ok(release)
            })
            .await
    }

    /// Changes what is in a release, or what is said about it. With `expected`, only at that revision.
    pub async fn put_release(
        &self,
        ctx: &Context,
        warrant: &Warrant<SealRelease>,
        new: &NewRelease,
        expected: Option<i64>,
    ) -> Result<Release, Error> {
        check(new)?;
        self.db
            .transaction(async |tx| {
                let before = open(tx, warrant, &new.version, expected).await?;
                let items = resolve(tx, warrant.project(), &new.items).await?;
                let release = store::replace(tx, before, (new, items)).await?;
                note(tx, ctx, (warrant.name().as_str(), "release.update"), &release).await?;
                Ok(release)
            })
            .await
    }

    /// Seals a release: its digests stand from now on.
    pub async fn seal_release(
        &self,
        ctx: &Context,
        warrant: &Warrant<SealRelease>,
        version: &str,
        expected: Option<i64>,
    ) -> Result<Release, Error> {
        self.db
            .transaction(async |tx| {
                let release = open(tx, warrant, version, expected).await?;
                store::seal(tx, release.row, &ctx.caller.name).await?;
                let sealed = store::find(&mut *tx, warrant.project(), version).await?.unwrap_or(release);
                note(tx, ctx, (warrant.name().as_str(), "release.seal"), &sealed).await?;
                Ok(sealed)
            })
            .await
    }

    /// One release.
    pub async fn get_release(&self, warrant: &Warrant<SeeGovernance>, version: &str) -> Result<Release, Error> {
        let found = store::find(&self.db, warrant.project(), version).await?;
        found.ok_or_else(|| Error::ReleaseUnknown { version: version.to_owned() })
    }

    /// A project's releases, the newest first.
    pub async fn list_releases(
        &self,
        warrant: &Warrant<SeeGovernance>,
        page: &PageRequest,
    ) -> Result<Page<Release>, Error> {
        let releases = store::list(&self.db, warrant.project(), (page.before()?, page.rows())).await?;
        let mut page = page.cut(releases, |release| release.row.to_string());
        store::fill(&self.db, &mut page.entries).await?;
        Ok(page)
    }
}

/// A release that can still be changed.
async fn open(
    tx: &mut Tx<'_>,
    warrant: &Warrant<SealRelease>,
    version: &str,
    expected: Option<i64>,
) -> Result<Release, Error> {
    let found = store::find(&mut *tx, warrant.project(), version).await?;
    let release = found.ok_or_else(|| Error::ReleaseUnknown { version: version.to_owned() })?;
    if expected.is_some_and(|expected| expected != release.revision) {
        return Err(Error::ReleaseMoved { version: version.to_owned(), current: release.revision });
    }
    if release.sealed_at.is_some() {
        return Err(Error::ReleaseSealed { version: version.to_owned() });
    }
    Ok(release)
}

fn check(new: &NewRelease) -> Result<(), Error> {
    check_text(&new.note)?;
    let is_version = !new.version.is_empty()
        && new.version.len() <= MAX_VERSION_BYTES
        && new.version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
    if !is_version {
        return Err(Error::VersionInvalid { max_bytes: MAX_VERSION_BYTES });
    }
    let repositories: BTreeSet<&RepositoryName> = new.items.iter().map(|(repository, _)| repository).collect();
    if new.items.is_empty() || new.items.len() > MAX_ITEMS || repositories.len() != new.items.len() {
        return Err(Error::ReleaseItems { max: MAX_ITEMS });
    }
    Ok(())
}

/// What stands in development under these names.
async fn resolve(
    tx: &mut Tx<'_>,
    project: ProjectId,
    items: &[(RepositoryName, Reference)],
) -> Result<Vec<ReleaseItem>, Error> {
    let mut resolved = Vec::new();
    for (repository, reference) in items {
        let unknown = || Error::NotInDevelopment { repository: repository.clone(), reference: reference.to_string() };
        let (digest, tags) = match reference {
            Reference::Tag(tag) => (Registry::pointed(tx, project, repository, tag).await?, vec![tag.clone()]),
            Reference::Digest(digest) => (Some(*digest), Vec::new()),
        };
        let digest = digest.ok_or_else(unknown)?;
        Registry::standing(tx, project, repository, &digest).await?.ok_or_else(unknown)?;
        resolved.push(ReleaseItem { repository: repository.clone(), digest, tags });
    }
    resolved.sort_by(|a, b| a.repository.cmp(&b.repository));
    Ok(resolved)
}

async fn note(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (project, action): (&str, &'static str),
    release: &Release,
) -> Result<(), Error> {
    let items: Vec<String> = release.items.iter().map(|item| format!("{}@{}", item.repository, item.digest)).collect();
    let details = json!({ "items": items, "revision": release.revision, "sealed": release.sealed_at.is_some() });
    let entry = AuditEntry::new(ctx, action, format!("{project}/{}", release.version)).with_details(details);
    tx.audit(&entry).await?;
    Ok(())
}
