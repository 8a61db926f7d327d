//! What a rule found, and how it can be mended.

use super::rule::Rule;
use crate::diagnostic::Severity;
use crate::instruction::Instruction;
use crate::span::Span;

/// One thing that a rule found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule's id; of a rule that somebody else wrote, that rule's.
    pub id: String,
    /// How bad it is, after settings.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// The instruction that it is in, from its first byte: other linters name its line.
    pub instruction: Span,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// How to mend it, where that is safe.
    pub fix: Option<Fix>,
}

/// A change that mends a finding and changes nothing else of what the file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an order.
    pub title: String,
    /// Changes of different places.
    pub edits: Vec<Edit>,
}

/// New text for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Fix {
    /// A fix of one place.
    pub(super) fn replace(title: impl Into<String>, span: Span, text: impl Into<String>) -> Option<Self> {
        Some(Self { title: title.into(), edits: vec![Edit { span, text: text.into() }] })
    }

    /// A fix that puts text before a byte.
    pub(super) fn insert(title: impl Into<String>, at: usize, text: impl Into<String>) -> Option<Self> {
        Self::replace(title, Span::new(at, at), text)
    }
}

/// What was found so far. A finding more than [`MAX_FINDINGS`] is not kept: nobody reads them, and files are strangers'.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<(&'static Rule, Finding)>,
}

/// So many findings of one file are kept.
const MAX_FINDINGS: usize = 1000;

impl Findings {
    /// Notes that `rule` found something at `span` of `instruction`.
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        instruction: &Instruction,
        span: Span,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.push(rule, instruction.span, span, message.into())
    }

    /// Notes a finding that belongs to no instruction.
    pub(super) fn add_at(&mut self, rule: &'static Rule, span: Span, message: impl Into<String>) {
        self.push(rule, span, span, message.into());
    }

    fn push(&mut self, rule: &'static Rule, instruction: Span, span: Span, message: String) -> Added<'_> {
        if self.list.len() >= MAX_FINDINGS {
            return Added(None);
        }
        let finding =
            Finding { id: rule.id.to_owned(), severity: rule.severity, span, instruction, message, fix: None };
        self.list.push((rule, finding));
        Added(self.list.last_mut().map(|(_, finding)| finding))
    }

    /// All findings by their place.
    pub(super) fn into_sorted(mut self) -> Vec<(&'static Rule, Finding)> {
        self.list.sort_by(|(_, a), (_, b)| (a.span.start, a.span.end, &a.id).cmp(&(b.span.start, b.span.end, &b.id)));
        self.list
    }
}

/// A finding that was just noted.
pub(super) struct Added<'f>(Option<&'f mut Finding>);

impl Added<'_> {
    /// With a way to mend it, where there is one.
    pub(super) fn fix(self, fix: Option<Fix>) {
        if let Some(finding) = self.0 {
            finding.fix = fix;
        }
    }
}

/// The text with all fixes that do not touch one another; and how many were made.
pub fn apply(source: &str, findings: &[Finding]) -> (String, usize) {
    let mut fixes: Vec<&Fix> = findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    fixes.sort_by_key(|fix| fix.edits.first().map(|edit| edit.span));
    let mut taken: Vec<&Edit> = Vec::new();
    let mut made = 0;
    for fix in fixes {
        if fix.edits.iter().all(|edit| taken.iter().all(|other| is_apart(edit, other))) {
            taken.extend(&fix.edits);
            made += 1;
        }
    }
    taken.sort_by_key(|edit| edit.span);
    let mut text = String::with_capacity(source.len());
    let mut at = 0;
    for edit in taken {
        text.push_str(source.get(at..edit.span.start).unwrap_or_default());
        text.push_str(&edit.text);
        at = edit.span.end.max(at);
    }
    text.push_str(source.get(at..).unwrap_or_default());
    (text, made)
}

fn is_apart(one: &Edit, other: &Edit) -> bool {
    one.span.end < other.span.start || other.span.end < one.span.start
}
