//! Tag rules: which tags a repository takes, and which of them stay where they point.
//!
//! The section `tags` of a policy. Of its rules the first whose patterns match a repository decides about it; where none
//! does, any tag is taken. What the rules say about one push is `rule`'s; date versions are given out by
//! [`crate::version`].

pub mod form;
pub(crate) mod rule;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_oci::{Pattern, RepositoryName};

pub use form::{Form, TagPattern};
pub use rule::Violation;

use crate::zone::Zone;

/// The most rules of one project.
const MAX_RULES: usize = 100;
/// The most patterns or forms in one list.
const MAX_ENTRIES: usize = 50;
/// For how many days a version may wait for its image at most.
const MAX_UNUSED_DAYS: u16 = 366;
const HOURS_OF_A_DAY: u64 = 24;

/// The section `tags` of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagPolicy {
    /// Whose day a date version begins with.
    pub time_zone: Zone,
    /// For how many days an allocated version may wait for its image; then it is void.
    pub unused_days: u16,
    /// The rules, in order.
    pub rules: Vec<TagRule>,
}

/// What holds of the tags of some repositories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagRule {
    /// The repositories, by their whole names.
    pub repositories: Vec<Pattern>,
    /// Which forms a tag may have; any, where the list is empty.
    pub accept: Vec<Form>,
    /// What becomes of `latest`.
    pub latest: Latest,
    /// What date versions are counted by.
    pub sequence: Sequence,
    /// Whether a date version goes on only where a Git commit is a tag of the same digest; the gate `tag` looks.
    pub git_sha_beside: bool,
    /// Which tags stay where they point.
    pub immutable: Vec<Immutable>,
}

/// What becomes of the tag `latest`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latest {
    /// It is taken, whatever forms are accepted.
    #[default]
    Allow,
    /// It is taken, and the gate `tag` keeps it from going on to another environment.
    NotPromoted,
    /// It is refused.
    Forbid,
}

/// What date versions are counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// Each repository for itself.
    #[default]
    Repository,
    /// All repositories of the project together: the same version may stand on an image of each.
    Project,
}

/// Tags that stay where they point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Immutable {
    /// These,
    pub tags: Vec<Pattern>,
    /// but not these.
    pub except: Vec<Pattern>,
    /// Only where what the tag points to stands in one of these environments, or once stood there; at once, where nothing
    /// is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placed_in: Vec<Pattern>,
}

/// A rule, and its place in the policy, from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered<'p> {
    pub(crate) number: usize,
    pub(crate) rule: &'p TagRule,
}

impl TagPolicy {
    /// The rule that decides about a repository.
    pub(crate) fn rule_of(&self, repository: &RepositoryName) -> Option<Numbered<'_>> {
        let mut rules = (1..).zip(&self.rules);
        let (number, rule) = rules.find(|(_, rule)| matches_any(&rule.repositories, repository.as_str()))?;
        Some(Numbered { number, rule })
    }

    /// What a repository's date versions are counted by.
    pub(crate) fn sequence_of(&self, repository: &RepositoryName) -> Sequence {
        self.rule_of(repository).map_or_else(Sequence::default, |numbered| numbered.rule.sequence)
    }

    /// For how long an allocated version may wait for its image.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.unused_days) * HOURS_OF_A_DAY * 3600)
    }

    /// Whether the section means something; says what is wrong, and where.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=MAX_UNUSED_DAYS).contains(&self.unused_days) {
            return Err(format!("`tags.unused_days` is 1 to {MAX_UNUSED_DAYS}"));
        }
        if self.rules.len() > MAX_RULES {
            return Err(format!("`tags.rules` has at most {MAX_RULES} rules"));
        }
        for (number, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|reason| format!("`tags.rules[{number}].{reason}"))?;
        }
        Ok(())
    }
}

impl TagRule {
    fn check(&self) -> Result<(), String> {
        if self.repositories.is_empty() {
            return Err("repositories` is empty, so that the rule is about nothing".to_owned());
        }
        let lists = [("repositories", self.repositories.len()), ("accept", self.accept.len())];
        let lists = lists.into_iter().chain([("immutable", self.immutable.len())]);
        let conditions = self.immutable.iter().flat_map(|Immutable { tags, except, placed_in }| {
            [("immutable[].tags", tags.len().max(except.len())), ("immutable[].placed_in", placed_in.len())]
        });
        let lists = lists.chain(conditions);
        for (name, length) in lists {
            if length > MAX_ENTRIES {
                return Err(format!("{name}` has at most {MAX_ENTRIES} entries"));
            }
        }
        Ok(())
    }
}

impl Immutable {
    /// Whether a tag is meant.
    fn covers(&self, tag: &str) -> bool {
        matches_any(&self.tags, tag) && !matches_any(&self.except, tag)
    }

    /// Whether it holds of something that stands or stood in these environments.
    fn holds_in(&self, environments: &[String]) -> bool {
        self.placed_in.is_empty() || environments.iter().any(|name| matches_any(&self.placed_in, name))
    }
}

impl Default for TagPolicy {
    fn default() -> Self {
        Self { time_zone: Zone::default(), unused_days: 7, rules: Vec::new() }
    }
}

impl Default for TagRule {
    fn default() -> Self {
        let repositories = vec![Pattern::anything()];
        let (latest, sequence) = (Latest::default(), Sequence::default());
        Self { repositories, accept: Vec::new(), latest, sequence, git_sha_beside: false, immutable: Vec::new() }
    }
}

impl Default for Immutable {
    fn default() -> Self {
        Self { tags: vec![Pattern::anything()], except: Vec::new(), placed_in: Vec::new() }
    }
}

fn matches_any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(document: serde_json::Value) -> TagPolicy {
        serde_json::from_value(document).expect("a policy")
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let policy = policy(json!({ "rules": [
            { "repositories": ["pay/base/**"], "accept": ["software_version"] },
            { "repositories": ["pay/app", "pay/web"], "sequence": "project" },
            { "repositories": ["pay/**"] },
        ] }));
        let number = |name: &str| policy.rule_of(&name.parse().expect("valid")).map(|numbered| numbered.number);
        assert_eq!((number("pay/base/os"), number("pay/web"), number("pay/x/y")), (Some(1), Some(2), Some(3)));
        assert_eq!(number("shop/app"), None);
        assert_eq!(policy.sequence_of(&"pay/app".parse().expect("valid")), Sequence::Project);
        assert_eq!(policy.sequence_of(&"shop/app".parse().expect("valid")), Sequence::Repository);
    }

    #[test]
    fn a_section_says_what_is_wrong_with_it() {
        assert_eq!(TagPolicy::default().check(), Ok(()));
        let wrong = |document| policy(document).check().expect_err("refused");
        assert!(wrong(json!({ "unused_days": 0 })).contains("unused_days"));
        assert!(wrong(json!({ "unused_days": 367 })).contains("unused_days"));
        assert!(wrong(json!({ "rules": [{}, { "repositories": [] }] })).contains("tags.rules[1].repositories"));
        let many = vec!["a"; MAX_ENTRIES + 1];
        assert!(wrong(json!({ "rules": [{ "immutable": [{ "tags": many }] }] })).contains("immutable"));
        assert!(wrong(json!({ "rules": vec![json!({}); MAX_RULES + 1] })).contains("at most"));
        for unknown in
            [json!({ "rule": [] }), json!({ "time_zone": "Seoul" }), json!({ "rules": [{ "latest": "no" }] })]
        {
            assert!(serde_json::from_value::<TagPolicy>(unknown).is_err());
        }
    }
}
