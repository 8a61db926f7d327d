//! Powers: what a role allows, on the content of repositories and in governance, under one set of names.

use std::str::FromStr;

use crate::action::{Action, Actions};
use crate::permission::{Permission, Permissions};

/// One thing that a role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// A permission on the content of repositories.
    Content(Permission),
    /// An action in a project beside pushing and pulling.
    Governance(Action),
}

impl Power {
    /// All of them, content first.
    pub fn all() -> impl Iterator<Item = Self> {
        let actions = Action::ALL.iter().copied().map(Self::Governance);
        Permission::ALL.into_iter().map(Self::Content).chain(actions)
    }

    /// Its name, such as `pull` or `promotion.approve`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Content(permission) => permission.name(),
            Self::Governance(action) => action.name(),
        }
    }

    /// The power of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Permission::from_name(name).map(Self::Content).or_else(|| Action::from_name(name).map(Self::Governance))
    }
}

/// A text that names no power.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that a role can allow; `pull`, `push` and `promotion.request` are, for example")]
pub struct UnknownPower(String);

impl FromStr for Power {
    type Err = UnknownPower;

    fn from_str(text: &str) -> Result<Self, UnknownPower> {
        Self::from_name(text).ok_or_else(|| UnknownPower(text.to_owned()))
    }
}

/// A set of powers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Powers {
    /// On content.
    pub permissions: Permissions,
    /// In governance.
    pub actions: Actions,
}

impl Powers {
    /// All.
    pub fn all() -> Self {
        Self { permissions: Permissions::ALL, actions: Actions::all() }
    }

    /// Those on content alone.
    pub fn content(permissions: Permissions) -> Self {
        Self { permissions, actions: Actions::NONE }
    }

    /// Whether `power` is in the set.
    pub fn contains(self, power: Power) -> bool {
        match power {
            Power::Content(permission) => self.permissions.contains(permission),
            Power::Governance(action) => self.actions.contains(action),
        }
    }

    /// The members, in the order of [`Power::all`].
    pub fn iter(self) -> impl Iterator<Item = Power> {
        Power::all().filter(move |power| self.contains(*power))
    }
}

impl FromIterator<Power> for Powers {
    fn from_iter<I: IntoIterator<Item = Power>>(powers: I) -> Self {
        let (mut permissions, mut actions) = (Vec::new(), Vec::new());
        for power in powers {
            match power {
                Power::Content(permission) => permissions.push(permission),
                Power::Governance(action) => actions.push(action),
            }
        }
        Self { permissions: Permissions::of(&permissions), actions: actions.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn permissions_and_actions_share_no_name() {
        let names: BTreeSet<&str> = Power::all().map(Power::name).collect();
        assert_eq!(names.len(), Power::all().count());
        for power in Power::all() {
            assert_eq!(Power::from_name(power.name()), Some(power));
        }
        let some: Powers = [Power::Content(Permission::Pull), Power::Governance(Action::Destroy)].into_iter().collect();
        assert_eq!(some.iter().map(Power::name).collect::<Vec<_>>(), ["pull", "destruction.approve"]);
        assert_eq!(Powers::all().iter().count(), Power::all().count());
    }
}
