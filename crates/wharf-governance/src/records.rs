//! Records: what governance knows about an image, for whoever takes it out of the registry.

use wharf_context::ProjectId;
use wharf_oci::{Digest, RepositoryName};

use crate::environment::{Placement, store as placements};
use crate::error::Error;
use crate::governance::Governance;
use crate::hold::{self, Hold, HoldsQuery};
use crate::lineage;
use crate::promotion::{self, Promotion};

/// What governance knows about an image; of each kind at most as many as were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// What was asked for with it, the first first.
    pub promotions: Vec<Promotion>,
    /// Where it has stood, the first place first.
    pub placements: Vec<Placement>,
    /// The holds on it, or on its repository, that are or were.
    pub holds: Vec<Hold>,
    /// What it stands on, and over how many images at least.
    pub bases: Vec<(Digest, u32)>,
}

impl Governance {
    /// What governance knows about an image.
    pub async fn records_of(
        &self,
        project: ProjectId,
        (repository, digest): (&RepositoryName, &Digest),
        most: u32,
    ) -> Result<Records, Error> {
        let query = HoldsQuery { repository: Some(repository.clone()), with_ended: true, ..HoldsQuery::default() };
        let now = self.db.clock().now();
        Ok(Records {
            promotions: promotion::store::of_digest(&self.db, project, digest, i64::from(most)).await?,
            placements: placements::of_digest(&self.db, project, digest, i64::from(most)).await?,
            holds: hold::store::list(&self.db, (project, now), &query, most as usize).await?,
            bases: lineage::reach::bases_of(&mut &self.db, digest).await?,
        })
    }
}
