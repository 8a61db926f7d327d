//! From a text to its tree: directives, comments, continued lines, heredocs. What an instruction says is read in
//! [`crate::instruction`].

use crate::diagnostic::{DIAGNOSTICS, Diagnostic, Severity};
use crate::directive::{Directive, DirectiveName, Escape, is_builtin_syntax};
use crate::dockerfile::Dockerfile;
use crate::heredoc::{Heredoc, Opening, openings};
use crate::instruction::{Instruction, InstructionKind, KEYWORDS, Onbuild, Reading, read};
use crate::span::{Lines, Span, Spanned};
use crate::text::Text;
use crate::word::{Json, json};

/// Reads a Dockerfile. There is a tree for every text, and errors are part of it.
///
/// ```
/// let dockerfile = wharf_dockerfile::parse("FROM debian:13\nRUNN true\n");
/// assert_eq!(dockerfile.diagnostics[0].message, "unknown instruction `RUNN`");
/// assert_eq!(dockerfile.stages().len(), 1);
/// ```
pub fn parse(text: &str) -> Dockerfile {
    let mut parser = Parser::new(text);
    parser.file();
    parser.finish()
}

/// Reads what the config of an image keeps of an ONBUILD: one instruction.
pub fn parse_trigger(text: &str) -> Result<Instruction, Diagnostic> {
    let mut parser = Parser::new(text);
    parser.file();
    if let Some(error) = parser.diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(error);
    }
    let one = parser.instructions.pop().filter(|_| parser.instructions.is_empty());
    one.ok_or_else(|| Diagnostic::error(Span::new(0, text.len()), "a trigger of ONBUILD is one instruction"))
}

/// Reads a Dockerfile of any bytes. Those that are no UTF-8 are errors, and stand in the tree as `\u{fffd}`.
pub fn parse_bytes(bytes: &[u8]) -> Dockerfile {
    let mut dockerfile = parse(&String::from_utf8_lossy(bytes));
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        let diagnostic = Diagnostic::error(Span::new(at, at + '\u{fffd}'.len_utf8()), "the file is no UTF-8 here");
        dockerfile.diagnostics.insert(0, diagnostic);
    }
    dockerfile
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    escape: Escape,
    directives: Vec<Directive>,
    /// Whether directives may still come.
    in_head: bool,
    comments: Vec<Spanned<String>>,
    instructions: Vec<Instruction>,
    diagnostics: Vec<Diagnostic>,
}

/// A line of the file, without its end.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

/// The lines of one instruction, joined.
#[derive(Default)]
struct Joined {
    text: Text,
    inner_comments: Vec<Spanned<String>>,
    empty_lines: Vec<Span>,
}

impl<'a> Line<'a> {
    fn without_indent(self) -> Self {
        let text = self.text.trim_start();
        Self { text, start: self.start + (self.text.len() - text.len()) }
    }

    fn comment(self) -> Option<Spanned<String>> {
        let line = self.without_indent();
        let text = line.text.starts_with('#').then(|| line.text.trim_end())?;
        Some(Spanned::new(text.to_owned(), Span::new(line.start, line.start + text.len())))
    }

