//! Reservations: repositories that only members of one role pull, such as the images that only builders stand on.
//!
//! A reservation narrows who pulls, also in promoted environments and in public projects; it gives nothing. Administrators
//! and auditors are not kept out.

pub(crate) mod store;

use serde_json::json;
use wharf_context::{Context, Timestamp};
use wharf_oci::{ProjectName, RepositoryPattern};

use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};
use crate::role::RoleName;
use crate::{audit, custom_role};

/// Which repositories, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The repositories, by their names in development.
    pub pattern: RepositoryPattern,
    /// The role whose members pull.
    pub role: RoleName,
    /// Since when.
    pub since: Timestamp,
}

impl Identity {
    /// A project's reservations, in the order of their patterns.
    pub async fn list_reservations(
        &self,
        ctx: &Context,
        project: &ProjectName,
        page: &PageRequest,
    ) -> Result<Page<Reservation>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, project, ProjectRight::SeeMembers).await?;
        let reservations = store::list(&self.db, standing.project, page.after(), page.rows()).await?;
        Ok(page.cut(reservations, |reservation| reservation.pattern.to_string()))
    }

    /// Lets only members of a role pull from the repositories that a pattern means, or of another role from now on.
    pub async fn put_reservation(
        &self,
        ctx: &Context,
        project: &ProjectName,
        (pattern, role): (&RepositoryPattern, &RoleName),
    ) -> Result<Reservation, Error> {
        if !pattern.is_within(project) {
            return Err(Error::RobotRepositories { project: project.clone(), max: 1 });
        }
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ChangeSettings).await?;
                custom_role::store::resolve(tx, standing.project, role).await?;
                store::put(tx, standing.project, (pattern, role)).await?;
                let details = json!({ "pattern": pattern.as_str(), "role": role.as_str() });
                audit::record(tx, ctx, "repository.reserve", project, details).await?;
                Ok(Reservation { pattern: pattern.clone(), role: role.clone(), since: tx.now() })
            })
            .await
    }

    /// Ends a reservation.
    pub async fn delete_reservation(
        &self,
        ctx: &Context,
        project: &ProjectName,
        pattern: &RepositoryPattern,
    ) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ChangeSettings).await?;
                if !store::delete(tx, standing.project, pattern).await? {
                    return Err(Error::ReservationUnknown { project: project.clone(), pattern: pattern.clone() });
                }
                let details = json!({ "pattern": pattern.as_str() });
                audit::record(tx, ctx, "repository.unreserve", project, details).await
            })
            .await
    }
}
