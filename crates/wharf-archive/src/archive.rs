//! Archives: an image with all that belongs to it leaves for a cold place and can come back, byte for byte.
//!
//! What leaves is copied into an OCI layout (`bundle`), read back and compared, and only then, in one transaction, put
//! into the bin, from which it goes like anything else. What stands in an environment, is held, runs, or is a base of such
//! does not leave. What has left is still found by search and history, and whoever pulls it is told where it is. Both ways
//! are jobs that go on where they were broken off.
//!
//! Reading order: here, what people ask for; `bundle`, `records`, `leave`, `back`, [`job`].

mod back;
pub(crate) mod bundle;
pub mod job;
mod leave;
mod records;
pub(crate) mod store;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_context::{Archive as RunArchive, Context, Event, Govern, ProjectId, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, NewJob, Tx};
use wharf_governance::{Page, PageRequest};
use wharf_oci::{Digest, ProjectName, Reference, RepositoryName, Tag};
use wharf_registry::Registry;

use crate::archives::Archives;
use crate::error::Error;

/// How far an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArchiveState {
    /// It is being copied. The image is still in the registry.
    Storing,
    /// It is in the cold place and, when the bin's time is over, nowhere else.
    Archived,
    /// It is being brought back.
    Restoring,
    /// It is in the registry again.
    Restored,
    /// It was not archived; the image is where it was.
    Failed,
}

impl ArchiveState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Storing, Self::Archived, Self::Restoring, Self::Restored, Self::Failed];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Storing => "storing",
            Self::Archived => "archived",
            Self::Restoring => "restoring",
            Self::Restored => "restored",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What is to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArchive {
    /// Its repository.
    pub repository: RepositoryName,
    /// Which. A tag is resolved once; all tags of what it points to leave.
    pub reference: Reference,
    /// Why.
    pub reason: String,
}

/// An image that left, or is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its number.
    pub id: i64,
    /// The project.
    pub(crate) project: ProjectId,
    /// Its repository.
    pub repository: RepositoryName,
    /// What.
    pub digest: Digest,
    /// How far it is.
    pub state: ArchiveState,
    /// Counted up with every change; the entity tag.
    pub revision: i64,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Where its bundle is, from when it has been stored.
    pub place: Option<String>,
    /// When it was stored.
    pub archived_at: Option<Timestamp>,
    /// Who asked for it to come back the last time.
    pub restored_by: Option<String>,
    /// When it had come back.
    pub restored_at: Option<Timestamp>,
    /// What there is to say: why it failed, or which tags stay as they are.
    pub explanation: String,
    /// How many manifests and blobs it has, and how many bytes these are.
    pub figures: ArchiveFigures,
}

impl Archive {
    /// What whoever pulls it is told.
    pub(crate) fn absence(&self, reference: &Reference) -> String {
        let Self { id, repository, .. } = self;
        let name = match reference {
            Reference::Tag(tag) => format!("{repository}:{tag}"),
            Reference::Digest(digest) => format!("{repository}@{digest}"),
        };
        if self.state == ArchiveState::Restoring {
            return format!("`{name}` is being restored from archive {id}; try again in a while");
        }
        format!("`{name}` is in archive {id}, and not in the registry; bring it back with `wharf restore {name}`")
    }
}

/// What an archive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveFigures {
    /// Manifests: the image, what it lists, and what refers to these.
    pub manifests: i64,
    /// Blobs, each once.
    pub blobs: i64,
    /// Bytes of both.
    pub size_bytes: i64,
}

/// What an archive has, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Manifests, the oldest first.
    pub manifests: Vec<StoredMember>,
    /// Blobs, each once, in the order of their digests.
    pub blobs: Vec<StoredBlob>,
    /// Tags that pointed to any of the manifests.
    pub tags: Vec<StoredTag>,
}

/// A manifest in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMember {
    /// Its digest.
    #[serde(with = "crate::text")]
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Who pushed it.
    pub pushed_by: String,
    /// When: microseconds since 1970, UTC.
    pub pushed_at: i64,
}

