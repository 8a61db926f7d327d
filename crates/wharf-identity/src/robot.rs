//! Robot accounts: machines that push and pull in one project, with exactly the permissions that they were given.
//!
//! A robot logs in as `PROJECT+NAME` with a secret that is made here, shown once, and stored as its hash. A robot has
//! no rights in management.

pub(crate) mod store;

use serde_json::{Value, json};
use wharf_context::{Context, Permissions, Timestamp};
use wharf_db::Tx;
use wharf_oci::{ProjectName, RepositoryPattern};

use crate::access::rule::Standing;
use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::RobotName;
use crate::page::{Page, PageRequest};
use crate::secret::Secret;
use crate::token::{self, Holder};
use crate::{assignment, audit, person};

/// The most patterns of one robot.
pub const MAX_REPOSITORY_PATTERNS: usize = 64;

/// What a robot's secret begins with, so that scanners for leaked secrets know it.
const SECRET_PREFIX: &str = "wharf_robot_";

/// A robot account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Robot {
    /// Its project.
    pub project: ProjectName,
    /// Its name within the project.
    pub name: RobotName,
    /// What it may do.
    pub permissions: Permissions,
    /// With which repositories of its project; empty means all.
    pub repositories: Vec<RepositoryPattern>,
    /// When its log-in ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// Whether log-in is refused.
    pub is_disabled: bool,
    /// Since when there is this robot.
    pub created_at: Timestamp,
}

impl Robot {
    /// What it logs in as: `PROJECT+NAME`.
    pub fn login(&self) -> String {
        format!("{}+{}", self.project, self.name)
    }
}

/// A robot to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRobot {
    /// Its name within the project.
    pub name: RobotName,
    /// What it may do.
    pub permissions: Permissions,
    /// With which repositories of its project; empty means all.
    pub repositories: Vec<RepositoryPattern>,
    /// When its log-in ends, if ever.
    pub expires_at: Option<Timestamp>,
}

/// What of a robot is to change. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RobotChange {
    /// Other permissions.
    pub permissions: Option<Permissions>,
    /// Other repositories; empty means all.
    pub repositories: Option<Vec<RepositoryPattern>>,
    /// Another end, or `Some(None)` for none.
    pub expires_at: Option<Option<Timestamp>>,
    /// Whether log-in is refused. Refresh tokens end with it.
    pub is_disabled: Option<bool>,
}

