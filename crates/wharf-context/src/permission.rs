//! What may be done with a repository's content.
//!
//! Pushing something new and changing what exists are two permissions: a developer may add `app:1.2`, and only a
//! maintainer may move it. (A registry that checks "push" alone lets a create-only account overwrite `latest`:
//! CVE-2026-31801.)

use std::fmt;

/// One permission on a repository's content. Its name is the action in a token's `access` entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Read manifests, blobs, tags and referrers.
    Pull,
    /// Add blobs, manifests and tags that do not exist yet.
    Push,
    /// Move a tag that exists to another manifest.
    Overwrite,
    /// Delete tags, manifests and blobs.
    Delete,
    /// Add signatures and other referrers to what stands in a promoted environment, where nothing else can be pushed.
    Attach,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pull, Self::Push, Self::Overwrite, Self::Delete, Self::Attach];

    /// The action's name in a token scope.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Overwrite => "overwrite",
            Self::Delete => "delete",
            Self::Attach => "attach",
        }
    }

    /// The permission of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Pull => 1,
            Self::Push => 2,
            Self::Overwrite => 4,
            Self::Delete => 8,
            Self::Attach => 16,
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(31);

    /// The set of `permissions`.
    pub fn of(permissions: &[Permission]) -> Self {
        Self(permissions.iter().fold(0, |bits, permission| bits | permission.bit()))
    }

    /// Whether `permission` is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A permission as a type, for [`crate::Permit`].
pub trait Right: fmt::Debug + Send + Sync + 'static {
    /// The permission that the type stands for.
    const PERMISSION: Permission;
}

/// [`Permission::Pull`] as a type.
#[derive(Debug, Clone, Copy)]
pub struct Pull;
/// [`Permission::Push`] as a type.
#[derive(Debug, Clone, Copy)]
pub struct Push;
/// [`Permission::Overwrite`] as a type.
#[derive(Debug, Clone, Copy)]
pub struct Overwrite;
/// [`Permission::Delete`] as a type.
#[derive(Debug, Clone, Copy)]
pub struct Delete;

/// [`Permission::Attach`] as a type.
#[derive(Debug, Clone, Copy)]
pub struct Attach;

impl Right for Attach {
    const PERMISSION: Permission = Permission::Attach;
}
impl Right for Pull {
    const PERMISSION: Permission = Permission::Pull;
}
impl Right for Push {
    const PERMISSION: Permission = Permission::Push;
}
impl Right for Overwrite {
    const PERMISSION: Permission = Permission::Overwrite;
}
impl Right for Delete {
    const PERMISSION: Permission = Permission::Delete;
}
