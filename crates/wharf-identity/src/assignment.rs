//! Assignments: a role, built-in or custom, given to a user, a group or a robot within limits.
//!
//! A member's built-in role in the whole project is [`crate::member`]'s. What a role allows is in [`crate::role`] and
//! [`crate::custom_role`]; how limits count, in `access::rule`. Nothing here takes a right away: there is no denial.

pub(crate) mod store;

use std::fmt;
use std::str::FromStr;

use serde_json::json;
use wharf_context::{Context, Timestamp};
use wharf_db::Tx;
use wharf_oci::ProjectName;

use crate::access::entitlement::Limits;
use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::{AccountNameError, GroupName, RobotName, UserName};
use crate::page::{Page, PageRequest};
use crate::role::RoleName;
use crate::{audit, custom_role, group, robot, user};

/// The most patterns of one kind that one assignment is limited to.
pub const MAX_LIMITS: usize = 64;

/// Who has the role: written `user:NAME`, `group:NAME` or `robot:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HolderName {
    /// One user.
    User(UserName),
    /// All users of a group.
    Group(GroupName),
    /// One robot of the project.
    Robot(RobotName),
}

impl HolderName {
    fn parts(&self) -> (&'static str, i64, &str) {
        match self {
            Self::User(name) => ("user", 0, name.as_str()),
            Self::Group(name) => ("group", 1, name.as_str()),
            Self::Robot(name) => ("robot", 2, name.as_str()),
        }
    }
}

impl fmt::Display for HolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, _, name) = self.parts();
        write!(f, "{kind}:{name}")
    }
}

impl FromStr for HolderName {
    type Err = AccountNameError;

    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        match text.split_once(':') {
            Some(("user", name)) => name.parse().map(Self::User),
            Some(("group", name)) => name.parse().map(Self::Group),
            Some(("robot", name)) => name.parse().map(Self::Robot),
            Some(_) | None => Err(AccountNameError::Malformed),
        }
    }
}

/// A role that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// By which it is taken again.
    pub id: i64,
    /// Who has it.
    pub holder: HolderName,
    /// The role.
    pub role: RoleName,
    /// Where it counts.
    pub limits: Limits,
    /// Since when.
    pub since: Timestamp,
}

/// A role to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAssignment {
    /// To whom.
    pub holder: HolderName,
    /// The role.
    pub role: RoleName,
    /// Where it counts.
    pub limits: Limits,
}

impl Identity {
    /// The roles that were given in a project, in the order in which they were.
    pub async fn list_assignments(
        &self,
        ctx: &Context,
        project: &ProjectName,
        page: &PageRequest,
    ) -> Result<Page<Assignment>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, project, ProjectRight::SeeMembers).await?;
        let after = page.after.as_deref().map_or(Ok(0), str::parse).map_err(|_| Error::BadPage)?;
        let assignments = store::list(&self.db, standing.project, after, page.rows()).await?;
        Ok(page.cut(assignments, |assignment| assignment.id.to_string()))
    }

    /// Gives a role.
    pub async fn create_assignment(
        &self,
        ctx: &Context,
        project: &ProjectName,
        new: &NewAssignment,
    ) -> Result<Assignment, Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ManageMembers).await?;
                self.check_limits(project, &new.limits)?;
                custom_role::store::resolve(tx, standing.project, &new.role).await?;
                let member = holder_row(tx, project, &new.holder).await?;
                let id = store::insert(tx, standing.project, (member, new)).await?;
                audit::record(tx, ctx, "role.assign", project, describe(new)).await?;
                let NewAssignment { holder, role, limits } = new.clone();
                Ok(Assignment { id, holder, role, limits, since: tx.now() })
            })
            .await
    }

    /// Takes a role that was given.
    pub async fn delete_assignment(&self, ctx: &Context, project: &ProjectName, id: i64) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ManageMembers).await?;
                let unknown = || Error::AssignmentUnknown { project: project.clone(), id };
                let assignment = store::take(tx, standing.project, id).await?.ok_or_else(unknown)?;
                let Assignment { holder, role, limits, .. } = assignment;
                audit::record(tx, ctx, "role.unassign", project, describe(&NewAssignment { holder, role, limits }))
                    .await
            })
            .await
    }

    /// Limits that name other projects' repositories, or environments that are not there, would never count.
    fn check_limits(&self, project: &ProjectName, limits: &Limits) -> Result<(), Error> {
        let Limits { repositories, environments, tags } = limits;
        let is_within = repositories.iter().all(|pattern| pattern.is_within(project));
        let longest = repositories.len().max(environments.len()).max(tags.len());
        if !is_within || longest > MAX_LIMITS {
            return Err(Error::RobotRepositories { project: project.clone(), max: MAX_LIMITS });
        }
        let all = &self.settings.environments;
        match environments.iter().find(|name| all.get(name.as_str()).is_none()) {
            Some(name) => Err(Error::EnvironmentUnknown(name.clone())),
            None => Ok(()),
        }
    }
}

async fn holder_row(tx: &mut Tx<'_>, project: &ProjectName, holder: &HolderName) -> Result<i64, Error> {
    match holder {
        HolderName::User(name) => {
            let user = user::store::find(tx, name).await?;
            user.map(|user| user.id).ok_or_else(|| Error::UserUnknown(name.clone()))
        }
        HolderName::Group(name) => {
            let group = group::store::get(tx, name).await?;
            group.map(|(id, _)| id.0).ok_or_else(|| Error::GroupUnknown(name.clone()))
        }
        HolderName::Robot(name) => {
            let unknown = || Error::RobotUnknown { project: project.clone(), robot: name.clone() };
            robot::store::get(tx, project, name).await?.map(|(id, _)| id).ok_or_else(unknown)
        }
    }
}

fn describe(new: &NewAssignment) -> serde_json::Value {
    let texts = |list: &mut dyn Iterator<Item = String>| list.collect::<Vec<_>>();
    json!({
        "holder": new.holder.to_string(), "role": new.role.as_str(),
        "repositories": texts(&mut new.limits.repositories.iter().map(ToString::to_string)),
        "environments": texts(&mut new.limits.environments.iter().map(ToString::to_string)),
        "tags": texts(&mut new.limits.tags.iter().map(ToString::to_string)),
    })
}
