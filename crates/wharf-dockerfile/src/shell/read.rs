//! The reader: where it stands in the text, blanks and comments, and the outermost grammar (lists, pipelines).

use super::{Command, Connector, Error, MAX_DEPTH, Pipeline, Problem, Script, Statement};
use crate::span::Span;

/// Words that close something, or go on in it. They end a list of commands.
const CLOSERS: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// A here-document whose text begins after the end of the line.
pub(super) struct Pending {
    /// The line that ends it.
    pub(super) delimiter: String,
    /// `<<-`: leading tabs go.
    pub(super) is_stripped: bool,
}

/// Reads one text from left to right.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    pub(super) pending: Vec<Pending>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, pending: Vec::new() }
    }

    /// A reader of a text that was taken out of this one, from `at` on: as deep as this one.
    pub(super) fn inner<'i>(&self, text: &'i str, at: usize) -> Reader<'i> {
        Reader { text, at, depth: self.depth, pending: Vec::new() }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The character here; a NUL at the end.
    pub(super) fn character(&self) -> char {
        self.rest().chars().next().unwrap_or_default()
    }

    /// Goes on by one character.
    pub(super) fn bump(&mut self) {
        self.at += self.character().len_utf8().min(self.text.len() - self.at);
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let is_here = self.rest().starts_with(sign);
        if is_here {
            self.at += sign.len();
        }
        is_here
    }

    pub(super) fn expects(&mut self, sign: &'static str) -> Result<(), Error> {
        self.space();
        if self.takes(sign) {
            return Ok(());
        }
        let problem = if self.peek().is_none() { Problem::Unclosed(sign) } else { Problem::Expected(sign) };
        Err(self.error(problem))
    }

    pub(super) fn error(&self, problem: Problem) -> Error {
        Error { at: self.at, problem }
    }

    pub(super) fn since(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// Runs `read` one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(Problem::TooDeep));
        }
        self.depth += 1;
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    /// Passes blanks, joined lines and a comment, but not the end of the line.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                Some(b'#') if self.is_at_word_start() => self.line(),
                _ => return,
            }
        }
    }

    fn is_at_word_start(&self) -> bool {
        self.at == 0
            || matches!(
                self.text.as_bytes()[self.at - 1],
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')'
            )
    }

    fn line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// Passes blanks, comments and ends of lines, and the text of here-documents that begins there.
    pub(super) fn space(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.end_of_line();
        }
    }

    /// Passes the end of a line, and the here-documents that were announced in it.
    fn end_of_line(&mut self) {
        self.at += 1;
        for pending in std::mem::take(&mut self.pending) {
            while self.at < self.text.len() {
                let from = self.at;
                self.line();
                let line = &self.text[from..self.at];
                self.at = (self.at + 1).min(self.text.len());
                let line = if pending.is_stripped { line.trim_start_matches('\t') } else { line };
                if line == pending.delimiter {
                    break;
                }
            }
        }
    }

    /// The word of [`CLOSERS`] that stands here.
    pub(super) fn closer(&self) -> Option<&'static str> {
        let word = self.bare_word();
        CLOSERS.into_iter().find(|closer| *closer == word)
    }

    /// The letters up to a blank or a sign: enough to tell reserved words.
    pub(super) fn bare_word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| b" \t\r\n;&|()<>\"'`$\\".contains(&byte)).unwrap_or(rest.len());
        let is_broken = rest.as_bytes().get(end).is_some_and(|byte| b"\"'`$\\".contains(byte));
        if is_broken { "" } else { &rest[..end] }
    }

    /// Passes a reserved word.
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let is_here = self.bare_word() == word;
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    pub(super) fn expects_word(&mut self, word: &'static str) -> Result<(), Error> {
        self.space();
        if self.takes_word(word) {
            return Ok(());
        }
        let problem = if self.peek().is_none() { Problem::Unclosed(word) } else { Problem::Expected(word) };
        Err(self.error(problem))
    }

    /// All of the text.
    pub(super) fn whole(mut self) -> Result<Script, Error> {
        let script = self.script()?;
        match self.peek() {
            None => Ok(script),
            Some(b')' | b'(') => Err(self.error(Problem::StrayParenthesis)),
            Some(_) if self.closer().is_some() => Err(self.error(Problem::UnexpectedWord)),
            Some(_) => Err(self.error(Problem::Unexpected(self.character()))),
        }
    }

    /// Statements up to the end, a closing sign or a closing word.
    pub(super) fn script(&mut self) -> Result<Script, Error> {
        let mut script = Script::default();
        loop {
            self.space();
            match self.peek() {
                None | Some(b')') => break,
                Some(b';') if !script.statements.is_empty() || self.peek_at(1) == Some(b';') => break,
                Some(_) if self.closer().is_some() => break,
                Some(_) => {}
            }
            let statement = self.statement()?;
            script.statements.push(statement);
            if !self.separator() {
                break;
            }
        }
        Ok(script)
    }

    /// Passes what separates two statements.
    fn separator(&mut self) -> bool {
        self.blanks();
        match self.peek() {
            Some(b'\n') => true,
            Some(b';') if !matches!(self.peek_at(1), Some(b';' | b'&')) => {
                self.at += 1;
                true
            }
            Some(_) => self.text[..self.at].trim_end().ends_with('&') && self.peek() != Some(b';'),
            None => false,
        }
    }

    fn statement(&mut self) -> Result<Statement, Error> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let connector = if self.takes("&&") {
                Connector::And
            } else if self.takes("||") {
                Connector::Or
            } else {
                break;
            };
            self.space();
            rest.push((connector, self.pipeline()?));
        }
        let is_background = self.peek() == Some(b'&') && self.takes("&");
        Ok(Statement { first, rest, is_background })
    }

    fn pipeline(&mut self) -> Result<Pipeline, Error> {
        let start = self.at;
        let mut is_negated = false;
        loop {
            if self.takes_word("!") {
                is_negated = !is_negated;
            } else if !self.takes_word("time") {
                break;
            }
            self.blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.rest().starts_with("||") || !(self.takes("|&") || self.takes("|")) {
                break;
            }
            self.space();
            commands.push(self.command()?);
        }
        let end = commands.last().map_or(self.at, |command| command.span().end);
        Ok(Pipeline { span: Span { start, end }, is_negated, commands })
    }
}

impl Statement {
    /// All pipelines, in order.
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }
}

impl Command {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Simple(simple) => simple.span,
            Self::Compound(compound) => compound.span,
        }
    }
}
