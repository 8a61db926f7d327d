//! The tree of a file: directives, instructions, comments, and the stages that they form.

use std::fmt;

use crate::diagnostic::{Diagnostic, Severity};
use crate::directive::{Directive, DirectiveName, Escape};
use crate::instruction::{From, Instruction, InstructionKind};
use crate::span::{Lines, Position, Span, Spanned};

/// A Dockerfile. There is one for every text; what is wrong with it stands in [`Dockerfile::diagnostics`]. Two are equal
/// when they say the same, comments included.
#[derive(Clone)]
pub struct Dockerfile {
    pub(crate) source: String,
    pub(crate) lines: Lines,
    /// The directives at its head.
    pub directives: Vec<Directive>,
    /// The escape character.
    pub escape: Escape,
    /// All instructions, in their order.
    pub instructions: Vec<Instruction>,
    /// The comments after the last instruction.
    pub trailing_comments: Vec<Spanned<String>>,
    /// What is wrong, in the order of its places. At most a thousand.
    pub diagnostics: Vec<Diagnostic>,
}

/// One stage: a `FROM` and what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// Its number, from 0.
    pub index: usize,
    /// Its `FROM`.
    pub from: &'a From,
    /// The instruction that the `FROM` is.
    pub instruction: &'a Instruction,
    /// What follows, up to the next stage.
    pub instructions: &'a [Instruction],
}

impl Dockerfile {
    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Line and column of a byte of the text.
    pub fn position(&self, offset: usize) -> Position {
        self.lines.position(&self.source, offset)
    }

    /// The line of a byte of the text, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.lines.line(offset)
    }

    /// Where a line of the text stands, without its end.
    pub fn line_span(&self, line: usize) -> Span {
        self.lines.span(&self.source, line)
    }

    /// How many lines the text has.
    pub fn line_count(&self) -> usize {
        self.lines.count(&self.source)
    }

    /// The text at a place.
    pub fn text_at(&self, span: Span) -> &str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }

    /// All diagnostics as people read them; `name` is the file's name.
    pub fn render(&self, name: &str) -> String {
        self.diagnostics.iter().map(|diagnostic| diagnostic.render_in(name, &self.source, &self.lines)).collect()
    }

    /// The value of a directive.
    pub fn directive(&self, name: DirectiveName) -> Option<&Spanned<String>> {
        self.directives.iter().find(|directive| directive.name == name).map(|directive| &directive.value)
    }

    /// Whether nothing keeps it from being built, as far as the text alone can say.
    pub fn is_valid(&self) -> bool {
        self.errors().next().is_none()
    }

    /// What keeps it from being built.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// What stands before the first `FROM`: the arguments of the whole file.
    pub fn preamble(&self) -> &[Instruction] {
        let end = self.instructions.iter().position(is_from).unwrap_or(self.instructions.len());
        &self.instructions[..end]
    }

    /// The stages, in their order.
    pub fn stages(&self) -> Vec<Stage<'_>> {
        let starts = self.instructions.iter().enumerate().filter(|(_, instruction)| is_from(instruction));
        let mut starts = starts.map(|(at, _)| at).peekable();
        let mut stages = Vec::new();
        while let Some(start) = starts.next() {
            let end = starts.peek().copied().unwrap_or(self.instructions.len());
            let instruction = &self.instructions[start];
            if let InstructionKind::From(from) = &instruction.kind {
                let instructions = &self.instructions[start + 1..end];
                stages.push(Stage { index: stages.len(), from, instruction, instructions });
            }
        }
        stages
    }

    /// The stage that `name` stands for: a name, without regard to case, of which the last one counts, or a number.
    pub fn stage(&self, name: &str) -> Option<Stage<'_>> {
        let stages = self.stages();
        let named = stages.iter().rev().find(|stage| stage.is_named(name));
        named.or_else(|| name.parse::<usize>().ok().and_then(|index| stages.get(index))).copied()
    }
}

impl Stage<'_> {
    /// Whether the stage has this name.
    pub fn is_named(&self, name: &str) -> bool {
        self.from.name().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

fn is_from(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::From(_))
}

impl PartialEq for Dockerfile {
    fn eq(&self, other: &Self) -> bool {
        let directives = |file: &Self| file.directives.iter().map(|d| (d.name, d.value.clone())).collect::<Vec<_>>();
        directives(self) == directives(other)
            && self.instructions == other.instructions
            && self.trailing_comments == other.trailing_comments
    }
}

impl Eq for Dockerfile {}

impl fmt::Debug for Dockerfile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dockerfile")
            .field("directives", &self.directives)
            .field("instructions", &self.instructions)
            .field("trailing_comments", &self.trailing_comments)
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}
