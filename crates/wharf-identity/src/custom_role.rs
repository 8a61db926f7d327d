//! Custom roles: named sets of powers, of one project or of the whole server.
//!
//! A project's own role counts before one of the server's with the same name. What built-in roles allow is in
//! [`crate::role`]; who has a role, in [`crate::assignment`].

pub(crate) mod store;

use serde_json::json;
use wharf_context::{Context, Power, Powers, ProjectId, Timestamp};
use wharf_db::Tx;
use wharf_oci::ProjectName;

use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::{ProjectRight, SystemRight};
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};
use crate::role::RoleName;

/// A role that somebody made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its name.
    pub name: RoleName,
    /// What it allows.
    pub powers: Powers,
    /// Since when there is this role.
    pub created_at: Timestamp,
}

/// No project: roles of the whole server.
const SERVER: ProjectId = ProjectId(0);

impl Identity {
    /// The custom roles of a project, or of the whole server, in the order of their names.
    pub async fn list_custom_roles(
        &self,
        ctx: &Context,
        project: Option<&ProjectName>,
        page: &PageRequest,
    ) -> Result<Page<CustomRole>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let owner = match project {
            Some(name) => authority.project(&self.db, name, ProjectRight::SeeMembers).await?.project,
            None => authority.require_login().map(|()| SERVER)?,
        };
        let roles = store::list(&self.db, owner, page.after(), page.rows()).await?;
        Ok(page.cut(roles, |role| role.name.to_string()))
    }

    /// Makes a role, or gives one other powers.
    pub async fn put_custom_role(
        &self,
        ctx: &Context,
        project: Option<&ProjectName>,
        (name, powers): (&RoleName, Powers),
    ) -> Result<CustomRole, Error> {
        if name.built_in().is_some() {
            return Err(Error::Exists { what: "built-in role", name: name.to_string() });
        }
        self.db
            .transaction(async |tx| {
                let owner = self.manage_roles(tx, ctx, project).await?;
                let role = store::put(tx, owner, (name, powers)).await?;
                let names: Vec<&str> = powers.iter().map(Power::name).collect();
                audit::record(tx, ctx, "role.put", &resource(project, name), json!({ "powers": names })).await?;
                Ok(role)
            })
            .await
    }

    /// Deletes a role that nobody has.
    pub async fn delete_custom_role(
        &self,
        ctx: &Context,
        project: Option<&ProjectName>,
        name: &RoleName,
    ) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let owner = self.manage_roles(tx, ctx, project).await?;
                if store::is_used(tx, owner, name).await? {
                    return Err(Error::RoleInUse(name.clone()));
                }
                if !store::delete(tx, owner, name).await? {
                    return Err(Error::RoleUnknown(name.clone()));
                }
                audit::record(tx, ctx, "role.delete", &resource(project, name), serde_json::Value::Null).await
            })
            .await
    }

    async fn manage_roles(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        project: Option<&ProjectName>,
    ) -> Result<ProjectId, Error> {
        let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
        match project {
            Some(name) => Ok(authority.project(tx, name, ProjectRight::ManageMembers).await?.project),
            None => authority.require(SystemRight::ManageGroups).map(|()| SERVER),
        }
    }
}

fn resource(project: Option<&ProjectName>, name: &RoleName) -> String {
    project.map_or_else(|| name.to_string(), |project| format!("{project}/{name}"))
}
