//! `$name`, `${name}` and what may stand between name and brace.

use super::{LENGTH, Lexer};
use crate::expand::pattern::Pattern;

/// `${a:-${b:-${c}}}`: so deep may one stand in another.
const DEPTH: usize = 64;

impl Lexer<'_> {
    pub(super) fn dollar(&mut self) -> Result<String, String> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match self.get(&name) {
                None if self.mode.keep_unset => format!("${name}"),
                value => value.unwrap_or_default(),
            });
        }
        self.next();
        match self.peek() {
            None => return Err("`}` is missing".to_owned()),
            Some('{' | '}' | ':') => return Err("a name must follow `${`".to_owned()),
            Some(_) => {}
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("`${{` stands more than {DEPTH} deep in itself"));
        }
        let value = self.braces();
        self.depth -= 1;
        value
    }

    /// What stands after `${`.
    fn braces(&mut self) -> Result<String, String> {
        let name = self.name();
        let Some(operator) = self.next() else { return Err("`}` is missing".to_owned()) };
        match operator {
            '}' => Ok(match self.get(&name) {
                None if self.mode.keep_unset => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            ':' => {
                let Some(operator) = self.next() else { return Err("`}` is missing".to_owned()) };
                self.modified(&name, operator, true)
            }
            '+' | '-' | '?' | '#' | '%' => self.modified(&name, operator, false),
            '/' => self.replaced(&name),
            other => Err(unknown_modifier(&other.to_string())),
        }
    }

    /// `${name-word}` and its like; with a colon, an empty value counts as none.
    fn modified(&mut self, name: &str, operator: char, colon: bool) -> Result<String, String> {
        let word = self.pattern_word('}', matches!(operator, '#' | '%'))?;
        let value = self.get(name);
        let shown = if colon { format!(":{operator}") } else { operator.to_string() };
        let Some(value) = value else {
            return if self.mode.keep_unset {
                Ok(format!("${{{name}{shown}{word}}}"))
            } else {
                without_value(name, operator, &shown, word)
            };
        };
        let counts = !(colon && value.is_empty());
        match operator {
            '-' => Ok(if counts { value } else { word }),
            '+' => Ok(if counts { word } else { String::new() }),
            '?' if counts => Ok(value),
            '?' => Err(required(name, word, "must not be empty")),
            '#' | '%' => self.trimmed(operator, &word, value),
            _ => Err(unknown_modifier(&shown)),
        }
    }

    fn pattern_word(&mut self, stop: char, keep_escapes: bool) -> Result<String, String> {
        let outer = self.mode.keep_escapes;
        self.mode.keep_escapes = keep_escapes;
        let word = self.until(Some(stop), None);
        self.mode.keep_escapes = outer;
        word
    }

    fn trimmed(&mut self, operator: char, word: &str, value: String) -> Result<String, String> {
        let (longest, pattern) = match word.strip_prefix(operator) {
            Some(pattern) => (true, pattern),
            None => (false, word),
        };
        let pattern = Pattern::parse(pattern)?;
        *self.work += pattern.cost(&value);
        Ok(if operator == '#' {
            value[pattern.prefix(&value, longest)?..].to_owned()
        } else {
            let mut value = value;
            value.truncate(value.len() - pattern.suffix(&value, longest)?);
            value
        })
    }

    fn replaced(&mut self, name: &str) -> Result<String, String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.pattern_word('/', true)?;
        let replacement = self.pattern_word('}', true)?;
        let Some(value) = self.get(name) else {
            let slashes = if all { "//" } else { "/" };
            let kept = format!("${{{name}{slashes}{pattern}/{replacement}}}");
            return Ok(if self.mode.keep_unset { kept } else { String::new() });
        };
        let pattern = Pattern::parse(&pattern)?;
        *self.work += pattern.cost(&value);
        if value.len().saturating_add(1).saturating_mul(replacement.len()) > LENGTH * 16 {
            return Err(format!("the expanded value may be longer than {LENGTH} bytes"));
        }
        pattern.replace(&value, &replacement, all)
    }

    fn get(&mut self, name: &str) -> Option<String> {
        let value = self.lookup.get(name).map(str::to_owned);
        match &value {
            Some(value) => *self.work += value.len(),
            None => {
                self.undefined.insert(name.to_owned());
            }
        }
        value
    }

    /// A name: letters, digits and `_`; only digits, when it begins with one; or one of the shell's special characters.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    name.extend(self.next());
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.next()),
            _ => {
                while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    name.extend(self.next());
                }
            }
        }
        name
    }
}

fn without_value(name: &str, operator: char, shown: &str, word: String) -> Result<String, String> {
    match operator {
        '-' => Ok(word),
        '+' => Ok(String::new()),
        '?' => Err(required(name, word, "must be set")),
        '#' | '%' => Pattern::parse(word.strip_prefix(operator).unwrap_or(&word)).map(|_| String::new()),
        _ => Err(unknown_modifier(shown)),
    }
}

fn required(name: &str, word: String, otherwise: &str) -> String {
    let message = if word.is_empty() { otherwise.to_owned() } else { word };
    format!("variable `{name}`: {message}")
}

fn unknown_modifier(modifier: &str) -> String {
    format!(
        "unknown modifier `{modifier}` after a variable's name; there are `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`"
    )
}
