//! Roles: in one project, and in the whole system.
//!
//! A built-in project role is a step on a ladder: each may do what those below it may. What a role means for a request is
//! decided in [`crate::access`] (content) and `authority` (management).

use std::fmt;
use std::str::FromStr;

use wharf_context::{Action, Permission, Permissions, Powers};

use crate::name::{AccountNameError, GroupName};
use crate::warrant::rule::least_role;

/// A member's role in one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Pulls.
    Guest,
    /// Pulls, and pushes what does not exist yet.
    Developer,
    /// Also moves tags and deletes.
    Maintainer,
    /// Also decides about members, robots and settings.
    Owner,
}

impl Role {
    /// All, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Developer, Self::Maintainer, Self::Owner];

    /// What the role may do with the content of the project's repositories.
    pub fn permissions(self) -> Permissions {
        match self {
            Self::Guest => Permissions::of(&[Permission::Pull]),
            Self::Developer => Permissions::of(&[Permission::Pull, Permission::Push]),
            Self::Maintainer | Self::Owner => Permissions::ALL,
        }
    }

    /// All that the role allows.
    pub(crate) fn powers(self) -> Powers {
        let actions = Action::ALL.iter().copied().filter(|action| self >= least_role(*action)).collect();
        Powers { permissions: self.permissions(), actions }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Developer => "developer",
            Self::Maintainer => "maintainer",
            Self::Owner => "owner",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The catalog's number: greater may more, so that SQL can take the greatest of several memberships.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Guest => 1,
            Self::Developer => 2,
            Self::Maintainer => 3,
            Self::Owner => 4,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

/// The name of a role: a built-in one, or one that somebody made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The built-in role of that name.
    pub fn built_in(&self) -> Option<Role> {
        Role::from_name(&self.0)
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        Self(role.name().to_owned())
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RoleName {
    type Err = AccountNameError;

    /// A role's name is like a group's.
    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        text.parse::<GroupName>().map(|name| Self(name.as_str().to_owned()))
    }
}

/// A user's role in the whole system. Most users have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemRole {
    /// May do everything.
    Administrator,
    /// Reads everything, changes nothing.
    Auditor,
}

impl SystemRole {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Auditor];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Administrator => 1,
            Self::Auditor => 2,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_one_below_may() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].number() < pair[1].number());
            assert!(pair[0].permissions().difference(pair[1].permissions()).is_empty(), "{pair:?}");
        }
    }

    #[test]
    fn create_is_not_overwrite() {
        assert!(Role::Developer.permissions().contains(Permission::Push));
        assert!(!Role::Developer.permissions().contains(Permission::Overwrite));
        assert!(!Role::Developer.permissions().contains(Permission::Delete));
        assert!(Role::Maintainer.permissions().contains(Permission::Overwrite));
    }

    #[test]
    fn names_and_numbers_read_back() {
        for role in Role::ALL {
            assert_eq!((Role::from_name(role.name()), Role::from_number(role.number())), (Some(role), Some(role)));
        }
        for role in SystemRole::ALL {
            assert_eq!(SystemRole::from_name(role.name()), Some(role));
            assert_eq!(SystemRole::from_number(role.number()), Some(role));
        }
        let name: RoleName = "Maintainer".parse().expect("valid");
        assert_eq!((name.built_in(), name.as_str()), (Some(Role::Maintainer), "maintainer"));
        assert_eq!("builders".parse::<RoleName>().expect("valid").built_in(), None);
        assert_eq!((Role::from_name("admin"), Role::from_number(0), SystemRole::from_number(3)), (None, None, None));
    }
}