    /// The line without the escape character that continues it; whether there was one. Two of them are no continuation.
    fn continued(self, escape: Escape) -> (&'a str, bool) {
        let escape = escape.character();
        let trimmed = self.text.trim_end_matches([' ', '\t']);
        match trimmed.strip_suffix(escape) {
            Some(before) if !before.ends_with(escape) => (before, true),
            _ => (self.text, false),
        }
    }
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            at: if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
            escape: Escape::default(),
            directives: Vec::new(),
            in_head: true,
            comments: Vec::new(),
            instructions: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// The next line, with its end.
    fn raw_line(&mut self) -> Option<&'a str> {
        let rest = &self.source[self.at..];
        let line = rest.split_inclusive('\n').next()?;
        self.at += line.len();
        Some(line)
    }

    fn next_line(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        self.raw_line().map(|line| Line { text: line.trim_end_matches(['\r', '\n']), start })
    }

    fn file(&mut self) {
        while let Some(line) = self.next_line() {
            let line = line.without_indent();
            if let Some(comment) = line.comment() {
                if !self.directive(line) {
                    self.in_head = false;
                    self.comments.push(comment);
                }
                continue;
            }
            self.in_head = false;
            if !line.text.is_empty() {
                self.instruction(line);
            }
        }
    }

    /// Takes the line as a directive, if it is one.
    fn directive(&mut self, line: Line<'_>) -> bool {
        let directive = self.in_head.then(|| Directive::parse(line.text, line.start)).flatten();
        let Some(directive) = directive else { return false };
        let name = directive.name.as_str();
        if self.directives.iter().any(|other| other.name == directive.name) {
            self.diagnostics.push(Diagnostic::error(directive.span, format!("directive `{name}` stands there twice")));
            return true;
        }
        match (directive.name, directive.value.as_str()) {
            (DirectiveName::Escape, "\\") => self.escape = Escape::Backslash,
            (DirectiveName::Escape, "`") => self.escape = Escape::Backtick,
            (DirectiveName::Escape, other) => {
                let message = format!("`{other}` can't be the escape character; there are `\\` and `` ` ``");
                self.diagnostics.push(Diagnostic::error(directive.value.span, message));
            }
            (DirectiveName::Syntax, other) if !is_builtin_syntax(other) => {
                let message = format!("frontend `{other}` can't be run: the file is read as docker's own syntax");
                self.diagnostics.push(Diagnostic::warning(directive.value.span, message));
            }
            (DirectiveName::Syntax | DirectiveName::Check, _) => {}
        }
        self.directives.push(directive);
        true
    }

    fn instruction(&mut self, first: Line<'a>) {
        let joined = self.joined(first);
        let text = joined.text.trimmed();
        let comments = std::mem::take(&mut self.comments);
        if text.is_empty() {
            let span = Span::new(first.start, first.start + first.text.len());
            self.diagnostics.push(Diagnostic::error(span, "a line is continued, but there is no instruction"));
            self.comments = comments;
            return;
        }
        let heredocs = self.heredocs(&text);
        let end = heredocs.last().map_or(text.whole().end, |_| self.trimmed_end());
        let mut instruction = self.typed(&text, heredocs, end);
        instruction.comments = comments;
        instruction.inner_comments = joined.inner_comments;
        instruction.empty_lines = joined.empty_lines;
        self.instructions.push(instruction);
        self.diagnostics.truncate(DIAGNOSTICS);
    }

    /// The end of the line that was read last.
    fn trimmed_end(&self) -> usize {
        self.source[..self.at].trim_end_matches(['\r', '\n']).len()
    }

    fn joined(&mut self, first: Line<'a>) -> Joined {
        let mut joined = Joined::default();
        let (text, mut goes_on) = first.continued(self.escape);
        joined.text.push(text, first.start);
        while goes_on {
            let Some(line) = self.next_line() else { break };
            if let Some(comment) = line.comment() {
                joined.inner_comments.push(comment);
            } else if line.text.trim().is_empty() {
                joined.empty_lines.push(Span::new(line.start, line.start + line.text.len()));
            } else {
                let (text, more) = line.continued(self.escape);
                joined.text.push(text, line.start);
                goes_on = more;
            }
        }
        joined
    }

    /// Takes the lines of the heredocs that the instruction opens.
    fn heredocs(&mut self, text: &Text) -> Vec<Heredoc> {
        if !can_have_heredocs(text, self.escape) {
            return Vec::new();
        }
        openings(text).into_iter().map(|opening| self.heredoc(opening)).collect()
    }

    fn heredoc(&mut self, opening: Spanned<Opening>) -> Heredoc {
        let start = self.at;
        let mut end = start;
        let mut terminated = false;
        while let Some(line) = self.raw_line() {
            if Heredoc::ends_at(&opening, line) {
                terminated = true;
                break;
            }
            end = self.at;
        }
        if !terminated {
            let message = format!("heredoc `{}` has no end", opening.written);
            let hint = format!("end it with a line `{}`", opening.name);
            self.diagnostics.push(Diagnostic::error(opening.span, message).hint(Some(hint)));
        }
        let content = Spanned::new(self.source[start..end].to_owned(), Span::new(start, end));
        Heredoc { opening, content }
    }

    /// Gives the instruction its type; ONBUILD's holds another instruction.
    fn typed(&mut self, text: &Text, heredocs: Vec<Heredoc>, end: usize) -> Instruction {
        let mut reading = Reading::cut(text, self.escape, &mut self.diagnostics);
        reading.heredocs = heredocs;
        let keyword = reading.keyword.clone();
        let arguments = reading.arguments.clone();
        let kind = if reading.name() == "ONBUILD" { onbuild(reading, end) } else { read(reading) };
        let kind = kind.unwrap_or_else(|diagnostic| {
            self.diagnostics.push(diagnostic);
            InstructionKind::Invalid(arguments)
        });
        instruction(keyword, text.clone(), kind, end)
    }

    fn finish(mut self) -> Dockerfile {
        self.judge();
        self.diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        self.diagnostics.truncate(DIAGNOSTICS);
        Dockerfile {
            lines: Lines::of(self.source),
            source: self.source.to_owned(),
            directives: self.directives,
            escape: self.escape,
            instructions: self.instructions,
            trailing_comments: self.comments,
            diagnostics: self.diagnostics,
        }
    }

    /// What is wrong with the order of the instructions.
    fn judge(&mut self) {
        let end = Span::new(self.source.len(), self.source.len());
        if self.instructions.is_empty() {
            self.diagnostics.push(Diagnostic::error(end, "the file has no instruction"));
            return;
        }
        let is_from = |instruction: &&Instruction| matches!(instruction.kind, InstructionKind::From(_));
        let Some(first) = self.instructions.iter().position(|instruction| is_from(&instruction)) else {
            if self.diagnostics.is_empty() {
                self.diagnostics.push(Diagnostic::error(end, "the file has no stage: it needs a `FROM`"));
            }
            return;
        };
        let early = self.instructions[..first].iter();
        let early = early.filter(|i| !matches!(i.kind, InstructionKind::Arg(_) | InstructionKind::Invalid(_)));
        let message =
            |i: &Instruction| format!("{} stands before the first `FROM`, where only ARG may stand", i.name());
        self.diagnostics.extend(early.map(|i| Diagnostic::error(i.keyword.span, message(i))).collect::<Vec<_>>());
    }
}

