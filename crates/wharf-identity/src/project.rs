//! Projects: what repositories belong to. A project's name is the first part of theirs.
//!
//! A project is private, or public: then everybody may pull. Who else may do what comes from its [`crate::member`]s and
//! [`crate::robot`]s. Repositories themselves are not known here: see [`crate::ProjectUse`].

pub(crate) mod store;

use serde_json::{Value, json};
use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::Tx;
use wharf_oci::ProjectName;

use crate::access::rule::{Mode, may_create_projects, reads_everything};
use crate::authority::Authority;
use crate::authority::rule::{ProjectRight, SystemRight};
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};
use crate::role::Role;
use crate::{assignment, audit, custom_role, member, person, reservation, robot};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its number, by which other parts keep their rows.
    pub id: ProjectId,
    /// Its name.
    pub name: ProjectName,
    /// Whether everybody may pull.
    pub is_public: bool,
    /// Since when there is this project.
    pub created_at: Timestamp,
}

/// What of a project is to change. `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectChange {
    /// Whether everybody may pull.
    pub is_public: Option<bool>,
}

/// Who may pull from a project without a role in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// Nobody.
    Private,
    /// Everybody.
    Public,
}

impl Identity {
    /// One project, with the caller's role in it.
    pub async fn get_project(&self, ctx: &Context, name: &ProjectName) -> Result<(Project, Option<Role>), Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, name, ProjectRight::See).await?;
        let project = store::get(&self.db, name).await?.ok_or_else(|| Error::ProjectUnknown(name.clone()))?;
        Ok((project, standing.role()))
    }

    /// The projects that the caller sees, in the order of their names.
    pub async fn list_projects(&self, ctx: &Context, page: &PageRequest) -> Result<Page<Project>, Error> {
        let account = Authority::manage(&self.db, ctx, self.mode()).await?.account;
        let projects = if self.mode() == Mode::Open || reads_everything(&account) {
            store::list(&self.db, page.after(), page.rows()).await?
        } else {
            store::list_visible(&self.db, &account, page.after(), page.rows()).await?
        };
        Ok(page.cut(projects, |project| project.name.to_string()))
    }

    /// Makes a project without members.
    pub async fn create_project(
        &self,
        ctx: &Context,
        name: &ProjectName,
        openness: Openness,
    ) -> Result<Project, Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::CreateProjects)?;
                match self.insert_project(tx, ctx, name, openness).await? {
                    (project, Made::Now) => Ok(project),
                    (_, Made::Before) => Err(Error::Exists { what: "project", name: name.to_string() }),
                }
            })
            .await
    }

    /// The project that a push goes to; made now if there is none, for callers who may.
    pub(crate) async fn open_project(&self, ctx: &Context, name: &ProjectName) -> Result<ProjectId, Error> {
        let openness = match self.mode() {
            Mode::Open => Openness::Public,
            Mode::Closed => Openness::Private,
        };
        self.db
            .transaction(async |tx| {
                let authority = Authority::load(&mut *tx, ctx, self.mode()).await?;
                if !may_create_projects(&authority.account, self.mode()) {
                    return Err(Error::ProjectUnknown(name.clone()));
                }
                Ok(self.insert_project(tx, ctx, name, openness).await?.0.id)
            })
            .await
    }

    async fn insert_project(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        name: &ProjectName,
        openness: Openness,
    ) -> Result<(Project, Made), Error> {
        if let Some(project) = store::get(&mut *tx, name).await? {
            return Ok((project, Made::Before));
        }
        let is_reserved = self.settings.reserved_names.iter().any(|reserved| reserved == name.as_str());
        if is_reserved || self.settings.environments.is_reserved(name) {
            return Err(Error::ReservedProject(name.clone()));
        }
        store::insert(tx, name, openness == Openness::Public).await?;
        let details = json!({ "after": { "is_public": openness == Openness::Public } });
        audit::record(tx, ctx, "project.create", name, details).await?;
        let project = store::get(tx, name).await?.ok_or_else(|| Error::ProjectUnknown(name.clone()))?;
        Ok((project, Made::Now))
    }

    /// Changes a project's settings.
    pub async fn update_project(
        &self,
        ctx: &Context,
        name: &ProjectName,
        change: &ProjectChange,
    ) -> Result<Project, Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, name, ProjectRight::ChangeSettings).await?;
                if let Some(is_public) = change.is_public {
                    let before = store::get(&mut *tx, name).await?.map(|project| project.is_public);
                    store::set_public(tx, standing.project, is_public).await?;
                    let details = json!({ "before": { "is_public": before }, "after": { "is_public": is_public } });
                    audit::record(tx, ctx, "project.update", name, details).await?;
                }
                store::get(tx, name).await?.ok_or_else(|| Error::ProjectUnknown(name.clone()))
            })
            .await
    }

    /// Deletes a project with its members and robots. One that has repositories stays.
    pub async fn delete_project(&self, ctx: &Context, name: &ProjectName) -> Result<(), Error> {
        let project_use = self.project_use.as_deref().ok_or(Error::ProjectUseUnknown)?;
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let project = authority.project(&mut *tx, name, ProjectRight::Delete).await?.project;
                if project_use.is_used(tx, project).await? {
                    return Err(Error::ProjectInUse(name.clone()));
                }
                member::store::delete_project(tx, project).await?;
                assignment::store::delete_project(tx, project).await?;
                reservation::store::delete_project(tx, project).await?;
                custom_role::store::delete_project(tx, project).await?;
                person::store::delete_project(tx, project).await?;
                robot::store::delete_project(tx, project).await?;
                store::delete(tx, project).await?;
                audit::record(tx, ctx, "project.delete", name, Value::Null).await
            })
            .await
    }

    /// Whether a repository's project is still there under its name: for the transaction that makes a repository. A token
    /// may name a project that was deleted since it was issued.
    pub async fn confirm_project(
        tx: &mut Tx<'_>,
        project: ProjectId,
        name: &ProjectName,
    ) -> Result<bool, wharf_db::Error> {
        store::is_current(tx, project, name).await
    }

    /// Refuses environments whose name a project has: its repositories would be taken for another project's.
    pub async fn check_environments(&self) -> Result<(), Error> {
        for environment in self.settings.environments.iter() {
            let Ok(name) = environment.as_str().parse() else { continue };
            if store::get(&self.db, &name).await?.is_some() {
                return Err(Error::EnvironmentIsProject(name));
            }
        }
        Ok(())
    }
}

impl Identity {
    /// The project that has a name at this moment, for a transaction of another part.
    pub async fn find_project(tx: &mut Tx<'_>, name: &ProjectName) -> Result<Option<ProjectId>, wharf_db::Error> {
        store::id_of(tx, name).await
    }

    /// The name of a project that is there at this moment: for who knows it by its number.
    pub async fn project_name(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<ProjectName>, wharf_db::Error> {
        store::name_of(tx, project).await
    }
}

/// Whether a row is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Now,
    Before,
}
