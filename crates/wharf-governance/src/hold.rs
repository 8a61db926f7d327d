//! Holds: what must not go, whoever wants it gone, until somebody lifts them.
//!
//! A hold is on a repository, on a tag with what it points to, or on a digest wherever the project has it. While it is in
//! force nothing of that is deleted or overwritten, by no client, rule or job. A legal hold is for the law, a quarantine for
//! what is suspected.

pub(crate) mod store;

use serde_json::json;
use wharf_context::{Context, Event, Govern, ProjectId, SeeGovernance, SetHold, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};
use wharf_registry::Registry;
use wharf_registry::ports::{Change, Operation, TagNow};

use crate::error::Error;
use crate::governance::Governance;
use crate::promotion;

/// The longest reason, in bytes.
const MAX_REASON_BYTES: usize = 1_000;
/// How many holds a page has where nothing is said, and at most.
const PAGE_ENTRIES: usize = 100;
const MAX_PAGE_ENTRIES: usize = 1_000;

/// What a hold is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldKind {
    /// The law wants it kept.
    Legal,
    /// It is suspected, and kept to be looked at.
    Quarantine,
}

impl HoldKind {
    /// Its name in answers and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Quarantine => "quarantine",
        }
    }
}

/// A hold to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// What for.
    pub kind: HoldKind,
    /// The repository. A digest is held in all repositories of its project.
    pub repository: RepositoryName,
    /// A tag or a digest there; all of the repository without one.
    pub reference: Option<Reference>,
    /// Why.
    pub reason: String,
    /// When it ends by itself; never, where nothing is said.
    pub until: Option<Timestamp>,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// What for.
    pub kind: HoldKind,
    /// The repository.
    pub repository: RepositoryName,
    /// The tag that it is on.
    pub tag: Option<Tag>,
    /// The digest that it is on; of a tag, what that pointed to when the hold was set.
    pub digest: Option<Digest>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Who lifted it.
    pub lifted: Option<Lifted>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// Who lifted it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Hold {
    /// What it is on, as people write it.
    pub fn target(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("{}:{tag}", self.repository),
            (None, Some(digest)) => format!("{}@{digest}", self.repository),
            (None, None) => self.repository.to_string(),
        }
    }

    /// Whether it is on a tag that points to `digests`: a manifest, and all that it lists.
    pub(crate) fn is_on(&self, tag: Option<&Tag>, digests: &[Digest]) -> bool {
        match (&self.tag, &self.digest) {
            (None, None) => true,
            (held, digest) => {
                (held.is_some() && held.as_ref() == tag) || digest.is_some_and(|digest| digests.contains(&digest))
            }
        }
    }

    /// Why something is refused.
    fn refusal(&self) -> String {
        let Self { id, reason, set_by, .. } = self;
        let (kind, target) = (self.kind.name(), self.target());
        format!("`{target}` must stay as it is: {kind} hold {id}, set by `{set_by}`: {reason}")
    }
}

/// Which holds are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldsQuery {
    /// Those of one repository.
    pub repository: Option<RepositoryName>,
    /// Those that have ended, too.
    pub with_ended: bool,
    /// Holds before this number: the last one of the page before.
    pub before: Option<i64>,
    /// How many.
    pub limit: Option<usize>,
}

impl Governance {
    /// Sets a hold.
    pub async fn set_hold(&self, ctx: &Context, warrant: &Warrant<SetHold>, new: &NewHold) -> Result<Hold, Error> {
        check_reason(&new.reason)?;
        let project = warrant.project();
        self.db
            .transaction(async |tx| {
                if new.until.is_some_and(|until| until <= tx.now()) {
                    return Err(Error::HoldInvalid { reason: "its end lies in the past".to_owned() });
                }
                let digest = target(tx, project, new).await?;
                let hold = store::insert(tx, ctx, (project, new), digest).await?;
                let details = json!({
                    "hold": hold.id, "kind": hold.kind.name(), "reason": hold.reason,
                    "digest": digest.map(|digest| digest.to_string()), "until": hold.until.map(|until| until.0),
                });
                tx.audit(&AuditEntry::new(ctx, "hold.set", hold.target()).with_details(details)).await?;
                tx.announce(Event::HoldSet {
                    project: warrant.name().to_string(),
                    hold: hold.id,
                    kind: hold.kind.name().to_owned(),
                    target: hold.target(),
                })
                .await?;
                promotion::void_held(tx, ctx, project).await?;
                Ok(hold)
            })
            .await
    }

