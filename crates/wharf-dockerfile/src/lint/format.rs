//! Findings as text for people and as documents for tools.

mod checkstyle;
mod codeclimate;
mod github;
mod json;
mod junit;
mod sarif;
mod text;

use super::finding::Finding;
use crate::diagnostic::Severity;
use crate::dockerfile::Dockerfile;
use crate::span::Position;

/// What was found in one file.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file's name, as it is shown.
    pub name: String,
    /// The file.
    pub file: Dockerfile,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

/// How findings are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people: each finding with the line that it is about.
    #[default]
    Text,
    /// One array of objects.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Checkstyle's XML.
    Checkstyle,
    /// JUnit's XML: a file is a test, and a finding a failure.
    Junit,
    /// GitLab's and Code Climate's JSON.
    Codeclimate,
    /// Commands that GitHub's runner shows beside the lines.
    Github,
}

impl Format {
    /// The formats by their names.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("sarif", Self::Sarif),
        ("checkstyle", Self::Checkstyle),
        ("junit", Self::Junit),
        ("codeclimate", Self::Codeclimate),
        ("github", Self::Github),
    ];

    /// Writes reports down.
    pub fn render(self, reports: &[Report]) -> String {
        match self {
            Self::Text => text::render(reports),
            Self::Json => json::render(reports),
            Self::Sarif => sarif::render(reports),
            Self::Checkstyle => checkstyle::render(reports),
            Self::Junit => junit::render(reports),
            Self::Codeclimate => codeclimate::render(reports),
            Self::Github => github::render(reports),
        }
    }
}

impl Report {
    fn start(&self, finding: &Finding) -> Position {
        self.file.position(finding.span.start)
    }

    /// The place behind the last character.
    fn end(&self, finding: &Finding) -> Position {
        self.file.position(finding.span.end.max(finding.span.start))
    }

    /// The line in which the finding's instruction begins: what hadolint calls the finding's line.
    fn instruction_line(&self, finding: &Finding) -> usize {
        self.file.line(finding.instruction.start)
    }
}

/// Each finding with its file's report.
fn findings(reports: &[Report]) -> impl Iterator<Item = (&Report, &Finding)> {
    reports.iter().flat_map(|report| report.findings.iter().map(move |finding| (report, finding)))
}

/// Text for XML, without what XML can't hold.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The word that checkstyle and others use.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Style | Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