impl Identity {
    /// One robot.
    pub async fn get_robot(&self, ctx: &Context, project: &ProjectName, name: &RobotName) -> Result<Robot, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        authority.project(&self.db, project, ProjectRight::SeeRobots).await?;
        store::get(&self.db, project, name).await?.map(|(_, robot)| robot).ok_or_else(|| unknown(project, name))
    }

    /// A project's robots in the order of their names.
    pub async fn list_robots(
        &self,
        ctx: &Context,
        project: &ProjectName,
        page: &PageRequest,
    ) -> Result<Page<Robot>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        authority.project(&self.db, project, ProjectRight::SeeRobots).await?;
        let robots = store::list(&self.db, project, page.after(), page.rows()).await?;
        Ok(page.cut(robots, |robot| robot.name.to_string()))
    }

    /// Makes a robot. Its secret is in the answer and never again.
    pub async fn create_robot(
        &self,
        ctx: &Context,
        project: &ProjectName,
        robot: &NewRobot,
    ) -> Result<(Robot, Secret), Error> {
        let secret = Secret::generate(SECRET_PREFIX)?;
        let fingerprint = secret.fingerprint();
        let robot = self
            .db
            .transaction(async |tx| {
                let standing = self.manage_robots(tx, ctx, project).await?;
                check_repositories(project, &robot.repositories)?;
                check_expiry(robot.expires_at, tx.now())?;
                if !store::insert(tx, standing.project, robot, &fingerprint).await? {
                    return Err(Error::Exists { what: "robot", name: format!("{project}+{}", robot.name) });
                }
                let made = store::get(&mut *tx, project, &robot.name).await?;
                let (_, made) = made.ok_or_else(|| unknown(project, &robot.name))?;
                let details = json!({ "after": describe(&made) });
                audit::record(tx, ctx, "robot.create", &made.login(), details).await?;
                Ok::<_, Error>(made)
            })
            .await?;
        Ok((robot, secret))
    }

    /// Changes a robot's permissions, repositories, end, or whether it may log in.
    pub async fn update_robot(
        &self,
        ctx: &Context,
        project: &ProjectName,
        name: &RobotName,
        change: &RobotChange,
    ) -> Result<Robot, Error> {
        self.db
            .transaction(async |tx| {
                self.manage_robots(tx, ctx, project).await?;
                check_repositories(project, change.repositories.as_deref().unwrap_or_default())?;
                check_expiry(change.expires_at.flatten(), tx.now())?;
                let (id, before) = store::get(&mut *tx, project, name).await?.ok_or_else(|| unknown(project, name))?;
                store::update(tx, id, change).await?;
                if change.is_disabled == Some(true) {
                    token::store::delete_of_account(tx, &Holder::Robot(id)).await?;
                }
                let (_, robot) = store::get(&mut *tx, project, name).await?.ok_or_else(|| unknown(project, name))?;
                let details = json!({ "before": describe(&before), "after": describe(&robot) });
                audit::record(tx, ctx, "robot.update", &robot.login(), details).await?;
                Ok(robot)
            })
            .await
    }

    /// Gives a robot another secret, shown this one time. The old one and its refresh tokens end at once.
    pub async fn rotate_robot_secret(
        &self,
        ctx: &Context,
        project: &ProjectName,
        name: &RobotName,
    ) -> Result<Secret, Error> {
        let secret = Secret::generate(SECRET_PREFIX)?;
        let fingerprint = secret.fingerprint();
        self.db
            .transaction(async |tx| {
                self.manage_robots(tx, ctx, project).await?;
                let (id, robot) = store::get(&mut *tx, project, name).await?.ok_or_else(|| unknown(project, name))?;
                store::set_secret(tx, id, &fingerprint).await?;
                token::store::delete_of_account(tx, &Holder::Robot(id)).await?;
                audit::record(tx, ctx, "robot.rotate_secret", &robot.login(), Value::Null).await
            })
            .await?;
        Ok(secret)
    }

    /// Deletes a robot.
    pub async fn delete_robot(&self, ctx: &Context, project: &ProjectName, name: &RobotName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                self.manage_robots(tx, ctx, project).await?;
                let (id, robot) = store::get(&mut *tx, project, name).await?.ok_or_else(|| unknown(project, name))?;
                token::store::delete_of_account(tx, &Holder::Robot(id)).await?;
                assignment::store::delete_robot(tx, id).await?;
                person::store::delete_robot(tx, id).await?;
                store::delete(tx, id).await?;
                let details = json!({ "before": describe(&robot) });
                audit::record(tx, ctx, "robot.delete", &robot.login(), details).await
            })
            .await
    }

    async fn manage_robots(&self, tx: &mut Tx<'_>, ctx: &Context, project: &ProjectName) -> Result<Standing, Error> {
        let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
        authority.project(tx, project, ProjectRight::ManageRobots).await
    }
}

fn unknown(project: &ProjectName, robot: &RobotName) -> Error {
    Error::RobotUnknown { project: project.clone(), robot: robot.clone() }
}

fn check_repositories(project: &ProjectName, patterns: &[RepositoryPattern]) -> Result<(), Error> {
    let fits = patterns.len() <= MAX_REPOSITORY_PATTERNS && patterns.iter().all(|pattern| pattern.is_within(project));
    if fits {
        return Ok(());
    }
    Err(Error::RobotRepositories { project: project.clone(), max: MAX_REPOSITORY_PATTERNS })
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    if expires_at.is_some_and(|end| end <= now) { Err(Error::ExpiryPast) } else { Ok(()) }
}

fn describe(robot: &Robot) -> Value {
    json!({
        "permissions": robot.permissions.iter().map(wharf_context::Permission::name).collect::<Vec<_>>(),
        "repositories": robot.repositories.iter().map(RepositoryPattern::as_str).collect::<Vec<_>>(),
        "expires_at": robot.expires_at.map(|end| end.0),
        "is_disabled": robot.is_disabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_few_and_within_the_project() {
        let project: ProjectName = "p".parse().expect("valid");
        let patterns = |text: &str, count| vec![text.parse::<RepositoryPattern>().expect("valid"); count];
        assert!(check_repositories(&project, &[]).is_ok());
        assert!(check_repositories(&project, &patterns("p/**", 64)).is_ok());
        assert!(check_repositories(&project, &patterns("p/**", 65)).is_err());
        assert!(check_repositories(&project, &patterns("q/**", 1)).is_err());
    }
}
