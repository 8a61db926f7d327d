//! The policy's section `retention`: rules in order, and when they are run by themselves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wharf_oci::pattern::Pattern;

use crate::span::Span;

/// The most rules of a project.
const MAX_RULES: usize = 100;
/// The longest name of a rule, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// The shortest time between two runs: what a run decides is kept.
const SHORTEST: Span = Span::hours(1);

/// What a project keeps and what goes. Without rules everything stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// How often the rules are run by themselves; never, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// For how long a container counts as running that its host reports no more.
    pub running_lease: Span,
    /// The rules; the first that matches a tag decides.
    pub rules: Vec<Rule>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { every: None, running_lease: Span::hours(168), rules: Vec::new() }
    }
}

/// One rule. It matches a tag when all that it says holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it; unique.
    pub name: String,
    /// What becomes of the tags that it matches.
    pub action: RuleAction,
    /// Repositories, of which one pattern matches; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<Pattern>,
    /// Tags, of which one pattern matches; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pattern>,
    /// The newest so many of these tags in their repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// All of these tags in their repository but the newest so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<u32>,
    /// What `newest` and `beyond` count by.
    #[serde(default, skip_serializing_if = "RankBy::is_push")]
    pub by: RankBy,
    /// The tag was pointed where it points longer ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Span>,
    /// The tag was pointed where it points since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub younger_than: Option<Span>,
    /// The project uses more of the bytes that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill_above_percent: Option<u32>,
}

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// It stays, whatever later rules say.
    Protect,
    /// It goes to the bin.
    Delete,
}

/// What tags are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankBy {
    /// When the tag was pointed where it points; the latest first.
    #[default]
    Push,
    /// Semantic versions, the highest first. Tags that are none have no rank, so that the rule does not match them.
    Semver,
}

impl RankBy {
    fn is_push(&self) -> bool {
        *self == Self::Push
    }
}

impl Retention {
    /// What is wrong with it, and where.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.every.is_some_and(|every| every < SHORTEST) {
            return Err(format!("`retention.every` is {SHORTEST} or more"));
        }
        if self.rules.len() > MAX_RULES {
            return Err(format!("`retention.rules` are at most {MAX_RULES}"));
        }
        let mut names = BTreeSet::new();
        for rule in &self.rules {
            rule.check().map_err(|reason| format!("retention rule `{}`: {reason}", rule.name))?;
            if !names.insert(rule.name.as_str()) {
                return Err(format!("two retention rules are called `{}`", rule.name));
            }
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let is_named = (1..=MAX_NAME_BYTES).contains(&self.name.len()) && !self.name.chars().any(char::is_control);
        if !is_named {
            return Err(format!("a name has 1 to {MAX_NAME_BYTES} bytes and no control characters"));
        }
        if self.newest.is_some() && self.beyond.is_some() {
            return Err("it says `newest` and `beyond`, and one of them is enough".to_owned());
        }
        if !self.is_ranked() && self.by != RankBy::Push {
            return Err("it says `by` and neither `newest` nor `beyond`, which `by` is about".to_owned());
        }
        if self.fill_above_percent.is_some_and(|percent| percent > 100) {
            return Err("`fill_above_percent` is 0 to 100".to_owned());
        }
        Ok(())
    }

    /// Whether it counts tags.
    pub(super) fn is_ranked(&self) -> bool {
        self.newest.is_some() || self.beyond.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Retention, String> {
        let retention: Retention = serde_json::from_str(text).map_err(|error| error.to_string())?;
        retention.check().map(|()| retention)
    }

    #[test]
    fn a_section_reads_back_as_it_was_written() {
        let text = r#"{"every":"1d","running_lease":"1h","rules":[
            {"name":"releases","action":"protect","tags":["v*"],"newest":10,"by":"semver"},
            {"name":"rest","action":"delete","repositories":["pay/**"],"older_than":"30d","fill_above_percent":80}]}"#;
        let retention = read(text).expect("valid");
        assert_eq!(read(&serde_json::to_string(&retention).expect("JSON")), Ok(retention));
        assert_eq!(read("{}"), Ok(Retention::default()));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let bad = [
            r#"{"every":"59m"}"#,
            r#"{"rules":[{"name":"","action":"delete"}]}"#,
            r#"{"rules":[{"name":"a"}]}"#,
            r#"{"rules":[{"name":"a","action":"destroy"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete"},{"name":"a","action":"delete"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","newest":1,"beyond":1}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","by":"semver"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","older_than":"36501d"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","fill_above_percent":101}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","tags":[""]}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","colour":1}]}"#,
        ];
        for text in bad {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