/// A blob in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBlob {
    /// Its digest.
    #[serde(with = "crate::text")]
    pub digest: Digest,
    /// How many bytes it has.
    pub size_bytes: u64,
}

/// A tag that pointed to a manifest in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTag {
    /// The tag.
    #[serde(with = "crate::text")]
    pub tag: Tag,
    /// What it pointed to.
    #[serde(with = "crate::text")]
    pub digest: Digest,
    /// Who pointed it there.
    pub changed_by: String,
    /// Since when: microseconds since 1970, UTC.
    pub since: i64,
}

impl Contents {
    /// All digests: manifests first, then blobs.
    pub fn digests(&self) -> Vec<Digest> {
        let manifests = self.manifests.iter().map(|member| member.digest);
        manifests.chain(self.blobs.iter().map(|blob| blob.digest)).collect()
    }
}

/// Which archives are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchivesQuery {
    /// Those of one repository.
    pub repository: Option<RepositoryName>,
    /// Those that stand there.
    pub state: Option<ArchiveState>,
}

/// Whose image is asked for, and by whom.
pub(crate) type Asking<'a> = (&'a Context, ProjectId, &'a ProjectName);

impl Archives {
    /// Has an image archived. A job does it; the image stays in the registry until its copy was read back.
    pub async fn request_archive(
        &self,
        ctx: &Context,
        warrant: &Warrant<RunArchive>,
        new: &NewArchive,
    ) -> Result<Archive, Error> {
        wharf_governance::promotion::check_text(&new.reason)?;
        let asking = (ctx, warrant.project(), warrant.name());
        self.db.transaction(async |tx| self.begin_archive(tx, asking, new).await).await
    }

    /// The same in the transaction of somebody who decided it.
    pub(crate) async fn begin_archive(
        &self,
        tx: &mut Tx<'_>,
        (ctx, project, name): Asking<'_>,
        new: &NewArchive,
    ) -> Result<Archive, Error> {
        self.cold()?;
        let repository = self.environments.canonical(&new.repository);
        let unknown =
            || Error::NotInDevelopment { repository: repository.clone(), reference: new.reference.to_string() };
        let digest = match &new.reference {
            Reference::Tag(tag) => Registry::pointed(tx, project, &repository, tag).await?.ok_or_else(unknown)?,
            Reference::Digest(digest) => *digest,
        };
        let place = (Govern::decided(project), &repository);
        if Registry::those_standing(tx, place, &[digest]).await?.is_empty() {
            return Err(unknown());
        }
        if let Some(open) = store::open_of(tx, (project, &repository), &digest).await? {
            if open.state != ArchiveState::Archived {
                return Err(Error::ArchiveOpen { id: open.id, state: open.state });
            }
            // It came back out of the bin, or was pushed anew.
            step(tx, (ctx, name), &open, (ArchiveState::Restored, "it stands in the registry again")).await?;
        }
        if let Some(why) = self.governance.why_it_stays(tx, place, &digest).await? {
            return Err(Error::MustStay { repository: repository.clone(), digest, why });
        }
        let archive = store::insert(tx, ctx, (project, &repository, &digest), &new.reason).await?;
        enqueue(tx, job::STORE, archive.id).await?;
        tell(tx, (ctx, name), &archive, "archive.request").await?;
        Ok(archive)
    }

    /// Has an archived image brought back. With `expected`, only if the archive still is at that revision.
    pub async fn restore_archive(
        &self,
        ctx: &Context,
        warrant: &Warrant<RunArchive>,
        (id, expected): (i64, Option<i64>),
    ) -> Result<Archive, Error> {
        self.cold()?;
        self.db
            .transaction(async |tx| {
                let found = store::get(tx, id).await?.filter(|archive| archive.project == warrant.project());
                let archive = found.ok_or(Error::ArchiveUnknown { id })?;
                if expected.is_some_and(|expected| expected != archive.revision) {
                    return Err(Error::ArchiveMoved { id, current: archive.revision });
                }
                if archive.state != ArchiveState::Archived {
                    return Err(Error::ArchiveState { id, state: archive.state });
                }
                store::note_restorer(tx, id, &ctx.caller.name).await?;
                let next = (ArchiveState::Restoring, "");
                let archive = step(tx, (ctx, warrant.name()), &archive, next).await?;
                enqueue(tx, job::RESTORE, id).await?;
                Ok(archive)
            })
            .await
    }

