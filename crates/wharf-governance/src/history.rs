//! The history of one digest: from the push, by whom and of which commit, through every promotion with its gates and
//! approvals, to where it stands. One answer; it changes nothing.

use wharf_context::action::SeeGovernance;
use wharf_context::{ProjectId, Timestamp, Warrant};
use wharf_oci::{Digest, RepositoryName};
use wharf_registry::{Registry, TagSpell};

use crate::environment::{Placement, store as placements};
use crate::error::Error;
use crate::governance::Governance;
use crate::image::{self, ImageConfig};
use crate::promotion::{self, Promotion};

/// The most entries of one kind.
const MOST: u32 = 1_000;

/// What is known of a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Its repository, by the name in development.
    pub repository: RepositoryName,
    /// What it is about.
    pub digest: Digest,
    /// The push, as long as it stands in development or is in an archive.
    pub pushed: Option<Pushed>,
    /// What its images say of themselves, labels among it.
    pub images: Vec<ImageConfig>,
    /// The tags that point at it in development or did, the latest first.
    pub tags: Vec<TagSpell>,
    /// What was asked for with it, the first first.
    pub promotions: Vec<Promotion>,
    /// Where it has stood, the first place first.
    pub placements: Vec<Placement>,
}

/// A push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// By which account.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// As what.
    pub media_type: String,
    /// All that it holds, each blob once.
    pub size_bytes: u64,
}

impl Governance {
    /// The whole history of a digest in a project.
    pub async fn history(
        &self,
        warrant: &Warrant<SeeGovernance>,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<History, Error> {
        self.history_of(warrant.project(), repository, digest).await
    }

    pub(crate) async fn history_of(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<History, Error> {
        let repository = self.environments.canonical(repository);
        self.read_configs(project, &repository, digest).await?;
        let standing = Registry::find_standing(&self.db, project, &repository, digest).await?;
        let image = self.db.transaction(async |tx| image::load(tx, project, &repository, digest).await).await?;
        let promotions = promotion::store::of_digest(&self.db, project, digest, i64::from(MOST)).await?;
        let placements = placements::of_digest(&self.db, project, digest, i64::from(MOST)).await?;
        let standing = standing.map(|standing| Pushed {
            by: standing.pushed_by,
            at: standing.since,
            media_type: standing.manifest.media_type,
            size_bytes: image.as_ref().map_or(0, |image| image.size_bytes),
        });
        let of_it = |name: &RepositoryName| *name == repository;
        let history = History {
            tags: Registry::tag_spells(&self.db, project, (&repository, digest), MOST).await?,
            promotions: promotions
                .into_iter()
                .filter(|it| it.items.iter().any(|item| of_it(&item.repository)))
                .collect(),
            placements: placements.into_iter().filter(|placement| of_it(&placement.repository)).collect(),
            pushed: match (standing, &self.archive) {
                (None, Some(archive)) => archive.last_push(project, &repository, digest).await?,
                (standing, _) => standing,
            },
            images: image.map(|image| image.configs).unwrap_or_default(),
            digest: *digest,
            repository,
        };
        if history.pushed.is_none() && history.promotions.is_empty() {
            let reference = digest.to_string();
            return Err(Error::NotInDevelopment { repository: history.repository, reference });
        }
        Ok(history)
    }
}