    /// Lifts a hold. One that has ended stays as it is.
    pub async fn lift_hold(
        &self,
        ctx: &Context,
        warrant: &Warrant<SetHold>,
        (id, reason): (i64, &str),
    ) -> Result<Hold, Error> {
        check_reason(reason)?;
        let project = warrant.project();
        self.db
            .transaction(async |tx| {
                let hold = store::get(tx, project, id).await?.ok_or(Error::HoldUnknown { id })?;
                if hold.lifted.is_some() {
                    return Err(Error::HoldEnded { id });
                }
                let lifted = Lifted { by: ctx.caller.name.clone(), at: tx.now(), reason: reason.to_owned() };
                store::lift(tx, (project, id), &lifted).await?;
                let details = json!({ "hold": id, "kind": hold.kind.name(), "reason": reason, "was": hold.reason });
                tx.audit(&AuditEntry::new(ctx, "hold.lift", hold.target()).with_details(details)).await?;
                tx.announce(Event::HoldLifted {
                    project: warrant.name().to_string(),
                    hold: id,
                    kind: hold.kind.name().to_owned(),
                    target: hold.target(),
                })
                .await?;
                Ok(Hold { lifted: Some(lifted), ..hold })
            })
            .await
    }

    /// A hold.
    pub async fn get_hold(&self, warrant: &Warrant<SeeGovernance>, id: i64) -> Result<Hold, Error> {
        store::find(&self.db, warrant.project(), id).await?.ok_or(Error::HoldUnknown { id })
    }

    /// A page of holds, the newest first, and where the next one begins.
    pub async fn list_holds(
        &self,
        warrant: &Warrant<SeeGovernance>,
        query: &HoldsQuery,
    ) -> Result<(Vec<Hold>, Option<i64>), Error> {
        let limit = query.limit.unwrap_or(PAGE_ENTRIES).clamp(1, MAX_PAGE_ENTRIES);
        let now = self.db.clock().now();
        let mut holds = store::list(&self.db, (warrant.project(), now), query, limit + 1).await?;
        let has_more = holds.len() > limit;
        holds.truncate(limit);
        let next = holds.last().filter(|_| has_more).map(|hold| hold.id);
        Ok((holds, next))
    }
}

fn check_reason(reason: &str) -> Result<(), Error> {
    let is_text = !reason.trim().is_empty() && !reason.contains('\0');
    if is_text && reason.len() <= MAX_REASON_BYTES {
        return Ok(());
    }
    Err(Error::HoldInvalid { reason: format!("a reason has 1 to {MAX_REASON_BYTES} bytes") })
}

/// The digest that a new hold is on. A tag must be there: nobody holds what a tag may come to be.
async fn target(tx: &mut Tx<'_>, project: ProjectId, new: &NewHold) -> Result<Option<Digest>, Error> {
    match &new.reference {
        None => Ok(None),
        Some(Reference::Digest(digest)) => Ok(Some(*digest)),
        Some(Reference::Tag(tag)) => {
            let place = (Govern::decided(project), &new.repository);
            let tagged = Registry::find_tagged(tx, place, tag).await?;
            let unknown = || Error::TagUnknown { repository: new.repository.clone(), tag: tag.clone() };
            Ok(Some(tagged.ok_or_else(unknown)?.digest))
        }
    }
}

/// What is to be changed in a repository.
#[derive(Debug, Clone, Copy)]
enum Touched<'a> {
    /// A tag that points to this is to point elsewhere, or nowhere.
    Tag(&'a Tag, &'a Digest),
    /// A manifest is to go, with what only it needs; or a blob.
    Digest(&'a Digest),
    /// All that lies in the bin is to go.
    Bin,
}

