//! What a rule is, and the list of all.

use super::finding::Findings;
use super::subject::Subject;
use super::{checks, dl, pragma, sc, wf};
use crate::diagnostic::Severity;

/// A rule: its id and what people should know about it. Each has a page that is made of this.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The id by which settings and comments name it.
    pub id: &'static str,
    /// How bad it is unless settings say otherwise.
    pub severity: Severity,
    /// Whether it is looked for unless settings say otherwise.
    pub is_on: bool,
    /// What it demands, as an order without a full stop.
    pub title: &'static str,
    /// Why.
    pub why: &'static str,
    /// A file, or a part of one, in which it finds something.
    pub bad: &'static str,
    /// The same without a finding.
    pub good: &'static str,
}

impl Rule {
    pub(super) const fn new(id: &'static str, severity: Severity, title: &'static str) -> Self {
        Self { id, severity, is_on: true, title, why: "", bad: "", good: "" }
    }

    /// Its page, in Markdown.
    pub fn page(&self) -> String {
        let Self { id, title, why, bad, good, .. } = self;
        let severity = self.severity.as_str();
        let severity =
            if self.is_on { severity.to_owned() } else { format!("{severity}, off unless settings ask for it") };
        let shown = |text: &str| format!("```dockerfile\n{text}\n```\n");
        format!(
            "# {id}: {title}\n\nSeverity: {severity}.\n\n{why}\n\n## Bad\n\n{}\n## Good\n\n{}",
            shown(bad),
            shown(good)
        )
    }

    pub(super) const fn off(self) -> Self {
        Self { is_on: false, ..self }
    }

    pub(super) const fn why(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    pub(super) const fn examples(self, bad: &'static str, good: &'static str) -> Self {
        Self { bad, good, ..self }
    }
}

/// Lists of rules, by family.
const FAMILIES: [&[&[&Rule]]; 5] = [pragma::RULES, dl::RULES, checks::RULES, sc::RULES, wf::RULES];

/// All rules.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    std::iter::once(&DL1000).chain(FAMILIES.into_iter().flatten().copied().flatten().copied())
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// What keeps the file from being built is a finding, too.
pub(super) const DL1000: Rule = Rule::new("DL1000", Severity::Error, "Write a file that can be built")
    .why("A builder refuses this file: an instruction that there is not, arguments that an instruction does not take, or a quote that nothing ends.")
    .examples("FROM debian:13\nRUNN make", "FROM debian:13\nRUN make");

/// Notes what the parser could not take.
pub(super) fn syntax(subject: &Subject<'_>, findings: &mut Findings) {
    for diagnostic in subject.file.errors() {
        let message = match &diagnostic.hint {
            Some(hint) => format!("{}; {hint}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        findings.add_at(&DL1000, diagnostic.span, message);
    }
}
