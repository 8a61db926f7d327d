//! Rebuilds: a newer base asks for what stands on the ones before to be rebuilt.
//!
//! A base's kind says in the policy that its newer images do that ([`crate::lineage::policy`]). What is asked for is ordered
//! in waves: what something stands on comes first. Each repository is asked once, by the event `rebuild_wanted`, and its
//! answer is a new image that stands on the new base: found by itself when it arrives, or named by whoever has built it.
//! Who builds is not known here: webhooks tell them. A still newer base of the same line overtakes what is open.

pub mod job;
mod rule;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use wharf_context::action::AnswerRebuild;
use wharf_context::{Caller, Context, Event, Grants, ProjectId, RequestId, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName};

use crate::error::Error;
use crate::governance::Governance;
use crate::lineage::Viewer;

/// How long something that was asked for is not late where the policy says nothing.
pub(crate) const DEFAULT_WITHIN_HOURS: u32 = 24;

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildState {
    /// Something is still to be rebuilt.
    Open,
    /// Everything was.
    Done,
    /// A still newer base has taken its place.
    Overtaken,
}

/// How far one repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    /// What it stands on is to be rebuilt first.
    Waiting,
    /// It was asked for.
    Wanted,
    /// It is there.
    Answered,
    /// A still newer base has taken the place of this one.
    Overtaken,
}

/// That a newer base has asked for what stands on the ones before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuild {
    /// Its number.
    pub id: i64,
    /// The base's project.
    pub(crate) project: ProjectId,
    /// The base's repository.
    pub repository: RepositoryName,
    /// The pattern of the base's tags that it is the newest of.
    pub line: String,
    /// The base's tag.
    pub tag: String,
    /// The base.
    pub digest: Digest,
    /// How far it is.
    pub state: RebuildState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
}

/// One repository that is to be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildItem {
    /// Which.
    pub repository: RepositoryName,
    /// Its project.
    pub(crate) project: ProjectId,
    /// In which wave, from 1.
    pub wave: u32,
    /// The repositories whose new images it waits for.
    pub after: BTreeSet<RepositoryName>,
    /// Its newest tag when the rebuild was opened.
    pub tag: String,
    /// What that pointed to.
    pub digest: Digest,
    /// How far it is.
    pub state: ItemState,
    /// When it was asked for.
    pub wanted_at: Option<Timestamp>,
    /// What was built.
    pub answer: Option<Digest>,
    /// Who said so; `system` where the image was recognised.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<Timestamp>,
}

/// A rebuild with its items, as one caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildView {
    /// The rebuild.
    pub rebuild: Rebuild,
    /// The items that the caller may see, wave by wave, and whether each was asked for too long ago.
    pub items: Vec<(RebuildItem, bool)>,
    /// How many more there are.
    pub hidden: usize,
}

/// A rebuild that is to be opened.
#[derive(Debug, Clone)]
struct NewRebuild {
    project: ProjectId,
    repository: RepositoryName,
    line: String,
    tag: String,
    digest: Digest,
    items: Vec<NewItem>,
}

#[derive(Debug, Clone)]
struct NewItem {
    repository: RepositoryName,
    project: ProjectId,
    wave: u32,
    after: BTreeSet<RepositoryName>,
    tag: String,
    digest: Digest,
}

impl Governance {
    /// The rebuilds that a project's bases have asked for, or that ask for its images, the latest first, before `before`.
    pub async fn list_rebuilds(
        &self,
        viewer: &Viewer<'_>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Rebuild>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        store::list(&mut &self.db, viewer.warrant.project(), (before.unwrap_or(i64::MAX), limit)).await
    }

    /// One rebuild, if it concerns the project.
    pub async fn get_rebuild(&self, viewer: &Viewer<'_>, id: i64) -> Result<RebuildView, Error> {
        let rebuild = store::get(&mut &self.db, id).await?.ok_or(Error::RebuildUnknown(id))?;
        let all = store::items(&mut &self.db, id).await?;
        let project = viewer.warrant.project();
        if rebuild.project != project && !all.iter().any(|item| item.project == project) {
            return Err(Error::RebuildUnknown(id));
        }
        let hours = self.get_policy(viewer.warrant).await?.policy.lineage.rebuild_within_hours;
        let patience = Duration::from_secs(3600 * u64::from(hours.unwrap_or(DEFAULT_WITHIN_HOURS)));
        let now = self.db.clock().now();
        let is_late = |item: &RebuildItem| {
            item.state == ItemState::Wanted && item.wanted_at.is_some_and(|wanted| wanted.plus(patience) < now)
        };
        let (seen, hidden): (Vec<_>, Vec<_>) = all.into_iter().partition(|item| viewer.may_see(item.project));
        let items = seen.into_iter().map(|item| (is_late(&item), item)).map(|(late, item)| (item, late)).collect();
        Ok(RebuildView { rebuild, items, hidden: hidden.len() })
    }

