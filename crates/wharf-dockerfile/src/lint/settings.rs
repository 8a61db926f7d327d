//! What somebody set: which findings count, how much, and what rules need to know. Files and flags that say so are read elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::pragma::Pragmas;
use super::rule::Rule;
use crate::diagnostic::Severity;
use crate::dockerfile::Dockerfile;

/// Settings of one run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Rules that are not looked for.
    pub ignored: BTreeSet<String>,
    /// Severities of rules, also of those that are off by themselves.
    pub severities: BTreeMap<String, Severity>,
    /// Registries that bases may come from, `*` at one end allowed; all, where there is none.
    pub trusted_registries: Vec<String>,
    /// Images that bases may be, `*` standing for any text; all, where there is none.
    pub approved_bases: Vec<String>,
    /// Labels that images must have, with the type of their values.
    pub label_schema: BTreeMap<String, LabelType>,
    /// Whether images may have labels of the schema only.
    pub has_strict_labels: bool,
    /// Whether comments in files can't hide findings.
    pub are_pragmas_off: bool,
    /// What no file, no comment and no other setting can change.
    pub policy: Policy,
}

/// What an organisation demands of every file.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rules that can't be ignored or made milder.
    pub enforced: Enforced,
    /// Severities of rules.
    pub severities: BTreeMap<String, Severity>,
}

/// Which rules can't be ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforced {
    /// These.
    Rules(BTreeSet<String>),
    /// All that are on.
    All,
}

impl Default for Enforced {
    fn default() -> Self {
        Self::Rules(BTreeSet::new())
    }
}

/// What a label's value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelType {
    /// Anything but nothing.
    Text,
    /// A URL.
    Url,
    /// A time as in RFC 3339.
    Time,
    /// An SPDX expression.
    Licence,
    /// A Git hash.
    Hash,
    /// A semantic version.
    Version,
    /// A mail address.
    Mail,
}

impl LabelType {
    /// The type that a settings file names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" | "rawText" => Self::Text,
            "url" => Self::Url,
            "rfc3339" => Self::Time,
            "spdx" => Self::Licence,
            "hash" => Self::Hash,
            "semver" => Self::Version,
            "email" => Self::Mail,
            _ => return None,
        })
    }

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Url => "URL",
            Self::Time => "time of RFC 3339",
            Self::Licence => "SPDX expression",
            Self::Hash => "Git hash",
            Self::Version => "semantic version",
            Self::Mail => "mail address",
        }
    }
}

impl Policy {
    fn enforces(&self, id: &str) -> bool {
        match &self.enforced {
            Enforced::Rules(rules) => rules.contains(id),
            Enforced::All => true,
        }
    }
}

impl Settings {
    /// How bad a finding of `rule` is. `None`: it is not looked for.
    fn severity(&self, rule: &Rule) -> Option<Severity> {
        let of = |severities: &BTreeMap<String, Severity>| severities.get(rule.id).copied();
        let by_policy = of(&self.policy.severities);
        if self.policy.enforces(rule.id) {
            return by_policy.or(rule.is_on.then_some(rule.severity));
        }
        by_policy.or_else(|| of(&self.severities)).or(rule.is_on.then_some(rule.severity))
    }
}

/// Leaves the findings that count, with the severity that they have.
pub(super) fn judge(
    found: Vec<(&'static Rule, Finding)>,
    file: &Dockerfile,
    settings: &Settings,
    pragmas: &Pragmas,
) -> Vec<Finding> {
    let judged = found.into_iter().filter_map(|(rule, mut finding)| {
        finding.severity = settings.severity(rule)?;
        if pragmas.makes_error(rule.id) {
            finding.severity = Severity::Error;
        }
        let line = file.line(finding.instruction.start);
        let by_file = !settings.are_pragmas_off && pragmas.ignores(rule.id, line);
        let is_ignored = settings.ignored.contains(rule.id) || by_file;
        (settings.policy.enforces(rule.id) || !is_ignored).then_some(finding)
    });
    judged.collect()
}
