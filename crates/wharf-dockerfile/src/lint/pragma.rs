//! What a file says about lint: `# hadolint ignore=…` before an instruction, `# hadolint global ignore=…`, `# hadolint shell=…`
//! anywhere, and the directive `# check=…` at its head.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::rule::Rule;
use super::subject::ShellInForce;
use crate::diagnostic::Severity::Warning;
use crate::directive::DirectiveName;
use crate::dockerfile::Dockerfile;
use crate::span::Span;

pub(super) const RULES: &[&[&Rule]] = &[&[&DL1001]];

const DL1001: Rule = Rule::new("DL1001", Warning, "Do not hide findings by a comment")
    .why("A comment hides a finding from everybody, and stays when its reason is gone. The rule is for those who want no such comments, and off unless it is asked for.")
    .examples("# hadolint ignore=DL3006\nFROM debian", "FROM debian:13")
    .off();

/// What the comments of a file say.
#[derive(Debug, Default)]
pub(super) struct Pragmas {
    /// Rules that are ignored in the instruction that begins in a line.
    lines: BTreeMap<usize, Vec<String>>,
    everywhere: Vec<String>,
    shell: Option<ShellInForce>,
    places: Vec<Span>,
    skipped: Vec<String>,
    are_errors: bool,
}

impl Pragmas {
    /// Reads the comments of a file.
    pub(super) fn read(file: &Dockerfile) -> Self {
        let mut pragmas = Self::default();
        let comments =
            file.instructions.iter().flat_map(|instruction| &instruction.comments).chain(&file.trailing_comments);
        for comment in comments {
            let text = comment.value.trim_start_matches('#').trim();
            let Some(text) = text.strip_prefix("hadolint").filter(|rest| rest.starts_with([' ', '\t'])) else {
                continue;
            };
            pragmas.hadolint(text.trim(), file.line(comment.span.start), comment.span);
        }
        if let Some(check) = file.directive(DirectiveName::Check) {
            pragmas.check_directive(check);
        }
        pragmas
    }

    fn hadolint(&mut self, text: &str, line: usize, span: Span) {
        let global = text.strip_prefix("global").map(str::trim_start);
        if let Some(ids) = global.unwrap_or(text).strip_prefix("ignore").and_then(value).and_then(ids) {
            self.places.push(span);
            match global {
                Some(_) => self.everywhere.extend(ids),
                None => self.lines.entry(line + 1).or_default().extend(ids),
            }
        } else if let Some(name) = text.strip_prefix("shell").and_then(value) {
            self.shell.get_or_insert_with(|| ShellInForce::named(name));
        }
    }

    /// `skip=A,B;error=true`
    fn check_directive(&mut self, text: &str) {
        for option in text.split(';') {
            match option.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some(("skip", value)) => self.skipped.extend(value.split(',').map(|id| id.trim().to_ascii_lowercase())),
                Some(("error", value)) => self.are_errors = value.eq_ignore_ascii_case("true") || value == "1",
                _ => {}
            }
        }
    }

    /// The shell of the bases.
    pub(super) fn shell(&self) -> Option<ShellInForce> {
        self.shell.clone()
    }

    /// Whether the file hides a rule's findings in the instruction that begins in `line`.
    pub(super) fn ignores(&self, id: &str, line: usize) -> bool {
        let is_listed = |ids: &[String]| ids.iter().any(|other| other == id);
        let is_skipped =
            is_check(id) && self.skipped.iter().any(|skipped| skipped == "all" || skipped.eq_ignore_ascii_case(id));
        is_skipped || is_listed(&self.everywhere) || self.lines.get(&line).is_some_and(|ids| is_listed(ids))
    }

    /// Whether the file wants findings of a rule to be errors.
    pub(super) fn makes_error(&self, id: &str) -> bool {
        self.are_errors && is_check(id)
    }

    /// Notes the comments that hide something.
    pub(super) fn check(&self, findings: &mut Findings) {
        for place in &self.places {
            findings.add_at(&DL1001, *place, "this comment hides findings");
        }
    }
}

/// Whether an id is one of BuildKit's, which have no digits.
fn is_check(id: &str) -> bool {
    !id.contains(|c: char| c.is_ascii_digit())
}

fn value(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('=').map(str::trim)
}

/// Ids between commas. Anything else makes a comment that is no order.
fn ids(text: &str) -> Option<Vec<String>> {
    text.split(',')
        .map(|id| {
            Some(id.trim())
                .filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()))
                .map(str::to_owned)
        })
        .collect()
}
