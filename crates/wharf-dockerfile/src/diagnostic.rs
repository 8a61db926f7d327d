//! What is wrong with a file, where, and how it is shown: file, line, column, the source with a mark, a hint.

use crate::span::{Lines, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A matter of taste.
    Style,
    /// Worth knowing.
    Info,
    /// Probably not what was meant.
    Warning,
    /// The file can't be built like this.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What, in a sentence without a full stop.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

/// More than so many diagnostics of one file help nobody.
pub(crate) const DIAGNOSTICS: usize = 1000;

/// So much of a source line is shown.
const SHOWN: usize = 160;

impl Diagnostic {
    /// Something that keeps the file from being built.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, span, message: message.into(), hint: None }
    }

    /// Something that is probably not what was meant.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The diagnostic as people read it. `source` must be the text that it is about; `name` is that text's name.
    ///
    /// ```text
    /// Dockerfile:2:1: error: unknown instruction `RUNN`
    ///   |
    /// 2 | RUNN true
    ///   | ^^^^
    ///   = did you mean `RUN`?
    /// ```
    pub fn render(&self, name: &str, source: &str) -> String {
        self.render_in(name, source, &Lines::of(source))
    }

    pub(crate) fn render_in(&self, name: &str, source: &str, lines: &Lines) -> String {
        let position = lines.position(source, self.span.start);
        let line = lines.span(source, position.line);
        let content = source.get(line.start..line.end).unwrap_or_default();
        let (shown, skipped) = window(content, position.column - 1);
        let before = position.column - 1 - skipped;
        let marked = source.get(self.span.start..self.span.end.min(line.end)).unwrap_or_default();
        let width = marked.chars().count().clamp(1, shown.chars().count().saturating_sub(before).max(1));

        let number = position.line.to_string();
        let margin = " ".repeat(number.len());
        let indent: String = shown.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mut out =
            format!("{name}:{number}:{}: {}: {}\n", position.column, self.severity.as_str(), visible(&self.message));
        let marks = "^".repeat(width);
        let shown = visible(&shown);
        out.push_str(&format!("{margin} |\n{number} | {shown}\n{margin} | {indent}{marks}\n"));
        if let Some(hint) = &self.hint {
            out.push_str(&format!("{margin} = {}\n", visible(hint)));
        }
        out
    }
}

/// The part of a line that is shown for a mark at `column` (from 0), and how many characters stand before it.
fn window(line: &str, column: usize) -> (String, usize) {
    let skipped = if column < SHOWN { 0 } else { column - SHOWN / 2 };
    (line.chars().skip(skipped).take(SHOWN).collect(), skipped)
}

/// Text of a stranger, without what a terminal would obey.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_what_it_is_about() {
        let source = "FROM debian\n\tRÜN true\n";
        let diagnostic = Diagnostic::error(Span::new(13, 17), "unknown instruction `RÜN`")
            .hint(Some("did you mean `RUN`?".to_owned()));
        let shown = diagnostic.render("Dockerfile", source);
        let expected = "Dockerfile:2:2: error: unknown instruction `RÜN`\n  |\n2 | \tRÜN true\n  | \t^^^\n  = did you mean `RUN`?\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark_and_controls_are_not_passed_on() {
        let source = format!("{}\u{1b}[2J{}", "a".repeat(1000), "b".repeat(1000));
        let shown = Diagnostic::warning(Span::new(1000, 1001), "x\u{7}").render("f", &source);
        assert!(shown.len() < 600 && !shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
        assert!(shown.starts_with("f:1:1001: warning: "), "{shown}");
    }

    #[test]
    fn a_place_at_the_end_of_the_file_is_shown() {
        let shown = Diagnostic::error(Span::new(0, 0), "no instruction").render("f", "");
        assert_eq!(shown, "f:1:1: error: no instruction\n  |\n1 | \n  | ^\n");
    }
}
