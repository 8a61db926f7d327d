//! The policy's section `retention`: rules in order, and when they are run by themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wharf_oci::pattern::Pattern;

use crate::span::Span;

/// The most rules of a project.
const MAX_RULES: usize = 100;
/// The longest name of a rule, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// The most labels or patterns of one member of a rule.
const MAX_ENTRIES: usize = 50;
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
    /// An image of it has all of these labels, each with a value of this form; `*` in a form stands for anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Somebody has pulled it within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled_within: Option<Span>,
    /// Nobody has pulled it for this long. What was never pulled counts from when the tag was pointed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_pulled_for: Option<Span>,
    /// It stands in one of these environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placed_in: Vec<Pattern>,
    /// It has never stood in any of these environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_placed_in: Vec<Pattern>,
    /// It stood in one of these environments, and stands in none of them any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub was_placed_in: Vec<Pattern>,
    /// It left the last of `was_placed_in` longer ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_for: Option<Span>,
    /// It left the last of `was_placed_in` within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_within: Option<Span>,
    /// Where something newer has to have taken its place; without environments, a newer tag of its form supersedes a tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded_in: Vec<Pattern>,
    /// It was superseded longer ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_for: Option<Span>,
    /// It was superseded within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_within: Option<Span>,
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
        self.check_times()?;
        self.check_lists()
    }

    fn check_times(&self) -> Result<(), String> {
        let opposites = [
            (self.pulled_within, self.not_pulled_for, "`pulled_within` and `not_pulled_for`"),
            (self.left_within, self.left_for, "`left_within` and `left_for`"),
            (self.superseded_within, self.superseded_for, "`superseded_within` and `superseded_for`"),
        ];
        if let Some((.., names)) = opposites.iter().find(|(one, other, _)| one.is_some() && other.is_some()) {
            return Err(format!("it says {names}, and one of them is enough"));
        }
        if self.was_placed_in.is_empty() && (self.left_for.is_some() || self.left_within.is_some()) {
            return Err("it says when something left and not which environments: `was_placed_in`".to_owned());
        }
        if !self.superseded_in.is_empty() && !self.is_about_superseding() {
            return Err(
                "it says `superseded_in` and not since when: `superseded_for` or `superseded_within`".to_owned()
            );
        }
        Ok(())
    }

    fn check_lists(&self) -> Result<(), String> {
        let lists = [
            ("repositories", self.repositories.len()),
            ("tags", self.tags.len()),
            ("labels", self.labels.len()),
            ("placed_in", self.placed_in.len()),
            ("never_placed_in", self.never_placed_in.len()),
            ("was_placed_in", self.was_placed_in.len()),
            ("superseded_in", self.superseded_in.len()),
        ];
        match lists.iter().find(|(_, length)| *length > MAX_ENTRIES) {
            Some((name, _)) => Err(format!("`{name}` has at most {MAX_ENTRIES} entries")),
            None => Ok(()),
        }
    }

    /// Whether it asks if something newer has come.
    pub(super) fn is_about_superseding(&self) -> bool {
        self.superseded_for.is_some() || self.superseded_within.is_some()
    }

    /// The environments that something left, which the rule is about: what still lies there goes with its last tag.
    pub(super) fn left_environments(&self) -> impl Iterator<Item = &Pattern> {
        self.was_placed_in.iter().chain(&self.superseded_in)
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
            {"name":"old production","action":"delete","superseded_in":["p"],"superseded_for":"52w","labels":{"team":"pay*"}},
            {"name":"tried","action":"delete","was_placed_in":["t"],"left_for":"30d","not_pulled_for":"30d"},
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
            r#"{"rules":[{"name":"a","action":"delete","pulled_within":"1d","not_pulled_for":"1d"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","left_for":"1d"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","was_placed_in":["p"],"left_for":"1d","left_within":"1d"}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","superseded_in":["p"]}]}"#,
            r#"{"rules":[{"name":"a","action":"delete","superseded_for":"1d","superseded_within":"1d"}]}"#,
        ];
        for text in bad {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
