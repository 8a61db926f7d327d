//! The policy's section `lineage`: which kinds of bases there are, and what an image must stand on. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wharf_oci::{EnvironmentName, Pattern, RepositoryName};

/// The most kinds of bases of one policy.
const MAX_KINDS: usize = 100;
const MAX_KIND_BYTES: usize = 64;

/// What a project demands of what its images stand on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LineagePolicy {
    /// Kinds of bases. A repository is of the first kind that names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<BaseKind>,
    /// How many images may lie on each other, the topmost among them; any number where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u32>,
    /// After how many hours something that is to be rebuilt is late; 24 where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuild_within_hours: Option<u32>,
    /// What images must stand on that come into an environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<EnvironmentName, AllowedBases>,
}

/// A kind of bases: `osbase`, `runtime`, `compile-osbase`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseKind {
    /// What it is called.
    pub name: String,
    /// The repositories of this kind, as they are called in development; they may be other projects'.
    pub repositories: Vec<Pattern>,
    /// Its lines: of the tags that one pattern stands for, the latest is the newest. One line for all tags where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pattern>,
    /// Whether a newer image of this kind asks for what stands on the one before to be rebuilt.
    #[serde(default)]
    pub rebuild: bool,
}

/// What images of one environment must stand on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AllowedBases {
    /// The kinds that the lowest image may be of; any where nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// The kinds that images in between may be of; any where nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<String>,
}

impl LineagePolicy {
    /// Whether it means something; the sentence says what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.kinds.len() > MAX_KINDS {
            return Err(format!("`lineage.kinds` has more than {MAX_KINDS} kinds"));
        }
        let mut names = BTreeSet::new();
        for kind in &self.kinds {
            let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            if kind.name.is_empty() || kind.name.len() > MAX_KIND_BYTES || !kind.name.chars().all(is_word) {
                return Err(format!("`{}` in `lineage.kinds` is no name of a kind", kind.name.escape_debug()));
            }
            if !names.insert(kind.name.as_str()) {
                return Err(format!("`lineage.kinds` has the kind `{}` twice", kind.name));
            }
            if kind.repositories.is_empty() {
                return Err(format!("the kind `{}` in `lineage.kinds` names no repositories", kind.name));
            }
        }
        if self.max_depth == Some(0) {
            return Err("`lineage.max_depth` is at least 1: an image by itself".to_owned());
        }
        let asked = self.environments.values().flat_map(|allowed| allowed.roots.iter().chain(&allowed.between));
        match asked.into_iter().find(|kind| !names.contains(kind.as_str())) {
            Some(unknown) => {
                Err(format!("`lineage.environments` asks for the kind `{unknown}`, which `lineage.kinds` lacks"))
            }
            None => Ok(()),
        }
    }

    /// The kind that a repository is of; its name is the one in development.
    pub(crate) fn kind_of(&self, repository: &RepositoryName) -> Option<&BaseKind> {
        let names = |kind: &&BaseKind| kind.repositories.iter().any(|pattern| pattern.matches(repository.as_str()));
        self.kinds.iter().find(names)
    }
}

impl BaseKind {
    /// The patterns of its lines.
    pub(crate) fn lines(&self) -> Vec<Pattern> {
        if self.tags.is_empty() { vec![Pattern::anything()] } else { self.tags.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LineagePolicy, String> {
        let policy: LineagePolicy = serde_json::from_str(text).map_err(|error| error.to_string())?;
        policy.check().map(|()| policy)
    }

    #[test]
    fn a_repository_is_of_the_first_kind_that_names_it() {
        let policy = read(
            r#"{"kinds":[{"name":"prod","repositories":["base/prod/*"]},{"name":"any","repositories":["base/**"],"tags":["1.*"]}]}"#,
        );
        let policy = policy.expect("a policy");
        let kind = |name: &str| policy.kind_of(&name.parse().expect("valid")).map(|kind| kind.name.as_str());
        assert_eq!(
            (kind("base/prod/debian"), kind("base/test/debian"), kind("pay/app")),
            (Some("prod"), Some("any"), None)
        );
        assert_eq!(policy.kinds[0].lines(), [Pattern::anything()]);
        assert_eq!(policy.kinds[1].lines()[0].as_str(), "1.*");
    }

    #[test]
    fn a_section_that_means_nothing_is_refused() {
        for bad in [
            r#"{"kind":[]}"#,
            r#"{"max_depth":0}"#,
            r#"{"kinds":[{"name":"","repositories":["a"]}]}"#,
            r#"{"kinds":[{"name":"a","repositories":[]}]}"#,
            r#"{"kinds":[{"name":"a","repositories":["a"]},{"name":"a","repositories":["b"]}]}"#,
            r#"{"environments":{"p":{"roots":["nothing"]}}}"#,
            r#"{"environments":{"p":{"between":["nothing"]}}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(
            read(r#"{"max_depth":3,"kinds":[{"name":"a","repositories":["a"]}],"environments":{"p":{"roots":["a"]}}}"#)
                .is_ok()
        );
    }
}
