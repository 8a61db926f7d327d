//! Patterns for names of repositories and for tags: text in which `*` stands for any characters within one path component
//! and `**` for any characters at all.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{MAX_NAME_BYTES, ProjectName, RepositoryName};
use crate::pattern::matches;
use crate::reference::{MAX_TAG_BYTES, Tag};

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamePatternError {
    /// Not one for repositories.
    #[error(
        "a repository pattern begins with its project's name, and goes on like a repository's name in which `*` stands for part of one path component and `**` for anything"
    )]
    Repository,
    /// Not one for tags.
    #[error("a tag pattern is a tag in which `*` stands for any characters")]
    Tag,
}

/// A pattern for the names of one project's repositories: `payments/app`, `payments/team-*`, `payments/**`. It begins with
/// the project's own name, in full: a pattern cannot reach into another project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryPattern(String);

/// A pattern for tags: `1.*`, `*-rc`, `2026*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagPattern(String);

impl RepositoryPattern {
    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern stays within `project`.
    pub fn is_within(&self, project: &ProjectName) -> bool {
        self.0.split('/').next() == Some(project.as_str())
    }

    /// Whether a repository is meant.
    pub fn matches(&self, repository: &RepositoryName) -> bool {
        matches(self.0.as_bytes(), repository.as_str().as_bytes())
    }
}

impl TagPattern {
    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a tag is meant.
    pub fn matches(&self, tag: &Tag) -> bool {
        matches(self.0.as_bytes(), tag.as_str().as_bytes())
    }
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NamePatternError;

            fn try_from(text: String) -> Result<Self, NamePatternError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(pattern: $name) -> Self {
                pattern.0
            }
        }
    };
}

text!(RepositoryPattern);
text!(TagPattern);

impl FromStr for RepositoryPattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'*')
        };
        let project = text.split('/').next().unwrap_or_default();
        let names_a_project = project.parse::<ProjectName>().is_ok();
        let is_bounded = text.len() <= MAX_NAME_BYTES && !text.contains("***");
        if names_a_project && is_bounded && text.bytes().all(is_allowed) && text.split('/').all(|part| !part.is_empty())
        {
            return Ok(Self(text.to_owned()));
        }
        Err(NamePatternError::Repository)
    }
}

impl FromStr for TagPattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'*');
        let is_bounded = (1..=MAX_TAG_BYTES).contains(&text.len()) && !text.contains("**");
        // With each star taken for a letter, it has to be a tag.
        let could_be_a_tag = text.replace('*', "a").parse::<Tag>().is_ok();
        let fits = is_bounded && could_be_a_tag && text.bytes().all(is_allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(NamePatternError::Tag) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_reach_as_far_as_they_should() {
        let table = [
            ("p/app", "p/app", true),
            ("p/app", "p/app2", false),
            ("p/app", "p/app/x", false),
            ("p/team-*", "p/team-a", true),
            ("p/team-*", "p/team-", false),
            ("p/team-*", "p/team-a/b", false),
            ("p/*/base", "p/x/base", true),
            ("p/*/base", "p/x/y/base", false),
            ("p/**", "p/a/b/c", true),
            ("p/**", "p", false),
            ("p/**/base", "p/x/y/base", true),
            ("p/*a*", "p/bab", true),
            ("p/*a*a*a", "p/aa", false),
            ("p", "p", true),
        ];
        for (pattern, name, wanted) in table {
            let Ok(repository) = name.parse() else { continue };
            let pattern: RepositoryPattern = pattern.parse().expect("valid");
            assert_eq!(pattern.matches(&repository), wanted, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_pattern_stays_in_its_project() {
        let project: ProjectName = "p".parse().expect("valid");
        let other: RepositoryPattern = "pay/app".parse().expect("valid");
        assert!(!other.is_within(&project));
        assert!("p/**".parse::<RepositoryPattern>().expect("valid").is_within(&project));
        for bad in ["", "*", "**", "*/app", "p*/app", "/p", "p/", "p//a", "p/A", "p/***", "p/a b", "p/[a]", "p/ä"] {
            assert_eq!(bad.parse::<RepositoryPattern>(), Err(NamePatternError::Repository), "{bad}");
        }
    }

    #[test]
    fn tags_are_matched_as_a_whole() {
        let table = [
            ("*", "anything", true),
            ("1.*", "1.2", true),
            ("1.*", "11.2", false),
            ("*-rc*", "1.0-rc1", true),
            ("2026*_*", "20261130_01", true),
            ("v1", "v1", true),
            ("v1", "v11", false),
            ("Release-*", "release-1", false),
        ];
        for (pattern, tag, wanted) in table {
            let (pattern, tag) = (pattern.parse::<TagPattern>().expect("valid"), tag.parse().expect("valid"));
            assert_eq!(pattern.matches(&tag), wanted, "{pattern} on {tag}");
        }
        let long = "a".repeat(MAX_TAG_BYTES + 1);
        for bad in ["", "**", ".a", "-a*", "a/b", "a b", "[a]", "ä", "a?", long.as_str()] {
            assert_eq!(bad.parse::<TagPattern>(), Err(NamePatternError::Tag), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_everything_of_the_project(name in "p(/[a-z]{1,5}){1,3}") {
            let repository: RepositoryName = name.parse().expect("valid");
            prop_assert!(name.parse::<RepositoryPattern>().expect("valid").matches(&repository));
            prop_assert!("p/**".parse::<RepositoryPattern>().expect("valid").matches(&repository));
        }

        #[test]
        fn stars_cost_no_more_than_their_length(pattern in "p/[a*]{200}", name in "p/[a]{200}b") {
            if let (Ok(pattern), Ok(repository)) = (pattern.parse::<RepositoryPattern>(), name.parse()) {
                prop_assert!(pattern.as_str().ends_with('*') || !pattern.matches(&repository));
            }
        }
    }
}
