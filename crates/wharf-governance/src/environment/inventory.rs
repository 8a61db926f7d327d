//! What stands in an environment, now or at any moment, and how two environments differ.

use std::collections::BTreeMap;

use wharf_context::action::SeeGovernance;
use wharf_context::{Timestamp, Warrant};
use wharf_oci::{EnvironmentName, RepositoryName};

use super::{Ladder, Placement, store};
use crate::error::Error;
use crate::governance::Governance;
use crate::page::{Page, PageRequest};
use crate::policy;

/// How many repositories a difference looks at.
const MOST_COMPARED: i64 = 10_000;

/// What stands in an environment.
pub type Inventory = Page<Placement>;

/// How two environments differ in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub repository: RepositoryName,
    /// What stands in the one.
    pub here: Option<Placement>,
    /// What stands in the other.
    pub there: Option<Placement>,
}

impl Governance {
    /// The project's environments in order, with the ways into them.
    pub async fn list_environments(&self, warrant: &Warrant<SeeGovernance>) -> Result<Ladder, Error> {
        let policy = policy::find_in_force(&self.db, warrant.project()).await?;
        self.ladder(&policy)
    }

    /// What stood in an environment at a moment, or stands there now.
    pub async fn inventory(
        &self,
        warrant: &Warrant<SeeGovernance>,
        (environment, at): (&EnvironmentName, Option<Timestamp>),
        page: &PageRequest,
    ) -> Result<Inventory, Error> {
        self.check_promoted(environment)?;
        let placements = store::at(&self.db, warrant.project(), (environment, at), (page.after(), page.rows())).await?;
        Ok(page.cut(placements, |placement| placement.repository.to_string()))
    }

    /// Where two environments do not hold the same.
    pub async fn differences(
        &self,
        warrant: &Warrant<SeeGovernance>,
        (here, there): (&EnvironmentName, &EnvironmentName),
        at: Option<Timestamp>,
    ) -> Result<Vec<Difference>, Error> {
        self.check_promoted(here)?;
        self.check_promoted(there)?;
        let project = warrant.project();
        let one = store::at(&self.db, project, (here, at), ("", MOST_COMPARED)).await?;
        let other = store::at(&self.db, project, (there, at), ("", MOST_COMPARED)).await?;
        Ok(compare(one, other))
    }

    /// What is pushed to development is in the lists of tags, not here.
    fn check_promoted(&self, environment: &EnvironmentName) -> Result<(), Error> {
        if self.environments.get(environment.as_str()).is_none() {
            return Err(Error::EnvironmentUnknown(environment.clone()));
        }
        if environment == self.environments.development() {
            return Err(Error::NotPromotedThere(environment.clone()));
        }
        Ok(())
    }
}

fn compare(here: Vec<Placement>, there: Vec<Placement>) -> Vec<Difference> {
    let mut all: BTreeMap<RepositoryName, (Option<Placement>, Option<Placement>)> = BTreeMap::new();
    for placement in here {
        let repository = placement.repository.clone();
        all.entry(repository).or_default().0 = Some(placement);
    }
    for placement in there {
        let repository = placement.repository.clone();
        all.entry(repository).or_default().1 = Some(placement);
    }
    let digest = |placement: &Option<Placement>| placement.as_ref().map(|placement| placement.digest);
    let differing = all.into_iter().filter(|(_, (here, there))| digest(here) != digest(there));
    differing.map(|(repository, (here, there))| Difference { repository, here, there }).collect()
}
