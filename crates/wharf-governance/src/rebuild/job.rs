//! Jobs of rebuilds: opening one when a base is newer, and recognising answers among what arrives.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wharf_context::ProjectId;
use wharf_db::{Job, NewJob, Tx};
use wharf_oci::{Digest, Pattern, RepositoryName};

use super::rule::{awaited, waves};
use super::{NewItem, NewRebuild, Rebuild, by_wharf, go_on, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::lineage::line::{Line, Newest};
use crate::lineage::{line, reach};
use crate::policy;

/// The job that opens a rebuild if a base is the newest of its line.
pub const OPEN: &str = "rebuild.open";

/// How many repositories are looked at for one rebuild.
const MAX_REPOSITORIES: usize = 2_000;

#[derive(Debug, Serialize, Deserialize)]
struct Arrived {
    project: i64,
    repository: String,
    digest: String,
}

/// A tagged manifest has arrived in development: if it is a base that asks for rebuilds, a job looks at what stands on the
/// ones before.
pub(crate) async fn ask(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Error> {
    let policy = policy::in_force(tx, project).await?.policy.lineage;
    if !policy.kind_of(repository).is_some_and(|kind| kind.rebuild) {
        return Ok(());
    }
    let arrived = Arrived { project: project.0, repository: repository.to_string(), digest: digest.to_string() };
    let payload = serde_json::to_string(&arrived).map_err(|_| Error::MalformedRow { what: "a job" })?;
    let run_at = tx.now();
    tx.enqueue(NewJob { kind: OPEN, payload, run_at }).await?;
    Ok(())
}

/// An image has arrived in development: rebuilds that wait for it are answered.
pub(crate) async fn answer(tx: &mut Tx<'_>, repository: &RepositoryName, image: i64) -> Result<(), Error> {
    for rebuild in store::waiting_for(tx, repository).await? {
        if let Some(digest) = reach::standing_on(tx, (repository, image), &rebuild.digest).await? {
            note(tx, &rebuild, repository, &digest).await?;
        }
    }
    Ok(())
}

async fn note(tx: &mut Tx<'_>, rebuild: &Rebuild, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
    if store::answer(tx, (rebuild.id, repository), digest, &by_wharf().caller.name).await? {
        go_on(tx, rebuild).await?;
    }
    Ok(())
}

impl Governance {
    /// Runs one [`OPEN`] job.
    pub async fn open_rebuild(&self, job: &Job) -> Result<(), Error> {
        let arrived: Arrived = job.decode()?;
        let malformed = Error::MalformedRow { what: "a job" };
        let (Ok(repository), Ok(digest)) = (arrived.repository.parse(), arrived.digest.parse()) else {
            return Err(malformed);
        };
        let project = ProjectId(arrived.project);
        let policy = policy::find_in_force(&self.db, project).await?.policy.lineage;
        let Some(kind) = policy.kind_of(&repository).filter(|kind| kind.rebuild) else { return Ok(()) };
        for pattern in kind.lines() {
            if let Some(new) = self.plan(project, &repository, (&digest, &pattern)).await? {
                self.db.transaction(async |tx| super::open(tx, &new).await).await?;
            }
        }
        Ok(())
    }

    /// What is to be rebuilt because `digest` is the newest of a line; `None` where it is not, or nothing is.
    async fn plan(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        (digest, pattern): (&Digest, &Pattern),
    ) -> Result<Option<NewRebuild>, Error> {
        let Some(line) = Line::load(&mut &self.db, repository, pattern).await? else { return Ok(None) };
        if line.newest.digest != *digest || line.older.is_empty() {
            return Ok(None);
        }
        let standing = reach::repositories_on(&mut &self.db, &line.older, MAX_REPOSITORIES).await?;
        let mut newest: BTreeMap<RepositoryName, Newest> = BTreeMap::new();
        for other in standing.repositories.iter().filter(|other| *other != repository) {
            if let Some(found) = line::newest(&mut &self.db, other).await?
                && found.images.iter().any(|image| standing.images.contains(image))
            {
                newest.insert(other.clone(), found);
            }
        }
        let items = self.order(newest).await?;
        let Line { newest, .. } = line;
        let (repository, line) = (repository.clone(), pattern.to_string());
        let new = NewRebuild { project, repository, line, tag: newest.tag, digest: newest.digest, items };
        Ok(Some(new).filter(|new| !new.items.is_empty()))
    }

    /// Puts repositories into waves by what their newest images stand on.
    async fn order(&self, newest: BTreeMap<RepositoryName, Newest>) -> Result<Vec<NewItem>, Error> {
        let mut stands_on: BTreeMap<RepositoryName, BTreeSet<RepositoryName>> = BTreeMap::new();
        for (repository, found) in &newest {
            let below = reach::repositories_below(&mut &self.db, &found.images).await?;
            let among = below.into_iter().filter(|base| base != repository && newest.contains_key(base));
            stands_on.insert(repository.clone(), among.collect());
        }
        let waves = waves(&stands_on);
        let item = |(repository, found): (RepositoryName, Newest)| NewItem {
            wave: waves.get(&repository).copied().unwrap_or(1),
            after: stands_on.get(&repository).map(|bases| awaited(&repository, bases, &waves)).unwrap_or_default(),
            project: found.project,
            tag: found.tag,
            digest: found.digest,
            repository,
        };
        Ok(newest.into_iter().map(item).collect())
    }
}
