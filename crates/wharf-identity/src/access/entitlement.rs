//! Entitlements: for what reason somebody may do something, and within which limits.

use std::fmt;

use wharf_context::Powers;
use wharf_oci::{EnvironmentName, RepositoryPattern, TagPattern};

use crate::name::GroupName;
use crate::role::{RoleName, SystemRole};

/// What a role that was given is limited to. An empty list limits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Repositories, by their names in development.
    pub repositories: Vec<RepositoryPattern>,
    /// Environments; development is one.
    pub environments: Vec<EnvironmentName>,
    /// Tags that may be pushed, moved and deleted.
    pub tags: Vec<TagPattern>,
}

impl Limits {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.environments.is_empty() && self.tags.is_empty()
    }
}

impl fmt::Display for Limits {
    /// Completes a sentence: ` in repositories a, b, in environment t, for tags 1.*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join("`, `");
        if !self.repositories.is_empty() {
            write!(f, " in repositories `{}`", list(&mut self.repositories.iter().map(ToString::to_string)))?;
        }
        if !self.environments.is_empty() {
            write!(f, " in environments `{}`", list(&mut self.environments.iter().map(ToString::to_string)))?;
        }
        if !self.tags.is_empty() {
            write!(f, " for tags `{}`", list(&mut self.tags.iter().map(ToString::to_string)))?;
        }
        Ok(())
    }
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entitlement {
    pub(crate) via: Via,
    pub(crate) powers: Powers,
    pub(crate) limits: Limits,
}

/// What gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    /// It is Wharf itself.
    Wharf,
    /// A role in the whole system.
    System(SystemRole),
    /// A role in the project, built-in or custom, by themselves or through a group.
    Assigned {
        /// The role.
        role: RoleName,
        /// The group that brings it.
        group: Option<GroupName>,
    },
    /// The permissions that the robot was made with.
    Robot,
    /// The project is public.
    Public,
    /// The registry is without log-in.
    Open,
    /// There is no such project, and the caller may make it.
    Founder,
}

impl Via {
    /// The role in the project.
    pub(crate) fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Assigned { role, .. } => Some(role),
            Self::Wharf | Self::System(_) | Self::Robot | Self::Public | Self::Open | Self::Founder => None,
        }
    }
}

impl fmt::Display for Entitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.via {
            Via::Wharf => f.write_str("it is wharf itself")?,
            Via::System(role) => write!(f, "the system role `{}`", role.name())?,
            Via::Assigned { role, group: None } => write!(f, "the role `{role}`")?,
            Via::Assigned { role, group: Some(group) } => write!(f, "the role `{role}` of group `{group}`")?,
            Via::Robot => f.write_str("the robot's own permissions")?,
            Via::Public => f.write_str("the project is public")?,
            Via::Open => f.write_str("this registry is without log-in")?,
            Via::Founder => f.write_str("who may make the project may begin it by pushing")?,
        }
        self.limits.fmt(f)
    }
}