    /// Says by which image a repository of the project was rebuilt, where that cannot be recognised.
    pub async fn answer_rebuild(
        &self,
        ctx: &Context,
        warrant: &Warrant<AnswerRebuild>,
        id: i64,
        (repository, reference): (&RepositoryName, &Reference),
    ) -> Result<(), Error> {
        let digest = self.registry.resolve_in(warrant.project(), repository, reference).await?;
        self.db
            .transaction(async |tx| {
                let rebuild = store::get(tx, id).await?.ok_or(Error::RebuildUnknown(id))?;
                let items = store::items(tx, id).await?;
                let is_asked =
                    |item: &&RebuildItem| item.repository == *repository && item.project == warrant.project();
                let item = items.iter().find(is_asked).ok_or(Error::RebuildUnknown(id))?;
                if item.answer == Some(digest) {
                    return Ok(());
                }
                if !store::answer(tx, (id, repository), &digest, &ctx.caller.name).await? {
                    return Err(Error::RebuildAnswered { id, repository: repository.clone() });
                }
                let details = json!({ "rebuild": id, "digest": digest.to_string() });
                tx.audit(&AuditEntry::new(ctx, "rebuild.answer", repository.to_string()).with_details(details)).await?;
                go_on(tx, &rebuild).await
            })
            .await
    }
}

/// Opens a rebuild and asks for its first wave. Nothing happens where this base has asked before.
async fn open(tx: &mut Tx<'_>, new: &NewRebuild) -> Result<(), Error> {
    let Some(id) = store::open(tx, new).await? else { return Ok(()) };
    store::overtake(tx, new, id).await?;
    for item in &new.items {
        store::add(tx, id, item).await?;
    }
    let details = json!({ "rebuild": id, "digest": new.digest.to_string(), "repositories": new.items.len() });
    let entry = AuditEntry::new(&by_wharf(), "rebuild.open", format!("{}:{}", new.repository, new.tag));
    tx.audit(&entry.with_details(details)).await?;
    tx.announce(Event::BaseUpdated {
        repository: new.repository.to_string(),
        tag: new.tag.clone(),
        digest: new.digest.to_string(),
        rebuild: id,
    })
    .await?;
    let rebuild = store::get(tx, id).await?.ok_or(Error::RebuildUnknown(id))?;
    go_on(tx, &rebuild).await
}

/// Asks for what waits for nothing any more, and ends a rebuild that has all its answers.
async fn go_on(tx: &mut Tx<'_>, rebuild: &Rebuild) -> Result<(), Error> {
    let items = store::items(tx, rebuild.id).await?;
    let answers: BTreeMap<&RepositoryName, Digest> =
        items.iter().filter_map(|item| Some((&item.repository, item.answer?))).collect();
    let is_ready = |item: &&RebuildItem| {
        item.state == ItemState::Waiting && item.after.iter().all(|base| answers.contains_key(base))
    };
    for item in items.iter().filter(is_ready) {
        if !store::want(tx, rebuild.id, &item.repository).await? {
            continue;
        }
        let base = item.after.iter().find_map(|base| Some((base, *answers.get(base)?)));
        let (base, base_digest) = base.unwrap_or((&rebuild.repository, rebuild.digest));
        tx.announce(Event::RebuildWanted {
            rebuild: rebuild.id,
            wave: item.wave,
            repository: item.repository.to_string(),
            tag: item.tag.clone(),
            digest: item.digest.to_string(),
            base_repository: base.to_string(),
            base_digest: base_digest.to_string(),
        })
        .await?;
    }
    store::close_if_done(tx, rebuild.id).await?;
    Ok(())
}

/// Wharf itself.
fn by_wharf() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}
