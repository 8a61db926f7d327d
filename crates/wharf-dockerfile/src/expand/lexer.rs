//! Quotes, escapes and variables of a word, read as BuildKit's shell lexer reads them, whose oddities files rely on:
//! words split where a variable's value has a space, but not where quotes do; `'…'` keeps all, `"…"` keeps all but `$`.

mod variable;

use std::collections::BTreeSet;
use std::str::CharIndices;

/// So long may one expanded value become: `ENV A=$A$A` doubles with each line.
const LENGTH: usize = 1 << 20;

/// How words are read. The default is for arguments of instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Quotes stay in the result.
    pub(crate) keep_quotes: bool,
    /// Escape characters stay in the result.
    pub(crate) keep_escapes: bool,
    /// References to what is not set stay as they are.
    pub(crate) keep_unset: bool,
    /// Quotes are characters like others: the text is a file, not a word.
    pub(crate) plain_quotes: bool,
}

/// What an expansion looks up.
pub(crate) trait Lookup {
    /// The value of the variable `name`.
    fn get(&self, name: &str) -> Option<&str>;
}

/// No variable at all.
pub(crate) struct Nothing;

impl Lookup for Nothing {
    fn get(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// An expanded text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lexed {
    /// The whole.
    pub(crate) text: String,
    /// The whole, split into words, each with the byte of the source where it begins.
    pub(crate) words: Vec<(usize, String)>,
    /// Variables that were looked up and had no value.
    pub(crate) undefined: BTreeSet<String>,
}

/// Expands `source`. The message of an error is a sentence without its place. What it cost is added to `work`, whether it
/// succeeds or not: bytes, and steps of patterns.
pub(crate) fn lex(
    source: &str,
    escape: char,
    mode: Mode,
    lookup: &dyn Lookup,
    work: &mut usize,
) -> Result<Lexed, String> {
    *work += source.len();
    let mut lexer = Lexer {
        characters: source.char_indices(),
        length: source.len(),
        escape,
        mode,
        lookup,
        depth: 0,
        undefined: BTreeSet::new(),
        work,
    };
    let mut words = Words::default();
    let text = lexer.until(None, Some(&mut words))?;
    Ok(Lexed { text, words: words.end(), undefined: lexer.undefined })
}

struct Lexer<'a> {
    characters: CharIndices<'a>,
    length: usize,
    escape: char,
    mode: Mode,
    lookup: &'a dyn Lookup,
    depth: usize,
    undefined: BTreeSet<String>,
    work: &'a mut usize,
}

#[derive(Default)]
struct Words {
    done: Vec<(usize, String)>,
    word: String,
    start: Option<usize>,
}

impl Words {
    fn push(&mut self, c: char, at: usize) {
        if !c.is_whitespace() {
            self.keep(c, at);
        } else if !self.word.is_empty() {
            self.done.push((self.start.take().unwrap_or(at), std::mem::take(&mut self.word)));
        }
    }

    fn keep(&mut self, c: char, at: usize) {
        self.start.get_or_insert(at);
        self.word.push(c);
    }

    fn push_all(&mut self, text: &str, at: usize) {
        text.chars().for_each(|c| self.push(c, at));
    }

    fn keep_all(&mut self, text: &str, at: usize) {
        self.start.get_or_insert(at);
        self.word.push_str(text);
    }

    fn end(mut self) -> Vec<(usize, String)> {
        if !self.word.is_empty() {
            self.done.push((self.start.unwrap_or_default(), self.word));
        }
        self.done
    }
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.clone().next().map(|(_, c)| c)
    }

    fn next(&mut self) -> Option<char> {
        self.characters.next().map(|(_, c)| c)
    }

    fn at(&self) -> usize {
        self.characters.clone().next().map_or(self.length, |(at, _)| at)
    }

    /// Reads up to `stop`, which is taken, or to the end.
    fn until(&mut self, stop: Option<char>, mut words: Option<&mut Words>) -> Result<String, String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            let at = self.at();
            if stop == Some(c) {
                self.next();
                return Ok(out);
            }
            let quoted = matches!(c, '\'' | '"') && !self.mode.plain_quotes;
            if c == '$' || c == '<' || quoted {
                let part = self.special(c)?;
                out.push_str(&part);
                match words.as_deref_mut() {
                    Some(words) if c == '$' => words.push_all(&part, at),
                    Some(words) => words.keep_all(&part, at),
                    None => {}
                }
            } else {
                self.ordinary(&mut out, words.as_deref_mut());
            }
            if out.len() > LENGTH {
                return Err(format!("the expanded value is longer than {LENGTH} bytes"));
            }
        }
        match stop {
            None => Ok(out),
            Some(stop) => Err(format!("`{stop}` is missing")),
        }
    }

    fn special(&mut self, c: char) -> Result<String, String> {
        match c {
            '$' => self.dollar(),
            '<' => Ok(self.angle()),
            '\'' => self.single_quoted(),
            _ => self.double_quoted(),
        }
    }

    fn ordinary(&mut self, out: &mut String, words: Option<&mut Words>) {
        let at = self.at();
        let Some(mut c) = self.next() else { return };
        let escaped = c == self.escape;
        let mut words = words;
        if escaped {
            if self.mode.keep_escapes {
                out.push(c);
                if let Some(words) = words.as_deref_mut() {
                    words.keep(c, at);
                }
            }
            match self.next() {
                Some(next) => c = next,
                None => return,
            }
        }
        out.push(c);
        match words {
            Some(words) if escaped => words.keep(c, at),
            Some(words) => words.push(c, at),
            None => {}
        }
    }

    /// `<<` takes the blanks after it into its word: `<< EOF` opens a heredoc.
    fn angle(&mut self) -> String {
        let mut out = String::new();
        out.extend(self.next());
        if self.peek() == Some('<') {
            out.extend(self.next());
            while self.peek().is_some_and(|c| matches!(c, ' ' | '\t')) {
                out.extend(self.next());
            }
        }
        out
    }

    fn single_quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let open = self.next();
        if self.mode.keep_quotes {
            out.extend(open);
        }
        loop {
            match self.next() {
                None => return Err("a `'` has no other one that ends it".to_owned()),
                Some('\'') => {
                    if self.mode.keep_quotes {
                        out.push('\'');
                    }
                    return Ok(out);
                }
                Some(c) => out.push(c),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let open = self.next();
        if self.mode.keep_quotes {
            out.extend(open);
        }
        loop {
            match self.peek() {
                None => return Err("a `\"` has no other one that ends it".to_owned()),
                Some('"') => {
                    self.next();
                    if self.mode.keep_quotes {
                        out.push('"');
                    }
                    return Ok(out);
                }
                Some('$') => out.push_str(&self.dollar()?),
                Some(c) => {
                    self.next();
                    if c == self.escape {
                        self.escaped_in_quotes(c, &mut out);
                    } else {
                        out.push(c);
                    }
                }
            }
            if out.len() > LENGTH {
                return Err(format!("the expanded value is longer than {LENGTH} bytes"));
            }
        }
    }

    /// In double quotes only `"`, `$` and the escape character itself lose their meaning by an escape.
    fn escaped_in_quotes(&mut self, escape: char, out: &mut String) {
        if self.mode.keep_escapes {
            out.push(escape);
        }
        match self.peek() {
            None => {}
            Some(c) if c == '"' || c == '$' || c == escape => {
                self.next();
                out.push(c);
            }
            Some(_) => out.push(escape),
        }
    }
}

#[cfg(test)]
mod tests;
