//! Simple commands: assignments, words, redirections; and which command stands here.

use super::read::{Pending, Reader};
use super::word::Within;
use super::{Assignment, Command, Error, Part, PartKind, Problem, Redirect, Simple, Word};

/// Redirection operators, longer ones first.
const REDIRECTS: [&str; 12] = ["&>>", "<<<", "<<-", "&>", ">>", ">|", ">&", "<<", "<&", "<>", ">", "<"];

impl Reader<'_> {
    /// The command that stands here.
    pub(super) fn command(&mut self) -> Result<Command, Error> {
        self.blanks();
        if let Some(compound) = self.deeper(Self::compound)? {
            return Ok(Command::Compound(compound));
        }
        match self.peek() {
            None | Some(b'\n') => return Err(self.error(Problem::NoCommand)),
            Some(b';' | b'|' | b')') => return Err(self.error(Problem::Unexpected(self.character()))),
            Some(b'&') if self.peek_at(1) != Some(b'>') => return Err(self.error(Problem::Unexpected('&'))),
            Some(_) if self.closer().is_some() => return Err(self.error(Problem::UnexpectedWord)),
            Some(_) => {}
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<Command, Error> {
        let start = self.at();
        let mut simple =
            Simple { span: self.since(start), assignments: Vec::new(), words: Vec::new(), redirects: Vec::new() };
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
            } else if let Some(assignment) = self.assignment_before(&simple)? {
                simple.assignments.push(assignment);
            } else if let Some(word) = self.word(Within::Command)? {
                simple.words.push(word);
            } else if self.peek() == Some(b'(') {
                return self.parenthesis(start, simple);
            } else {
                break;
            }
            simple.span = self.since(start);
        }
        Ok(Command::Simple(simple))
    }

    /// `name(`: a function, or nothing that could stand here.
    fn parenthesis(&mut self, start: usize, simple: Simple) -> Result<Command, Error> {
        let name = match simple.words.as_slice() {
            [word] if simple.assignments.is_empty() && simple.redirects.is_empty() => word.literal(),
            _ => None,
        };
        // With a blank before it and something in it, it was not meant to make a function.
        let is_apart = simple.span.end < self.at();
        let is_empty = self.rest()[1..].trim_start().starts_with(')');
        match name.filter(|_| is_empty || !is_apart) {
            Some(name) => self.deeper(|reader| reader.function(start, name, false)).map(Command::Compound),
            None => Err(self.error(Problem::StrayParenthesis)),
        }
    }

    /// A redirection, with its number.
    pub(super) fn redirect(&mut self) -> Result<Option<Redirect>, Error> {
        let start = self.at();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let sign = self.peek_at(digits);
        let is_redirect = matches!(sign, Some(b'<' | b'>')) && self.peek_at(digits + 1) != Some(b'(');
        let is_both = digits == 0 && sign == Some(b'&') && self.peek_at(1) == Some(b'>');
        if !(is_redirect || is_both) {
            return Ok(None);
        }
        self.go_to(start + digits);
        let Some(operator) = REDIRECTS.into_iter().find(|operator| self.rest().starts_with(operator)) else {
            return Ok(None);
        };
        self.go_to(self.at() + operator.len());
        self.blanks();
        let target = self.word(Within::Command)?.ok_or_else(|| self.error(Problem::Expected("a file's name")))?;
        if operator == "<<" || operator == "<<-" {
            self.pending.push(Pending { delimiter: target.unquoted(), is_stripped: operator == "<<-" });
        }
        let descriptor = (digits > 0).then(|| self.text()[start..start + digits].to_owned());
        Ok(Some(Redirect { span: self.since(start), operator, descriptor, target }))
    }

    /// An assignment, where no word came yet, or to a builtin that declares.
    fn assignment_before(&mut self, simple: &Simple) -> Result<Option<Assignment>, Error> {
        let is_array_argument = || {
            simple
                .name()
                .is_some_and(|name| ["declare", "local", "export", "readonly", "typeset"].contains(&name.as_str()))
        };
        let Some((name, length)) = self.assigned() else { return Ok(None) };
        let opens_array = self.peek_at(length) == Some(b'(');
        if !(simple.words.is_empty() || (opens_array && is_array_argument())) {
            return Ok(None);
        }
        let start = self.at();
        self.go_to(start + length);
        let value = if opens_array { self.array()? } else { self.word(Within::Command)?.into_iter().collect() };
        Ok(Some(Assignment { span: self.since(start), name, value, is_array: opens_array }))
    }

    /// The variable that is assigned to here, and how far it is to the value.
    fn assigned(&self) -> Option<(String, usize)> {
        let rest = self.rest();
        let name = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .filter(|length| *length > 0)?;
        if rest.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        let mut length = name;
        if rest[length..].starts_with('[') {
            length += rest[length..].find([']', ' ', '\n']).filter(|end| rest.as_bytes()[length + end] == b']')? + 1;
        }
        if rest[length..].starts_with('+') {
            length += 1;
        }
        rest[length..].starts_with('=').then(|| (rest[..name].to_owned(), length + 1))
    }

    fn array(&mut self) -> Result<Vec<Word>, Error> {
        let opened = self.at();
        self.bump();
        let mut words = Vec::new();
        loop {
            self.space();
            if self.takes(")") {
                return Ok(words);
            }
            match self.word(Within::Command)? {
                Some(word) => words.push(word),
                None if self.peek().is_none() => return Err(Error { at: opened, problem: Problem::Unclosed(")") }),
                None => return Err(self.error(Problem::Unexpected(self.character()))),
            }
        }
    }
}

impl Simple {
    /// The command's name, if it is plain text.
    pub fn name(&self) -> Option<String> {
        self.words.first().and_then(Word::literal)
    }
}

impl Word {
    /// The word's text, if nothing in it is expanded.
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        literal(&self.parts, &mut text).then_some(text)
    }

    /// The word's text without its quotes; what would be expanded stands as `${…}`.
    pub fn unquoted(&self) -> String {
        let mut text = String::new();
        unquoted(&self.parts, &mut text);
        text
    }

    /// The whole word stands in quotes of one sort, or has none: it is one piece.
    pub fn is_quoted(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part.kind, PartKind::Single(_) | PartKind::AnsiC(_) | PartKind::Double(_)))
    }
}

fn literal(parts: &[Part], text: &mut String) -> bool {
    parts.iter().all(|part| match &part.kind {
        PartKind::Literal(piece) | PartKind::Single(piece) | PartKind::AnsiC(piece) => {
            text.push_str(piece);
            true
        }
        PartKind::Escaped(character) => {
            text.push(*character);
            true
        }
        PartKind::Double(parts) => literal(parts, text),
        PartKind::Parameter(_) | PartKind::Command { .. } | PartKind::Arithmetic(_) | PartKind::Process(_) => false,
    })
}

fn unquoted(parts: &[Part], text: &mut String) {
    for part in parts {
        match &part.kind {
            PartKind::Literal(piece) | PartKind::Single(piece) | PartKind::AnsiC(piece) => text.push_str(piece),
            PartKind::Escaped(character) => text.push(*character),
            PartKind::Double(parts) => unquoted(parts, text),
            PartKind::Parameter(parameter) => {
                text.push_str("${");
                text.push_str(&parameter.name);
                text.push('}');
            }
            PartKind::Command { .. } | PartKind::Arithmetic(_) | PartKind::Process(_) => text.push_str("${()}"),
        }
    }
}