fn instruction(keyword: Spanned<String>, text: Text, kind: InstructionKind, end: usize) -> Instruction {
    Instruction {
        span: Span::new(keyword.span.start, end.max(keyword.span.end)),
        keyword,
        text,
        comments: Vec::new(),
        inner_comments: Vec::new(),
        empty_lines: Vec::new(),
        kind,
    }
}

/// RUN, COPY and ADD have heredocs, also behind ONBUILD, but not in their JSON form.
fn can_have_heredocs(text: &Text, escape: Escape) -> bool {
    if !text.as_str().contains("<<") {
        return false;
    }
    let mut ignored = Vec::new();
    let outer = Reading::cut(text, escape, &mut ignored);
    let mut again = Vec::new();
    let inner = if outer.name() == "ONBUILD" { Reading::cut(&outer.arguments, escape, &mut again) } else { outer };
    matches!(inner.name().as_str(), "RUN" | "COPY" | "ADD") && json(&inner.arguments) == Json::Not
}

fn onbuild(reading: Reading<'_>, end: usize) -> Result<InstructionKind, Diagnostic> {
    let Reading { keyword, flags, arguments, heredocs, escape, diagnostics } = reading;
    crate::flag::Flags::check(flags, "ONBUILD", &[], diagnostics);
    if arguments.is_empty() {
        return Err(Diagnostic::error(keyword.span, "ONBUILD needs an instruction"));
    }
    let mut inner = Reading::cut(&arguments, escape, diagnostics);
    let name = inner.name();
    if matches!(name.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
        return Err(Diagnostic::error(inner.keyword.span, format!("{name} can't stand behind ONBUILD")));
    }
    let mut expression = arguments.as_str().to_owned();
    for heredoc in &heredocs {
        expression.push('\n');
        expression.push_str(&heredoc.content);
        expression.push_str(&heredoc.opening.name);
    }
    inner.heredocs = heredocs;
    let keyword = inner.keyword.clone();
    let kind = read(inner)?;
    let trigger = instruction(keyword, arguments, kind, end);
    Ok(InstructionKind::Onbuild(Box::new(Onbuild { trigger, expression })))
}

/// Whether `word` is a keyword, in capitals or not.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}
