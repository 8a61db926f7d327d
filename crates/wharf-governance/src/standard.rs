//! Standards: what images of a template must be like, compared with what is really in them.
//!
//! A job reads all layers of what arrives in a repository that a standard is for, puts them on each other as a runtime would,
//! and keeps for each rule that is not kept the reason. Archives that are hostile or broken keep no standard, and are told as
//! such. A change of the standards makes results old; a check can be asked for.

pub(crate) mod content;
pub(crate) mod gate;
pub mod job;
pub mod policy;
mod read;
mod rule;
mod store;

use serde::{Deserialize, Serialize};
use wharf_context::action::{CheckStandard, SeeGovernance};
use wharf_context::{Context, Event, ProjectId, Timestamp, Warrant};
use wharf_db::{AuditEntry, NewJob};
use wharf_oci::{Algorithm, Digest, Reference, RepositoryName};

pub use self::policy::{Standard, Standards};
pub use self::rule::Complaint;
use crate::error::Error;
use crate::governance::Governance;
use crate::lineage;

/// How an image was compared with one standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardResult {
    /// The standard's name.
    pub standard: String,
    /// The rules that are not kept.
    pub complaints: Vec<Complaint>,
}

/// How an image was compared with the standards of its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardCheck {
    /// The image.
    pub digest: Digest,
    /// Whether all standards are kept.
    pub passes: bool,
    /// Standard by standard.
    pub results: Vec<StandardResult>,
    /// Why the image could not be read.
    pub problem: Option<String>,
    /// When it was read.
    pub checked_at: Timestamp,
    /// Whether the standards are still the same.
    pub is_current: bool,
}

/// What is known of the images of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardChecks {
    /// What the reference names.
    pub digest: Digest,
    /// The names of the standards that are for the repository now.
    pub standards: Vec<String>,
    /// An entry for each image that was checked.
    pub checks: Vec<StandardCheck>,
    /// Images that are still to be checked.
    pub open: Vec<Digest>,
}

impl Governance {
    /// How the images of a reference were compared with the standards of the repository.
    pub async fn get_standard_checks(
        &self,
        warrant: &Warrant<SeeGovernance>,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<StandardChecks, Error> {
        let digest = self.registry.resolve_in(warrant.project(), repository, reference).await?;
        let standards = self.get_policy(warrant).await?.policy.standards;
        let (_, canonical) = self.environments.split(repository);
        let names: Vec<String> = policy::applicable(&standards, &canonical).map(|(name, _)| name.clone()).collect();
        let current = hash(&standards, &canonical);
        let images = lineage::reach::images_of(&mut &self.db, &digest).await?;
        let (mut checks, mut open) = (Vec::new(), Vec::new());
        for image in images {
            match store::get(&mut &self.db, (warrant.project(), &canonical), &image).await? {
                Some((hash, check)) => checks.push(StandardCheck { is_current: hash == current, ..check }),
                None => open.push(image),
            }
        }
        Ok(StandardChecks { digest, standards: names, checks, open })
    }

    /// Asks for the images of a reference to be compared with the standards that are in force now.
    pub async fn ask_standard_check(
        &self,
        ctx: &Context,
        warrant: &Warrant<CheckStandard>,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<(), Error> {
        let digest = self.registry.resolve_in(warrant.project(), repository, reference).await?;
        let (_, canonical) = self.environments.split(repository);
        let event = Event::ManifestsAdded { repository: canonical.to_string(), digests: vec![digest.to_string()] };
        let payload = serde_json::to_string(&event).map_err(|_| Error::MalformedRow { what: "a job" })?;
        self.db
            .transaction(async |tx| {
                let (payload, run_at) = (payload.clone(), tx.now());
                tx.enqueue(NewJob { kind: job::CHECK, payload, run_at }).await?;
                tx.audit(&AuditEntry::new(ctx, "standard.check", format!("{canonical}@{digest}"))).await?;
                Ok(())
            })
            .await
    }
}

/// What the standards of a repository are, in one digest: results are about these.
pub(crate) fn hash(standards: &Standards, repository: &RepositoryName) -> Digest {
    let applicable: Vec<_> = policy::applicable(standards, repository).collect();
    let text = serde_json::to_string(&applicable).expect("texts, numbers and lists become JSON");
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

/// What was found in an image, to be kept.
struct NewCheck<'a> {
    project: ProjectId,
    repository: &'a RepositoryName,
    digest: &'a Digest,
    standards: Digest,
    results: Vec<StandardResult>,
    problem: Option<String>,
}

impl NewCheck<'_> {
    fn passes(&self) -> bool {
        self.problem.is_none() && self.results.iter().all(|result| result.complaints.is_empty())
    }
}