    /// An archive, and what it has.
    pub async fn get_archive(&self, warrant: &Warrant<SeeGovernance>, id: i64) -> Result<(Archive, Contents), Error> {
        let found = store::find(&self.db, id).await?.filter(|(archive, _)| archive.project == warrant.project());
        found.ok_or(Error::ArchiveUnknown { id })
    }

    /// The archives of an image, the first first.
    pub async fn archives_of(
        &self,
        warrant: &Warrant<SeeGovernance>,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<Archive>, Error> {
        let repository = self.environments.canonical(repository);
        let archives = store::of_digest(&self.db, (warrant.project(), &repository), digest).await?;
        Ok(archives.into_iter().map(|(archive, _)| archive).collect())
    }

    /// A page of a project's archives, the newest first.
    pub async fn list_archives(
        &self,
        warrant: &Warrant<SeeGovernance>,
        query: &ArchivesQuery,
        page: &PageRequest,
    ) -> Result<Page<Archive>, Error> {
        let archives = store::list(&self.db, warrant.project(), query, (page.before()?, page.rows())).await?;
        Ok(page.cut(archives, |archive| archive.id.to_string()))
    }
}

/// Takes an archive to its next state, written down, audited and announced.
pub(crate) async fn step(
    tx: &mut Tx<'_>,
    (ctx, project): (&Context, &ProjectName),
    archive: &Archive,
    (state, explanation): (ArchiveState, &str),
) -> Result<Archive, Error> {
    let next = Archive {
        state,
        revision: archive.revision + 1,
        explanation: explanation.to_owned(),
        restored_at: if state == ArchiveState::Restored { Some(tx.now()) } else { archive.restored_at },
        archived_at: archive.archived_at.or_else(|| (state == ArchiveState::Archived).then(|| tx.now())),
        ..archive.clone()
    };
    if !store::update(tx, &next, archive.revision).await? {
        return Err(Error::ArchiveMoved { id: archive.id, current: archive.revision + 1 });
    }
    let action = match state {
        ArchiveState::Storing => "archive.request",
        ArchiveState::Archived if archive.state == ArchiveState::Restoring => "archive.restore_failed",
        ArchiveState::Archived => "archive.store",
        ArchiveState::Restoring => "archive.restore",
        ArchiveState::Restored => "archive.restored",
        ArchiveState::Failed => "archive.fail",
    };
    tell(tx, (ctx, project), &next, action).await?;
    Ok(next)
}

async fn tell(
    tx: &mut Tx<'_>,
    (ctx, project): (&Context, &ProjectName),
    archive: &Archive,
    action: &'static str,
) -> Result<(), Error> {
    let details = json!({
        "archive": archive.id, "state": archive.state.name(), "reason": archive.reason, "place": archive.place,
        "requested_by": archive.requested_by, "restored_by": archive.restored_by, "explanation": archive.explanation,
    });
    let resource = format!("{}@{}", archive.repository, archive.digest);
    tx.audit(&AuditEntry::new(ctx, action, resource).with_details(details)).await?;
    tx.announce(Event::ArchiveChanged {
        project: project.to_string(),
        archive: archive.id,
        state: archive.state.name().to_owned(),
        repository: archive.repository.to_string(),
        digest: archive.digest.to_string(),
    })
    .await?;
    Ok(())
}

async fn enqueue(tx: &mut Tx<'_>, kind: &'static str, archive: i64) -> Result<(), Error> {
    let (payload, run_at) = (json!({ "archive": archive }).to_string(), tx.now());
    tx.enqueue(NewJob { kind, payload, run_at }).await?;
    Ok(())
}
