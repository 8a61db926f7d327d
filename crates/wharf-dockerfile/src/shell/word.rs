//! Words: quotes, parameters and substitutions, each piece with its place.

use super::read::Reader;
use super::{Error, Part, PartKind, Problem, Word, at};

/// Where a word stands, which decides what ends it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// A command: signs of the shell end it.
    Command,
    /// `[[ … ]]`: only blanks, `;` and the end of the line do.
    Test,
    /// `${name:-…}`: only `}` does.
    Braces,
    /// `"…"`: only `"` does.
    Quotes,
    /// `$(( … ))`: only `)` of its own depth does.
    Arithmetic,
}

impl Reader<'_> {
    /// The word that stands here, if one does.
    pub(super) fn word(&mut self, within: Within) -> Result<Option<Word>, Error> {
        let start = self.at();
        let parts = self.parts(within)?;
        Ok(if parts.is_empty() { None } else { Some(Word { span: self.since(start), parts }) })
    }

    /// Pieces up to what ends them.
    pub(super) fn parts(&mut self, within: Within) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            if self.ends(within, byte, &mut open) {
                break;
            }
            let start = self.at();
            if let Some(kind) = self.piece(within, byte)? {
                parts.push(Part { span: self.since(start), kind });
            } else if self.at() == start {
                self.literal(within, &mut parts);
            }
        }
        Ok(parts)
    }

    fn ends(&self, within: Within, byte: u8, open: &mut usize) -> bool {
        match within {
            Within::Command => match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' => true,
                b'<' | b'>' => self.peek_at(1) != Some(b'('),
                _ => false,
            },
            Within::Test => matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';'),
            Within::Braces => byte == b'}',
            Within::Quotes => byte == b'"',
            Within::Arithmetic => match byte {
                b'(' => {
                    *open += 1;
                    false
                }
                b')' if *open == 0 => true,
                b')' => {
                    *open -= 1;
                    false
                }
                _ => false,
            },
        }
    }

    /// A piece that begins with a sign of its own.
    fn piece(&mut self, within: Within, byte: u8) -> Result<Option<PartKind>, Error> {
        let is_quoted = within == Within::Quotes;
        match byte {
            b'\\' => self.escape(within),
            b'\'' if !is_quoted && within != Within::Arithmetic => self.single().map(Some),
            b'"' if within != Within::Arithmetic => self.double().map(Some),
            b'$' if !is_quoted && self.peek_at(1) == Some(b'\'') => self.ansi_c().map(Some),
            b'$' if !is_quoted && self.peek_at(1) == Some(b'"') => {
                self.bump();
                self.double().map(Some)
            }
            b'$' => self.deeper(Self::dollar),
            b'`' => self.deeper(Self::backquotes).map(Some),
            b'<' | b'>' if within == Within::Command => self.deeper(Self::process).map(Some),
            _ => Ok(None),
        }
    }

    /// Plain text up to the next sign, joined to the text before it.
    fn literal(&mut self, within: Within, parts: &mut Vec<Part>) {
        let start = self.at();
        self.bump();
        while let Some(byte) = self.peek() {
            let is_sign = matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`' | b'<' | b'>' | b'(' | b')' | b'}');
            if is_sign || self.ends(within, byte, &mut 0) {
                break;
            }
            self.bump();
        }
        let span = self.since(start);
        let text = at(self.text(), span);
        match parts.last_mut() {
            Some(Part { span: before, kind: PartKind::Literal(literal) }) if before.end == start => {
                literal.push_str(text);
                before.end = span.end;
            }
            _ => parts.push(Part { span, kind: PartKind::Literal(text.to_owned()) }),
        }
    }

    fn escape(&mut self, within: Within) -> Result<Option<PartKind>, Error> {
        let is_escape = match within {
            Within::Quotes => matches!(self.peek_at(1), Some(b'$' | b'`' | b'"' | b'\\' | b'\n')),
            Within::Command | Within::Test | Within::Braces | Within::Arithmetic => self.peek_at(1).is_some(),
        };
        if !is_escape {
            return Ok(None);
        }
        self.bump();
        let character = self.character();
        self.bump();
        Ok((character != '\n').then_some(PartKind::Escaped(character)))
    }

    fn single(&mut self) -> Result<PartKind, Error> {
        let start = self.at() + 1;
        let Some(length) = self.text().get(start..).and_then(|rest| rest.find('\'')) else {
            return Err(self.error(Problem::Unclosed("'")));
        };
        self.go_to(start + length + 1);
        Ok(PartKind::Single(self.text()[start..start + length].to_owned()))
    }

    fn ansi_c(&mut self) -> Result<PartKind, Error> {
        let opened = self.at();
        self.go_to(opened + 2);
        loop {
            match self.peek() {
                None => return Err(Error { at: opened, problem: Problem::Unclosed("'") }),
                Some(b'\'') => break,
                Some(b'\\') => {
                    self.bump();
                    self.bump();
                }
                Some(_) => self.bump(),
            }
        }
        let text = self.text()[opened + 2..self.at()].to_owned();
        self.bump();
        Ok(PartKind::AnsiC(text))
    }

    fn double(&mut self) -> Result<PartKind, Error> {
        let opened = self.at();
        self.bump();
        let parts = self.deeper(|reader| reader.parts(Within::Quotes))?;
        if !self.takes("\"") {
            return Err(Error { at: opened, problem: Problem::Unclosed("\"") });
        }
        Ok(PartKind::Double(parts))
    }

    /// A command between backquotes. Backslashes in it lose one level before it is read.
    fn backquotes(&mut self) -> Result<PartKind, Error> {
        let opened = self.at();
        self.bump();
        let start = self.at();
        let mut is_escaped = false;
        loop {
            match self.peek() {
                None => return Err(Error { at: opened, problem: Problem::Unclosed("`") }),
                Some(b'`') => break,
                Some(b'\\') => {
                    is_escaped |= matches!(self.peek_at(1), Some(b'`' | b'\\' | b'$'));
                    self.bump();
                    self.bump();
                }
                Some(_) => self.bump(),
            }
        }
        let span = self.since(start);
        self.bump();
        let script = if is_escaped {
            let text = without_one_level(at(self.text(), span));
            self.inner(&text, 0).whole().map_err(|error| Error { at: opened, problem: error.problem })
        } else {
            self.inner(&self.text()[..span.end], span.start).whole()
        };
        Ok(PartKind::Command { script: script?, is_backquoted: true })
    }

    fn process(&mut self) -> Result<PartKind, Error> {
        self.bump();
        self.bump();
        let script = self.script()?;
        self.expects(")")?;
        Ok(PartKind::Process(script))
    }
}

fn without_one_level(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_dropped = character == '\\' && matches!(characters.peek(), Some('`' | '\\' | '$'));
        if is_dropped {
            out.extend(characters.next());
        } else {
            out.push(character);
        }
    }
    out
}
