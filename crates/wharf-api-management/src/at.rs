//! What a path names.

use axum::extract::FromRequestParts;
use axum::extract::path::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wharf_governance::webhook::WebhookName;
use wharf_identity::{GroupName, MemberName, PersonName, RobotName, RoleName, UserName};
use wharf_oci::{EnvironmentName, ProjectName};

use crate::problem::Problem;
use crate::text;

/// The names in a request's path, checked.
#[derive(Debug)]
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names)).map_err(|rejection| Problem::invalid(describe(rejection)))
    }
}

fn describe(rejection: PathRejection) -> String {
    if let PathRejection::FailedToDeserializePathParams(failure) = rejection {
        return failure.into_kind().to_string();
    }
    rejection.body_text()
}

/// `{project}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
}

/// `{project}`, `{member}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) member: MemberName,
}

/// `{project}`, `{robot}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Robot {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) robot: RobotName,
}

/// `{project}`, `{webhook}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhook {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) webhook: WebhookName,
}

/// `{inquiry}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Inquiry {
    #[serde(deserialize_with = "text::key")]
    pub(crate) inquiry: String,
}

/// `{project}`, `{remote}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Remote {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) remote: WebhookName,
}

/// `{project}`, `{hook}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Hook {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) hook: WebhookName,
}

/// `{project}`, `{webhook}`, `{delivery}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Delivery {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) webhook: WebhookName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) delivery: i64,
}

/// `{project}`, `{promotion}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Promotion {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::key")]
    pub(crate) promotion: String,
}

/// `{project}`, `{release}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Release {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::key")]
    pub(crate) release: String,
}

/// `{project}`, `{environment}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Environment {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) environment: EnvironmentName,
}

/// `{project}`, `{exception}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Exception {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) exception: i64,
}

/// `{project}`, `{digest}`.
#[derive(Debug, Deserialize)]
pub(crate) struct History {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) digest: wharf_oci::Digest,
}

/// `{role}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Role {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) role: RoleName,
}

/// `{project}`, `{role}`.
#[derive(Debug, Deserialize)]
pub(crate) struct ProjectRole {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) role: RoleName,
}

/// `{project}`, `{assignment}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Assignment {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) assignment: i64,
}

/// `{person}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) person: PersonName,
}

/// `{person}`, `{account}`.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonAccount {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) person: PersonName,
    pub(crate) account: String,
}

/// `{digest}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Digest {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) digest: wharf_oci::Digest,
}

/// `{project}`, `{rebuild}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Rebuild {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    pub(crate) rebuild: i64,
}

/// `{job}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) job: i64,
}

/// `{project}`, `{hold}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Hold {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    pub(crate) hold: i64,
}

/// `{project}`, `{archive}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Archive {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    pub(crate) archive: i64,
}

/// `{project}`, `{run}`.
#[derive(Debug, Deserialize)]
pub(crate) struct RetentionRun {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) project: ProjectName,
    pub(crate) run: i64,
}

/// `{user}`.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) user: UserName,
}

/// `{group}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) group: GroupName,
}

/// `{group}`, `{user}`.
#[derive(Debug, Deserialize)]
pub(crate) struct GroupUser {
    #[serde(deserialize_with = "text::parse")]
    pub(crate) group: GroupName,
    #[serde(deserialize_with = "text::parse")]
    pub(crate) user: UserName,
}
