//! What of a token's scopes is granted: never more than was asked for, never more than the caller holds.

use wharf_context::{Permission, Permissions};
use wharf_oci::RepositoryName;
use wharf_oci::scope::Scope;

/// One repository and what a token is to be good for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) repository: RepositoryName,
    pub(crate) asked: Permissions,
}

/// What a token is asked for, sorted by what it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) repositories: Vec<Wish>,
    pub(crate) catalog: bool,
    pub(crate) management: bool,
}

impl Wishes {
    /// Reads scopes. What this registry does not know is not granted, and is no error.
    pub(crate) fn read(scopes: &[Scope]) -> Self {
        let mut wishes = Self::default();
        for scope in scopes {
            let everything = scope.actions.iter().any(|action| action == "*");
            match (scope.kind.as_str(), scope.name.as_str()) {
                ("repository", name) => wishes.add(name, asked(&scope.actions)),
                ("registry", "catalog") => wishes.catalog |= everything,
                ("registry", "management") => wishes.management |= everything,
                (_, _) => {}
            }
        }
        wishes
    }

    fn add(&mut self, name: &str, asked: Permissions) {
        let Ok(repository) = name.parse::<RepositoryName>() else { return };
        match self.repositories.iter_mut().find(|wish| wish.repository == repository) {
            Some(wish) => wish.asked = wish.asked.union(asked),
            None => self.repositories.push(Wish { repository, asked }),
        }
    }
}

/// The permissions behind a scope's actions. Clients know `pull`, `push`, `delete` and `*`: who asks to push is meant
/// to get what they hold of pushing and overwriting.
fn asked(actions: &[String]) -> Permissions {
    let of = |action: &String| match (action.as_str(), Permission::from_name(action)) {
        ("*", _) => Permissions::ALL,
        ("push", _) => Permissions::of(&[Permission::Push, Permission::Overwrite]),
        (_, Some(permission)) => Permissions::of(&[permission]),
        (_, None) => Permissions::NONE,
    };
    actions.iter().map(of).fold(Permissions::NONE, Permissions::union)
}

/// What is granted, and what was asked for in vain.
pub(crate) fn intersect(asked: Permissions, held: Permissions) -> (Permissions, Permissions) {
    (asked.intersection(held), asked.difference(held))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::role::Role;

    fn wishes(text: &str) -> Wishes {
        Wishes::read(&Scope::parse_list(text).expect("valid"))
    }

    #[test]
    fn actions_stand_for_permissions() {
        use Permission::{Delete, Overwrite, Pull, Push};
        let table: [(&str, &[Permission]); 8] = [
            ("pull", &[Pull]),
            ("push", &[Push, Overwrite]),
            ("pull,push", &[Pull, Push, Overwrite]),
            ("delete", &[Delete]),
            ("overwrite", &[Overwrite]),
            ("*", &Permission::ALL),
            ("metadata", &[]),
            ("", &[]),
        ];
        for (actions, wanted) in table {
            let read = wishes(&format!("repository:p/app:{actions}"));
            assert_eq!(read.repositories[0].asked, Permissions::of(wanted), "{actions}");
        }
    }

    #[test]
    fn scopes_of_one_repository_are_one_wish_and_the_unknown_is_left_out() {
        let read = wishes("repository:p/app:pull repository:p/app:delete repository:P:pull plugin:p/app:pull");
        assert_eq!(read.repositories.len(), 1);
        assert_eq!(read.repositories[0].asked, Permissions::of(&[Permission::Pull, Permission::Delete]));
        assert_eq!((wishes("registry:catalog:*").catalog, wishes("registry:catalog:pull").catalog), (true, false));
        assert_eq!((wishes("registry:management:*").management, read.management), (true, false));
    }

    fn permissions() -> impl Strategy<Value = Permissions> {
        proptest::collection::vec(proptest::sample::select(Permission::ALL.to_vec()), 0..5)
            .prop_map(|permissions| Permissions::of(&permissions))
    }

    proptest! {
        #[test]
        fn never_more_than_asked_and_never_more_than_held(asked in permissions(), held in permissions()) {
            let (granted, refused) = intersect(asked, held);
            prop_assert!(granted.difference(asked).is_empty() && granted.difference(held).is_empty());
            prop_assert_eq!(granted.union(refused), asked);
            prop_assert!(granted.intersection(refused).is_empty());
        }

        #[test]
        fn no_actions_give_more_than_the_role(actions in proptest::collection::vec("pull|push|overwrite|delete|\\*|[a-z]{1,9}", 0..6), role in proptest::sample::select(Role::ALL.to_vec())) {
            let (granted, _) = intersect(asked(&actions), role.permissions());
            prop_assert!(granted.difference(role.permissions()).is_empty());
            for permission in granted.iter() {
                let is_named = actions.iter().any(|action| action == "*" || action == permission.name());
                let comes_with_push = permission == Permission::Overwrite && actions.iter().any(|action| action == "push");
                prop_assert!(is_named || comes_with_push);
            }
        }
    }
}