/// Refuses what a hold is in the way of. One statement in a project without holds.
pub(crate) async fn admit(tx: &mut Tx<'_>, operation: &Operation<'_>) -> Result<(), Error> {
    match operation.change {
        Change::PutManifest { digest, tags, .. } => {
            let moved: Vec<&TagNow> = tags.iter().filter(|now| is_moved(now, digest)).collect();
            check_tags(tx, operation, &moved).await
        }
        Change::RestoreManifest { digest, tag } => {
            let moved: Vec<&TagNow> = tag.into_iter().filter(|now| is_moved(now, digest)).collect();
            check_tags(tx, operation, &moved).await
        }
        Change::DeleteTag(now) => check_tags(tx, operation, &[now]).await,
        Change::DeleteManifest { digest, tags } => {
            let ending: Vec<&TagNow> = tags.iter().collect();
            check_tags(tx, operation, &ending).await?;
            check(tx, operation, Touched::Digest(digest)).await
        }
        Change::DeleteBlob { digest } => check(tx, operation, Touched::Digest(digest)).await,
        Change::EmptyBin => check(tx, operation, Touched::Bin).await,
    }
}

/// Whether a hold is on a manifest, or on what it is a part of.
pub(crate) async fn is_on(
    tx: &mut Tx<'_>,
    place: (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<bool, Error> {
    Ok(find_held(tx, place, Touched::Digest(digest)).await?.is_some())
}

/// The hold that lets a manifest go no further: one on it or on what it is a part of, or a quarantine of its repository.
/// What the law wants kept may be used meanwhile.
pub(crate) async fn in_the_way(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<Option<Hold>, Error> {
    if !store::is_any_in_force(tx, project).await? {
        return Ok(None);
    }
    let digests = Registry::kin(tx, (Govern::decided(project), repository), digest).await?;
    let holds = store::in_force(tx, (project, repository), &digests).await?;
    let stops = |hold: &Hold| match hold.digest {
        Some(held) => held == *digest || digests.contains(&held),
        None => hold.kind == HoldKind::Quarantine && hold.tag.is_none(),
    };
    Ok(holds.into_iter().find(stops))
}

/// Whether a tag is to point elsewhere than now.
fn is_moved(now: &TagNow, digest: &Digest) -> bool {
    now.digest.is_some_and(|now| now != *digest)
}

/// Refuses to end tags, or to move them, that a hold is on.
async fn check_tags(tx: &mut Tx<'_>, operation: &Operation<'_>, tags: &[&TagNow]) -> Result<(), Error> {
    for now in tags {
        if let Some(digest) = &now.digest {
            check(tx, operation, Touched::Tag(&now.tag, digest)).await?;
        }
    }
    Ok(())
}

async fn check(tx: &mut Tx<'_>, operation: &Operation<'_>, touched: Touched<'_>) -> Result<(), Error> {
    match find_held(tx, (operation.project, operation.repository), touched).await? {
        Some(hold) => Err(Error::Held { sentence: hold.refusal() }),
        None => Ok(()),
    }
}

/// The hold that is in the way of something.
async fn find_held(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    touched: Touched<'_>,
) -> Result<Option<Hold>, Error> {
    if !store::is_any_in_force(tx, project).await? {
        return Ok(None);
    }
    let place = (Govern::decided(project), repository);
    let (tag, digests) = match touched {
        Touched::Tag(tag, digest) => {
            let roots: Vec<Digest> = tag.attached_to().into_iter().chain([*digest]).collect();
            let components = Registry::components(tx, place, &roots).await?;
            (Some(tag), components.into_iter().map(|(_, component)| component).collect())
        }
        Touched::Digest(digest) => (None, Registry::kin(tx, place, digest).await?),
        Touched::Bin => return in_bin(tx, (project, repository)).await,
    };
    let holds = store::in_force(tx, (project, repository), &digests).await?;
    Ok(holds.into_iter().find(|hold| hold.is_on(tag, &digests)))
}

/// A hold on something that lies in a repository's bin.
async fn in_bin(tx: &mut Tx<'_>, (project, repository): (ProjectId, &RepositoryName)) -> Result<Option<Hold>, Error> {
    let holds = store::all_in_force(tx, (project, repository)).await?;
    let digests: Vec<Digest> = holds.iter().filter_map(|hold| hold.digest).collect();
    let binned = Registry::binned(tx, (Govern::decided(project), repository), &digests).await?;
    Ok(holds.into_iter().find(|hold| hold.is_on(None, &binned)))
}
