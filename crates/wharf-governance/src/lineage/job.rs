//! Jobs of lineage: looking at what came, and at what went.
//!
//! What arrives is looked at once, wherever it is; its place in the graph is written in one transaction, together with
//! where it is. That transaction asks the registry what is there now, so it does not matter in which order jobs run, how
//! often, or which of them are still to come.

use wharf_context::Event;
use wharf_db::{Job, Subscription, Tx};
use wharf_oci::{Digest, RepositoryName, Source as _};
use wharf_registry::{Presence, Registry};

use super::chain::chain_ids;
use super::facts::{self, Facts};
use super::store;
use super::store::image::Stand;
use super::store::place::{PlaceNote, TagNote};
use crate::error::Error;
use crate::governance::Governance;
use crate::rebuild;

/// The job that looks at what an event is about.
pub const SEE: &str = "lineage.see";

/// How often an image is looked at anew because somebody else has just forgotten it.
const ATTEMPTS: usize = 3;

/// What lineage wants to hear of.
pub fn subscription() -> Subscription {
    let events = vec!["manifest_pushed", "manifests_added", "manifests_removed", "tag_deleted", "manifest_placed"];
    Subscription { job: SEE, events }
}

/// What became of one look.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Noted,
    /// It was thought to be known, and is not any more.
    Unknown,
}

impl Governance {
    /// Runs one [`SEE`] job.
    pub async fn see(&self, job: &Job) -> Result<(), Error> {
        let event: Event = job.decode()?;
        let Some((repository, digests)) = subject(&event)? else { return Ok(()) };
        for digest in &digests {
            self.see_manifest(&repository, digest).await?;
            if matches!(event, Event::ManifestPlaced { .. }) {
                self.see_members(&repository, digest).await?;
            }
        }
        Ok(())
    }

    /// What an index lists is placed with it, and nobody tells of it.
    async fn see_members(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let Some(source) = self.registry.open_source(repository).await? else { return Ok(()) };
        let Some(manifest) = facts::manifest_of(&source, digest).await? else { return Ok(()) };
        for member in facts::members(&manifest) {
            self.see_manifest(repository, &member).await?;
        }
        Ok(())
    }

    /// Looks at a manifest in a repository, and notes what it stands on and where it is. One that is not there is
    /// forgotten there.
    pub async fn see_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let facts = if store::image::is_known(&self.db, digest).await? {
                None
            } else {
                let Some(source) = self.registry.open_source(repository).await? else { return Ok(()) };
                let Some(facts) = facts::read(self, &source, digest).await? else { return Ok(()) };
                tracing::debug!(image = %digest, repository = source.describe(), "looked at an image's layers");
                Some(facts)
            };
            let noted = self
                .db
                .transaction(async |tx| {
                    let presence = Registry::presence(tx, repository, digest).await?;
                    self.note(tx, (repository, digest), facts.as_ref(), presence).await
                })
                .await?;
            if noted == Seen::Noted {
                return Ok(());
            }
        }
        Err(Error::Unsettled { digest: *digest })
    }

    async fn note(
        &self,
        tx: &mut Tx<'_>,
        (repository, digest): (&RepositoryName, &Digest),
        facts: Option<&Facts>,
        presence: Option<Presence>,
    ) -> Result<Seen, Error> {
        let known = store::image::id(tx, digest).await?;
        let Some(presence) = presence else {
            if let Some(image) = known
                && !store::place::remove(tx, image, repository).await?
            {
                forget(tx, image).await?;
            }
            return Ok(Seen::Noted);
        };
        let image = match (known, facts) {
            (Some(image), _) => image,
            (None, Some(facts)) => enter(tx, digest, facts).await?,
            (None, None) => return Ok(Seen::Unknown),
        };
        let place = self.place_note(repository, presence);
        store::place::put(tx, image, repository, &place).await?;
        if place.environment.is_empty() {
            if place.tagged_at().is_some() {
                rebuild::job::ask(tx, place.project, repository, digest).await?;
            }
            rebuild::job::answer(tx, repository, image).await?;
        }
        Ok(Seen::Noted)
    }

    fn place_note(&self, repository: &RepositoryName, presence: Presence) -> PlaceNote {
        let environment = self.environments.environment(repository);
        let tags = presence.tags.into_iter().map(|tagged| TagNote {
            tag: tagged.tag.to_string(),
            since: tagged.since.0,
            now: tagged.is_current,
        });
        PlaceNote {
            project: presence.project,
            environment: environment.map(ToString::to_string).unwrap_or_default(),
            tags: tags.collect(),
            pushed_at: presence.pushed_at,
        }
    }
}

/// The manifests that an event is about, where it is about any.
pub(crate) fn subject(event: &Event) -> Result<Option<(RepositoryName, Vec<Digest>)>, Error> {
    let malformed = || Error::MalformedRow { what: "an event" };
    let (repository, digests) = if let Event::ManifestPushed { repository, digest, .. }
    | Event::ManifestPlaced { repository, digest, .. }
    | Event::TagDeleted { repository, digest, .. } = event
    {
        (repository, std::slice::from_ref(digest))
    } else if let Event::ManifestsAdded { repository, digests } | Event::ManifestsRemoved { repository, digests } =
        event
    {
        (repository, digests.as_slice())
    } else {
        return Ok(None);
    };
    let digests: Result<Vec<Digest>, _> = digests.iter().map(|digest| digest.parse()).collect();
    let repository = repository.parse().map_err(|_| malformed())?;
    Ok(Some((repository, digests.map_err(|_| malformed())?)))
}

/// Gives an image its place in the graph. What came before it and stands on it is told so.
pub(super) async fn enter(tx: &mut Tx<'_>, digest: &Digest, facts: &Facts) -> Result<i64, Error> {
    let (path, is_new) = store::chain::path(tx, &chain_ids(&facts.diff_ids)).await?;
    let is_whole = facts.is_whole();
    let below = if is_whole { &path[..path.len() - 1] } else { &path[..] };
    let base = store::chain::highest_image(tx, below).await?;
    let chain = path.last().copied();
    let is_first = match chain {
        Some(chain) if is_whole && !is_new => !store::chain::is_image(tx, chain).await?,
        Some(_) | None => false,
    };
    let image = store::image::insert(tx, digest, facts, Stand { chain, is_whole, base }).await?;
    if let Some(chain) = chain.filter(|_| is_first) {
        store::chain::adopt(tx, chain).await?;
    }
    Ok(image)
}

/// Takes an image that is nowhere out of the graph. What stands on it goes on standing on what it stood on.
async fn forget(tx: &mut Tx<'_>, image: i64) -> Result<(), Error> {
    let Stand { chain, is_whole, base } = store::image::stand(tx, image).await?;
    store::image::delete(tx, image).await?;
    let Some(chain) = chain else { return Ok(()) };
    if is_whole && !store::chain::is_image(tx, chain).await? {
        store::chain::hand_over(tx, chain, base).await?;
    }
    store::chain::prune(tx, chain).await
}
