//! Jobs of standards: reading what has arrived in a repository that a standard is for.

use wharf_context::Event;
use wharf_db::{Job, Subscription};
use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::{Digest, RepositoryName, Source};
use wharf_registry::{Presence, Registry};

use super::{NewCheck, StandardResult, Standards, hash, policy, read, rule, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::lineage;
use crate::lineage::facts;
use crate::policy as policies;

/// The job that compares an image with the standards of its repository.
pub const CHECK: &str = "standard.check";

/// What standards want to hear of.
pub fn subscription() -> Subscription {
    Subscription { job: CHECK, events: vec!["manifest_pushed", "manifests_added", "manifests_removed"] }
}

impl Governance {
    /// Runs one [`CHECK`] job.
    pub async fn check_standards(&self, job: &Job) -> Result<(), Error> {
        let Some((repository, digests)) = lineage::job::subject(&job.decode::<Event>()?)? else { return Ok(()) };
        if self.environments.environment(&repository).is_some() {
            return Ok(());
        }
        for digest in digests {
            self.check_manifest(&repository, &digest).await?;
        }
        Ok(())
    }

    /// Compares an image, or those of an index, with the standards of a repository in development.
    pub async fn check_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let presence = self.db.transaction(async |tx| Registry::presence(tx, repository, digest).await).await?;
        let Some(presence) = presence else {
            return self.db.transaction(async |tx| store::forget(tx, repository, digest).await).await;
        };
        let standards = policies::find_in_force(&self.db, presence.project).await?.policy.standards;
        if policy::applicable(&standards, repository).next().is_none() {
            return self.db.transaction(async |tx| store::forget(tx, repository, digest).await).await;
        }
        let Some(source) = self.registry.open_source(repository).await? else { return Ok(()) };
        let Some(manifest) = facts::manifest_of(&source, digest).await? else { return Ok(()) };
        if !manifest.children().is_empty() {
            for member in facts::members(&manifest) {
                Box::pin(self.check_manifest(repository, &member)).await?;
            }
            return Ok(());
        }
        self.check_image((repository, digest), &presence, &standards, (&source, &manifest)).await
    }

    async fn check_image(
        &self,
        (repository, digest): (&RepositoryName, &Digest),
        presence: &Presence,
        standards: &Standards,
        (source, manifest): (&dyn Source, &Manifest),
    ) -> Result<(), Error> {
        let project = presence.project;
        let current = hash(standards, repository);
        let known = store::get(&mut &self.db, (project, repository), digest).await?;
        if known.is_some_and(|(about, _)| about == current) {
            return Ok(());
        }
        let Content::Image { config, layers } = &manifest.content else { return Ok(()) };
        if !facts::is_image(config, layers) {
            return Ok(());
        }
        let likeness = match facts::read_config(source, config).await? {
            Ok(config) => read::likeness(source, &config, layers).await?,
            Err(problem) => Err(problem),
        };
        let (results, problem) = match likeness {
            Ok(likeness) => (judge_all(standards, repository, &likeness), None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let check = NewCheck { project, repository, digest, standards: current, results, problem };
        self.db.transaction(async |tx| store::put(tx, &check).await).await
    }
}

fn judge_all(standards: &Standards, repository: &RepositoryName, likeness: &rule::Likeness) -> Vec<StandardResult> {
    let judged = policy::applicable(standards, repository)
        .map(|(name, standard)| StandardResult { standard: name.clone(), complaints: rule::judge(standard, likeness) });
    judged.collect()
}
