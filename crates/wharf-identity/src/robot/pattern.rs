//! Which repositories of its project a robot is for.
//!
//! A pattern is a whole repository name in which `*` stands for any characters within one path component and `**` for
//! any characters at all: `payments/app`, `payments/team-*`, `payments/**`. It begins with the project's own name, in
//! full: a pattern cannot reach into another project.

use std::fmt;
use std::str::FromStr;

use wharf_oci::{Pattern, ProjectName, RepositoryName};

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a repository pattern is a repository name of the robot's project, in which `*` stands for part of one path component and `**` for anything"
)]
pub struct PatternError;

/// A pattern for repository names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepositoryPattern(Pattern);

impl RepositoryPattern {
    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the pattern stays within `project`.
    pub fn is_within(&self, project: &ProjectName) -> bool {
        self.as_str().split('/').next() == Some(project.as_str())
    }

    /// Whether a repository is meant.
    pub fn matches(&self, repository: &RepositoryName) -> bool {
        self.0.matches(repository.as_str())
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepositoryPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let project = text.split('/').next().unwrap_or_default();
        let names_a_project = project.parse::<ProjectName>().is_ok();
        let is_name = names_a_project && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match text.parse() {
            Ok(pattern) if is_name => Ok(Self(pattern)),
            Ok(_) | Err(_) => Err(PatternError),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_stays_in_its_project() {
        let project: ProjectName = "p".parse().expect("valid");
        let other: RepositoryPattern = "pay/app".parse().expect("valid");
        assert!(!other.is_within(&project));
        assert!("p/**".parse::<RepositoryPattern>().expect("valid").is_within(&project));
        for bad in ["", "*", "**", "*/app", "p*/app", "/p", "p/", "p//a", "p/A", "p/***", "p/a b", "p/[a]", "p/ä"] {
            assert_eq!(bad.parse::<RepositoryPattern>(), Err(PatternError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_everything_of_the_project(name in "p(/[a-z]{1,5}){1,3}") {
            let repository: RepositoryName = name.parse().expect("valid");
            prop_assert!(name.parse::<RepositoryPattern>().expect("valid").matches(&repository));
            prop_assert!("p/**".parse::<RepositoryPattern>().expect("valid").matches(&repository));
        }
    }
}
