//! Robot accounts as requests and answers show them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_context::{Permission, Permissions};
use wharf_identity::{NewRobot, RepositoryPattern, Robot, RobotChange, RobotName, Secret};

use crate::moment::Moment;
use crate::text;
use crate::words::PermissionWord;

/// A machine account of one project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Robot)]
pub(crate) struct RobotBody {
    /// Its name within the project.
    name: String,
    /// What it logs in as: `PROJECT+NAME`.
    login: String,
    /// What it may do.
    permissions: Vec<PermissionWord>,
    /// With which repositories of its project; empty means all.
    repositories: Vec<String>,
    /// When its log-in ends, if ever.
    expires_at: Option<Moment>,
    /// Whether log-in is refused.
    is_disabled: bool,
    created_at: Moment,
}

/// A robot account that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedRobot)]
pub(crate) struct CreatedRobotBody {
    #[serde(flatten)]
    pub(crate) robot: RobotBody,
    /// What it logs in with. It is shown here and never again.
    #[serde(serialize_with = "text::expose")]
    #[schema(value_type = String, format = Password)]
    pub(crate) secret: Secret,
}

/// A robot account's new secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RobotSecret)]
pub(crate) struct SecretBody {
    /// What the robot logs in as.
    pub(crate) login: String,
    /// What it logs in with. It is shown here and never again.
    #[serde(serialize_with = "text::expose")]
    #[schema(value_type = String, format = Password)]
    pub(crate) secret: Secret,
}

/// A robot account to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRobot)]
pub(crate) struct NewRobotBody {
    /// Its name within the project; never changes.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    name: RobotName,
    /// What it may do.
    permissions: Vec<PermissionWord>,
    /// With which repositories of its project; empty means all. `*` stands for part of one path component, `**` for
    /// anything.
    #[serde(default, deserialize_with = "text::parse_all")]
    #[schema(value_type = Vec<String>, max_items = 64)]
    repositories: Vec<RepositoryPattern>,
    /// When its log-in ends, if ever.
    expires_at: Option<Moment>,
}

/// What of a robot account is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RobotChange)]
pub(crate) struct RobotChangeBody {
    /// What it may do.
    permissions: Option<Vec<PermissionWord>>,
    /// With which repositories of its project; empty means all.
    #[serde(default, deserialize_with = "text::parse_all_if_any")]
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    repositories: Option<Vec<RepositoryPattern>>,
    /// When its log-in ends; `null` for never.
    #[serde(default, deserialize_with = "text::present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
    /// Whether log-in is refused.
    is_disabled: Option<bool>,
}

impl From<Robot> for RobotBody {
    fn from(robot: Robot) -> Self {
        Self {
            login: robot.login(),
            name: robot.name.to_string(),
            permissions: robot.permissions.iter().map(Into::into).collect(),
            repositories: robot.repositories.iter().map(RepositoryPattern::to_string).collect(),
            expires_at: robot.expires_at.map(Moment),
            is_disabled: robot.is_disabled,
            created_at: Moment(robot.created_at),
        }
    }
}

impl From<NewRobotBody> for NewRobot {
    fn from(body: NewRobotBody) -> Self {
        Self {
            name: body.name,
            permissions: permissions(&body.permissions),
            repositories: body.repositories,
            expires_at: body.expires_at.map(|Moment(end)| end),
        }
    }
}

impl From<RobotChangeBody> for RobotChange {
    fn from(body: RobotChangeBody) -> Self {
        Self {
            permissions: body.permissions.as_deref().map(permissions),
            repositories: body.repositories,
            expires_at: body.expires_at.map(|end| end.map(|Moment(end)| end)),
            is_disabled: body.is_disabled,
        }
    }
}

fn permissions(words: &[PermissionWord]) -> Permissions {
    let permissions: Vec<Permission> = words.iter().map(|word| (*word).into()).collect();
    Permissions::of(&permissions)
}
