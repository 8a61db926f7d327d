//! What RUN, CMD, ENTRYPOINT and HEALTHCHECK run: a list of words, or a line for the shell.

use crate::diagnostic::Diagnostic;
use crate::span::{Span, Spanned};
use crate::text::Text;
use crate::word::{Json, json};

/// A command in one of its two forms. Neither is expanded: variables are the shell's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A JSON array: the program and its arguments.
    Exec(Vec<Spanned<String>>),
    /// Anything else: a line for the shell.
    Shell(Text),
}

impl CommandLine {
    /// Reads trimmed arguments.
    pub(crate) fn parse(arguments: &Text) -> Result<Self, Diagnostic> {
        match json(arguments) {
            Json::Strings(words) => Ok(Self::Exec(words)),
            Json::Not => Ok(Self::Shell(arguments.clone())),
            Json::OtherArray(span) => Err(not_strings(span)),
        }
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Exec(words) => words.is_empty(),
            Self::Shell(text) => text.is_empty(),
        }
    }
}

/// The complaint about a JSON array of something else than strings.
pub(crate) fn not_strings(span: Span) -> Diagnostic {
    Diagnostic::error(span, "a JSON array of an instruction holds strings only")
}
