//! Accounts: who a credential turned out to be.

use wharf_context::{Caller, CallerId, Permissions, ProjectId};
use wharf_oci::{ProjectName, RepositoryPattern};

use crate::name::{RobotName, UserName};
use crate::role::SystemRole;

/// Who asks, with what the row says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    Anonymous,
    User(UserAccount),
    Robot(RobotAccount),
    System,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserAccount {
    pub(crate) id: i64,
    pub(crate) name: UserName,
    pub(crate) system_role: Option<SystemRole>,
    /// Moves when the password changes or the user is disabled: what was made before is void.
    pub(crate) revision: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RobotAccount {
    pub(crate) id: i64,
    pub(crate) project: ProjectId,
    pub(crate) project_name: ProjectName,
    pub(crate) name: RobotName,
    pub(crate) permissions: Permissions,
    /// Empty: all of its project.
    pub(crate) repositories: Vec<RepositoryPattern>,
    /// Moves when the secret changes or the robot is disabled.
    pub(crate) revision: i64,
}

impl RobotAccount {
    pub(crate) fn login(&self) -> String {
        format!("{}+{}", self.project_name, self.name)
    }
}

impl Account {
    pub(crate) fn caller(&self) -> Caller {
        match self {
            Self::Anonymous => Caller::anonymous(),
            Self::User(user) => Caller { id: CallerId::User(user.id), name: user.name.to_string() },
            Self::Robot(robot) => Caller { id: CallerId::Robot(robot.id), name: robot.login() },
            Self::System => Caller::system(),
        }
    }

    /// The robot's row, or −1 where the caller is no robot.
    pub(crate) fn robot_id(&self) -> i64 {
        match self {
            Self::Robot(robot) => robot.id,
            Self::Anonymous | Self::User(_) | Self::System => -1,
        }
    }

    /// The user's row, or −1 where the caller is no user: for SQL that looks for memberships.
    pub(crate) fn user_id(&self) -> i64 {
        match self {
            Self::User(user) => user.id,
            Self::Anonymous | Self::Robot(_) | Self::System => -1,
        }
    }
}
