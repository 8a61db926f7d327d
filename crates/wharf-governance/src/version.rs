//! Versions: `YYYYMMDD_NN`, given out by the server in order, each once.
//!
//! A sequence counts the versions of one repository, or of the project as a whole, anew on each day of the project's time
//! zone. What was given out has a row for ever: it is on an image, waits for one, or is void, because somebody said so or
//! because nobody used it in time. Whether a push of such a tag is taken is the tag rules' to say ([`crate::tag_rule`]).

pub(crate) mod date;
pub(crate) mod store;

use serde_json::json;
use wharf_context::{AllocateVersion, Context, Permit, Push, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::RepositoryName;
use wharf_registry::Page;

pub use date::{DateVersion, DateVersionError, Day};

use crate::error::Error;
use crate::governance::Governance;
use crate::policy;
use crate::tag_rule::{Sequence, TagPolicy};

/// The longest purpose or reason, in bytes.
pub const MAX_NOTE_BYTES: usize = 500;
/// How many versions one page lists at most, and where nothing is said.
const PAGE_ENTRIES: (usize, usize) = (1_000, 100);

/// A version to be given out.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// For a repository, to which the caller may push; `None`: in the sequence of the whole project.
    pub repository: Option<Permit<Push>>,
    /// What for, in the caller's words.
    pub purpose: Option<String>,
}

/// A version that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocatedVersion {
    /// Its number in lists; later ones have larger numbers.
    pub id: i64,
    /// The version.
    pub version: DateVersion,
    /// Whose sequence it is of; `None`: the project's.
    pub repository: Option<RepositoryName>,
    /// What has become of it.
    pub state: VersionState,
    /// By whom.
    pub allocated_by: String,
    /// What for.
    pub purpose: Option<String>,
    /// When.
    pub allocated_at: Timestamp,
    /// Until when it waits for an image.
    pub expires_at: Timestamp,
}

/// What has become of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// It waits for its image.
    Allocated,
    /// It is on an image.
    Used {
        /// Since when.
        since: Timestamp,
    },
    /// It will be on none.
    Void {
        /// Who said so; `None`: nobody used it in time.
        by: Option<String>,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Which sequence a version is counted in. The project's has an empty name in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SequenceName(String);

impl SequenceName {
    /// The sequence that counts for a repository, or for the whole project.
    pub(crate) fn of(tags: &TagPolicy, repository: Option<&RepositoryName>) -> Self {
        match repository.map(|repository| (tags.sequence_of(repository), repository)) {
            Some((Sequence::Repository, repository)) => Self(repository.to_string()),
            Some((Sequence::Project, _)) | None => Self(String::new()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Governance {
    /// Gives out the next version.
    pub async fn allocate_version(
        &self,
        ctx: &Context,
        warrant: &Warrant<AllocateVersion>,
        new: &NewVersion,
    ) -> Result<AllocatedVersion, Error> {
        check_note("purpose", new.purpose.as_deref())?;
        let repository = new.repository.as_ref().map(Permit::repository);
        self.db
            .transaction(async |tx| {
                let tags = policy::in_force(tx, warrant.project()).await?.policy.tags;
                let sequence = SequenceName::of(&tags, repository);
                let day = Day::at(tx.now(), tags.time_zone.zone());
                let number = store::next(tx, warrant.project(), &sequence, day).await?;
                let full = || Error::VersionsExhausted { project: warrant.name().clone() };
                let version = DateVersion::new(day, number).ok_or_else(full)?;
                let draft = store::Draft {
                    project: warrant.project(),
                    sequence: &sequence,
                    version,
                    purpose: new.purpose.as_deref(),
                    expires_at: tx.now().plus(tags.patience()),
                };
                let allocated = store::insert(tx, ctx, &draft).await?;
                let of = repository.map_or_else(|| warrant.name().to_string(), ToString::to_string);
                let details = json!({ "purpose": new.purpose });
                let entry = AuditEntry::new(ctx, "version.allocate", format!("{of}:{version}"));
                tx.audit(&entry.with_details(details)).await?;
                Ok(allocated)
            })
            .await
    }

    /// What was given out, the last first: in the sequence that counts for `repository`, or in all of the project.
    pub async fn list_versions(
        &self,
        warrant: &Warrant<SeeGovernance>,
        repository: Option<&RepositoryName>,
        (before, wanted): (Option<i64>, Option<usize>),
    ) -> Result<Page<AllocatedVersion>, Error> {
        let limit = wanted.unwrap_or(PAGE_ENTRIES.1).clamp(1, PAGE_ENTRIES.0);
        let project = warrant.project();
        let now = self.db.clock().now();
        let rows = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
        let page = (before.unwrap_or(i64::MAX), rows);
        let mut entries = match repository {
            None => store::list(&self.db, project, page, now).await?,
            Some(repository) => {
                let tags = self.get_policy(warrant).await?.policy.tags;
                let sequence = SequenceName::of(&tags, Some(repository));
                store::list_of(&self.db, (project, &sequence), page, now).await?
            }
        };
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Ok(Page { entries, has_more })
    }

    /// Says of a version that is on no image that it never will be, and why. Once said, it stays.
    pub async fn void_version(
        &self,
        ctx: &Context,
        warrant: &Warrant<AllocateVersion>,
        (repository, version): (Option<&RepositoryName>, DateVersion),
        reason: &str,
    ) -> Result<AllocatedVersion, Error> {
        check_note("reason", Some(reason))?;
        self.db
            .transaction(async |tx| {
                let tags = policy::in_force(tx, warrant.project()).await?.policy.tags;
                let sequence = SequenceName::of(&tags, repository);
                let of = repository.map_or_else(|| warrant.name().to_string(), ToString::to_string);
                let found = get(tx, warrant, (&sequence, version), &of).await?;
                match &found.state {
                    VersionState::Used { .. } => return Err(Error::VersionUsed { of, version }),
                    VersionState::Void { by: Some(_), .. } => return Ok(found),
                    VersionState::Void { by: None, .. } | VersionState::Allocated => {}
                }
                store::void(tx, ctx, found.id, reason).await?;
                let entry = AuditEntry::new(ctx, "version.void", format!("{of}:{version}"));
                tx.audit(&entry.with_details(json!({ "reason": reason }))).await?;
                get(tx, warrant, (&sequence, version), &of).await
            })
            .await
    }
}

async fn get(
    tx: &mut Tx<'_>,
    warrant: &Warrant<AllocateVersion>,
    (sequence, version): (&SequenceName, DateVersion),
    of: &str,
) -> Result<AllocatedVersion, Error> {
    let found = store::get(tx, warrant.project(), sequence, version).await?;
    found.ok_or_else(|| Error::VersionUnknown { of: of.to_owned(), version })
}

fn check_note(what: &'static str, note: Option<&str>) -> Result<(), Error> {
    let is_note = |note: &str| {
        (1..=MAX_NOTE_BYTES).contains(&note.len()) && !note.chars().any(char::is_control) && !note.trim().is_empty()
    };
    if note.is_none_or(is_note) { Ok(()) } else { Err(Error::NoteInvalid { what }) }
}
