//! What follows `$`: parameters, command substitutions, arithmetic.

use super::read::Reader;
use super::word::Within;
use super::{Error, Parameter, PartKind, Problem};

/// Operators in `${name…}`, longer ones first.
const OPERATORS: [&str; 25] = [
    ":-", ":=", ":?", ":+", "##", "%%", "//", "/#", "/%", "^^", ",,", "@Q", "@E", "@P", "@A", "@a", "-", "=", "?", "+",
    "#", "%", "/", "^", ",",
];

impl Reader<'_> {
    /// `None` where the dollar sign stands for itself.
    pub(super) fn dollar(&mut self) -> Result<Option<PartKind>, Error> {
        match self.peek_at(1) {
            Some(b'(') if self.is_arithmetic() => self.arithmetic().map(Some),
            Some(b'(') => self.substitution().map(Some),
            Some(b'{') => self.braced().map(Some),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => Ok(Some(self.named())),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.bump();
                let name = self.character().to_string();
                self.bump();
                Ok(Some(PartKind::Parameter(Parameter::plain(name))))
            }
            _ => Ok(None),
        }
    }

    fn named(&mut self) -> PartKind {
        self.bump();
        let name = self.name();
        PartKind::Parameter(Parameter::plain(name))
    }

    /// A variable's name.
    pub(super) fn name(&mut self) -> String {
        let rest = self.rest();
        let length =
            rest.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(rest.len());
        let name = rest[..length].to_owned();
        self.go_to(self.at() + length);
        name
    }

    fn substitution(&mut self) -> Result<PartKind, Error> {
        self.go_to(self.at() + 2);
        let script = self.script()?;
        self.expects(")")?;
        Ok(PartKind::Command { script, is_backquoted: false })
    }

    /// Whether `$((` opens arithmetic: its parentheses are closed by two that stand together.
    fn is_arithmetic(&self) -> bool {
        self.rest().strip_prefix("$((").is_some_and(ends_doubly)
    }

    fn arithmetic(&mut self) -> Result<PartKind, Error> {
        self.go_to(self.at() + 3);
        let parts = self.parts(Within::Arithmetic)?;
        self.expects("))")?;
        Ok(PartKind::Arithmetic(parts))
    }

    fn braced(&mut self) -> Result<PartKind, Error> {
        let opened = self.at();
        self.go_to(opened + 2);
        let is_length = self.peek() == Some(b'#') && self.peek_at(1) != Some(b'}');
        let is_indirect = self.peek() == Some(b'!');
        if is_length || is_indirect {
            self.bump();
        }
        let mut name = self.name();
        if name.is_empty() && self.peek() != Some(b'}') {
            name.push(self.character());
            self.bump();
        }
        let index = self.index();
        let operator = self.operator();
        let operand = self.deeper(|reader| reader.parts(Within::Braces))?;
        if !self.takes("}") {
            return Err(Error { at: opened, problem: Problem::Unclosed("}") });
        }
        if is_indirect {
            name.insert(0, '!');
        }
        Ok(PartKind::Parameter(Parameter { name, is_braced: true, is_length, index, operator, operand }))
    }

    fn index(&mut self) -> Option<String> {
        let body = self.rest().strip_prefix('[')?;
        let end = body.find([']', '}', '\n'])?;
        if body.as_bytes()[end] != b']' {
            return None;
        }
        let index = body[..end].to_owned();
        self.go_to(self.at() + end + 2);
        Some(index)
    }

    fn operator(&mut self) -> String {
        if let Some(operator) = OPERATORS.into_iter().find(|operator| self.rest().starts_with(operator)) {
            self.go_to(self.at() + operator.len());
            return operator.to_owned();
        }
        // `${name:offset:length}`: the offset is the operand.
        if self.takes(":") { ":".to_owned() } else { String::new() }
    }
}

impl Parameter {
    fn plain(name: String) -> Self {
        Self { name, is_braced: false, is_length: false, index: None, operator: String::new(), operand: Vec::new() }
    }
}

/// Whether the parenthesis that closes what is open before this text is doubled: then `((` was arithmetic.
pub(super) fn ends_doubly(text: &str) -> bool {
    let mut open = 0_usize;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'(' => open += 1,
            b')' if open == 0 => return bytes.peek() == Some(&b')'),
            b')' => open -= 1,
            _ => {}
        }
    }
    false
}
