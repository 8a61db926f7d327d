//! Names of repositories and of the projects that own them.
//!
//! Spec: distribution-spec, "Pulling manifests": `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`.

use std::fmt;
use std::str::FromStr;

/// The longest repository name, in bytes. The spec leaves the limit to registries and warns of clients that add the
/// host name and stop at 255.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("a repository name has at most {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// A path component breaks the grammar.
    #[error(
        "a repository name is made of lower-case letters, digits and single `.`, `_`, `__` or `-` between them, in parts divided by `/`"
    )]
    Malformed,
    /// A project name has one path component.
    #[error("a project name is the first part of a repository name and has no `/`")]
    NotOneComponent,
}

/// The name of a repository, e.g. `payments/app` or `alpine`: 1 to 255 bytes, checked against the spec's grammar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

/// The name of a project: the first path component of its repositories' names in development.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(String);

impl RepositoryName {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first path component. Which project owns the repository is told by [`crate::Environments::project`]: an
    /// environment may stand before the project's name.
    pub(crate) fn first(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(first, _)| first)
    }

    /// The first path component as a project's name.
    pub(crate) fn owner(&self) -> ProjectName {
        ProjectName(self.first().to_owned())
    }

    /// What stands behind the first path component.
    pub(crate) fn rest(&self) -> Option<Self> {
        self.0.split_once('/').map(|(_, rest)| Self(rest.to_owned()))
    }

    /// The name with one more path component, which is one, before it. The caller has seen that it is not too long.
    pub(crate) fn behind(&self, component: &str) -> Self {
        Self(format!("{component}/{self}"))
    }
}

impl ProjectName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        if !text.split('/').all(is_component) {
            return Err(NameError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('/') {
            return Err(NameError::NotOneComponent);
        }
        Ok(text.parse::<RepositoryName>()?.owner())
    }
}

/// One path component: alphanumeric runs, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !is_alphanumeric(*first) || !is_alphanumeric(*last) {
        return false;
    }
    bytes
        .split(|byte| is_alphanumeric(*byte))
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "alpine", "library/alpine", "a.b/c_d/e__f/g-h/i---j", "0/1"] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in
            ["", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "-a", "a-", "a._b", "a b", "ä", "a\0b", ".", ".."]
        {
            assert_eq!(bad.parse::<RepositoryName>(), Err(NameError::Malformed), "{bad}");
        }
        assert!("a".repeat(255).parse::<RepositoryName>().is_ok());
        assert_eq!("a".repeat(256).parse::<RepositoryName>(), Err(NameError::TooLong));
    }

    #[test]
    fn a_name_has_its_components() {
        let name: RepositoryName = "payments/core/app".parse().expect("valid");
        assert_eq!((name.first(), name.owner().as_str()), ("payments", "payments"));
        assert_eq!(name.rest().map(|rest| rest.to_string()).as_deref(), Some("core/app"));
        assert_eq!(name.behind("t").as_str(), "t/payments/core/app");
        assert_eq!("alpine".parse::<RepositoryName>().expect("valid").rest(), None);
        assert_eq!("a/b".parse::<ProjectName>(), Err(NameError::NotOneComponent));
    }

    proptest! {
        #[test]
        fn every_name_of_the_grammar_is_accepted(name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}") {
            prop_assert_eq!(name.parse::<RepositoryName>().map(|name| name.to_string()), Ok(name));
        }

        #[test]
        fn no_text_panics(text in ".{0,64}") {
            drop(text.parse::<RepositoryName>());
        }
    }
}
