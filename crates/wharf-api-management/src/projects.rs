//! `/api/v1/projects`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{Openness, Project, ProjectChange};
use wharf_oci::ProjectName;

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::{Caller, LoggedIn};
use crate::moment::Moment;
use crate::problem::Problem;
use crate::quotas::QuotaBody;
use crate::words::RoleWord;
use crate::{body, text};

/// What repositories belong to. A project's name is the first part of theirs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectBody {
    name: String,
    /// Whether everybody may pull.
    is_public: bool,
    created_at: Moment,
    /// The caller's role in it, where one project is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    role: Option<RoleWord>,
    /// What it may use and uses: for those who may see that; in lists, for administrators and auditors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quota: Option<QuotaBody>,
}

/// A project to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProject)]
pub(crate) struct NewProjectBody {
    /// Lower-case letters, digits and single `.`, `_`, `__` or `-` between them; never changes.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, max_length = 255, pattern = "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$")]
    name: ProjectName,
    /// Whether everybody may pull.
    #[serde(default)]
    is_public: bool,
}

/// What of a project is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProjectChange)]
pub(crate) struct ProjectChangeBody {
    /// Whether everybody may pull.
    is_public: Option<bool>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    Caller(ctx): Caller,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ProjectBody>, Problem> {
    let page = api.identity.list_projects(&ctx, &query.into()).await?;
    let mut quotas = match api.identity.inspect(&ctx).await {
        Ok(inspect) => {
            let projects: Vec<_> = page.entries.iter().map(|project| project.id).collect();
            api.registry.list_quotas(&inspect, &projects).await?
        }
        Err(_) => BTreeMap::new(),
    };
    Ok(Listed::map(page, &uri, |project| {
        let quota = quotas.remove(&project.id).map(Into::into);
        ProjectBody { quota, ..project.into() }
    }))
}

pub(crate) async fn create(
    State(api): State<Api>,
    Caller(ctx): Caller,
    body::Json(new): body::Json<NewProjectBody>,
) -> Result<Created<ProjectBody>, Problem> {
    let openness = if new.is_public { Openness::Public } else { Openness::Private };
    let project = api.identity.create_project(&ctx, &new.name, openness).await?;
    Ok(Created { location: format!("/api/v1/projects/{}", project.name), body: project.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    Caller(ctx): Caller,
    At(at): At<at::Project>,
) -> Result<Json<ProjectBody>, Problem> {
    let (project, role) = api.identity.get_project(&ctx, &at.project).await?;
    let quota = match api.identity.inspect_project(&ctx, &at.project).await {
        Ok(inspect) => Some(api.registry.get_quota(&inspect).await?.into()),
        Err(_) => None,
    };
    Ok(Json(ProjectBody { role: role.map(Into::into), quota, ..project.into() }))
}

pub(crate) async fn update(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(change): body::Json<ProjectChangeBody>,
) -> Result<Json<ProjectBody>, Problem> {
    let change = ProjectChange { is_public: change.is_public };
    let project = api.identity.update_project(&ctx, &at.project, &change).await?;
    Ok(Json(project.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_project(&ctx, &at.project).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Project> for ProjectBody {
    fn from(project: Project) -> Self {
        Self {
            name: project.name.to_string(),
            is_public: project.is_public,
            created_at: Moment(project.created_at),
            role: None,
            quota: None,
        }
    }
}
