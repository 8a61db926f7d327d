//! Standings: what the user of an account is in a project at this moment, for parts that decide in the same transaction.
//!
//! Nobody's rights are asked here. An account that is gone or disabled has no role and no group.

mod store;

use wharf_context::{PersonId, ProjectId};
use wharf_db::Tx;

use crate::error::Error;
use crate::identity::Identity;
use crate::person;
use crate::role::Role;

/// What the user of an account is in a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectStanding {
    /// The highest role that they have there, by themselves or by a group.
    pub role: Option<Role>,
    /// The names of roles that they were given there beside, without limits, by themselves or by a group.
    pub further_roles: Vec<String>,
    /// The groups that they are in, in byte order.
    pub groups: Vec<String>,
    /// The person that an administrator has linked the account to.
    pub person: Option<PersonId>,
    /// What this person logs in as, this account among it; empty where nobody knows the person.
    pub accounts: Vec<String>,
}

impl Identity {
    /// What the user called `account` is in a project.
    pub async fn project_standing(
        tx: &mut Tx<'_>,
        project: ProjectId,
        account: &str,
    ) -> Result<ProjectStanding, Error> {
        let Some(found) = store::account(tx, account).await? else { return Ok(ProjectStanding::default()) };
        // Whose an account is does not change when it is disabled: what somebody did with it, they did.
        let person = person::store::of_account(tx, found.kind, found.id).await?;
        let accounts = match person {
            Some(person) => person::store::logins(tx, person).await?,
            None => Vec::new(),
        };
        let nothing = ProjectStanding { person, accounts, ..ProjectStanding::default() };
        if !found.is_enabled_user {
            return Ok(nothing);
        }
        let (role, groups) = (store::role(tx, project, found.id).await?, store::groups(tx, found.id).await?);
        Ok(ProjectStanding {
            role,
            further_roles: store::further_roles(tx, project, found.id).await?,
            groups,
            ..nothing
        })
    }
}
