//! The flags between an instruction's name and its arguments: `--name` and `--name=value`.

use std::ops::Range;

use crate::diagnostic::{DIAGNOSTICS, Diagnostic};
use crate::nearest::question;
use crate::span::{Span, Spanned};
use crate::text::Text;

/// A flag as it stands there. Quotes are removed; variables are not yet expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) name: Spanned<String>,
    pub(crate) value: Option<Spanned<String>>,
    pub(crate) span: Span,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A value, once.
    Value,
    /// A value, any number of times.
    Values,
    /// Nothing, `true` or `false`.
    Switch,
}

/// Reads the flags at the start of `text`; says where the arguments begin. A lone `--` ends them.
pub(crate) fn read(text: &Text) -> (Vec<Flag>, usize) {
    let value = text.as_str();
    let mut flags = Vec::new();
    let mut at = 0;
    loop {
        at += value[at..].len() - value[at..].trim_start().len();
        if !value[at..].starts_with("--") {
            return (flags, at);
        }
        let word = Word::read(value, at);
        at = word.range.end;
        if word.plain == "--" {
            return (flags, at);
        }
        flags.push(word.into_flag(text));
    }
}

/// A word of which the quotes and escapes are removed.
struct Word {
    plain: String,
    range: Range<usize>,
    /// The first `=`: where it stands in `plain`, and where its value begins in the text.
    equals: Option<(usize, usize)>,
}

impl Word {
    fn read(value: &str, start: usize) -> Self {
        let mut word = Self { plain: String::new(), range: start..value.len(), equals: None };
        let mut quote = None;
        let mut characters = value[start..].char_indices();
        while let Some((at, c)) = characters.next() {
            let at = start + at;
            match (quote, c) {
                (None, c) if c.is_whitespace() => {
                    word.range.end = at;
                    break;
                }
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (_, '\\') => word.plain.extend(characters.next().map(|(_, next)| next)),
                (_, c) => {
                    if c == '=' && word.equals.is_none() {
                        word.equals = Some((word.plain.len(), at + 1));
                    }
                    word.plain.push(c);
                }
            }
        }
        word
    }

    fn into_flag(self, text: &Text) -> Flag {
        let span = text.span(self.range.clone());
        let start = self.range.start + "--".len().min(self.range.len());
        let (name, name_end, value) = match self.equals {
            Some((at, begin)) => {
                let value = Spanned::new(self.plain[at + 1..].to_owned(), text.span(begin..self.range.end));
                (&self.plain[..at], begin - 1, Some(value))
            }
            None => (self.plain.as_str(), self.range.end, None),
        };
        let name = name.strip_prefix("--").unwrap_or(name).to_owned();
        Flag { name: Spanned::new(name, text.span(start.min(name_end)..name_end)), value, span }
    }
}

/// The flags of one instruction, on their way into its type.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    flags: Vec<Flag>,
}

impl Flags {
    /// Takes the flags that the instruction `keyword` knows; complains of all others.
    pub(crate) fn check(
        flags: Vec<Flag>,
        keyword: &str,
        known: &[(&str, Takes)],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut kept = Self::default();
        let mut seen = vec![false; known.len()];
        for flag in flags {
            let objection = match known.iter().position(|(name, _)| *name == flag.name.as_str()) {
                None if diagnostics.len() < DIAGNOSTICS => Some(unknown(&flag, keyword, known)),
                None => continue,
                Some(place) => {
                    let again = std::mem::replace(&mut seen[place], true);
                    objection(&flag, known[place].1, again)
                }
            };
            match objection {
                Some(diagnostic) => diagnostics.push(diagnostic),
                None => kept.flags.push(flag),
            }
        }
        kept
    }

    /// The value of the flag `name`.
    pub(crate) fn value(&self, name: &str) -> Option<Spanned<String>> {
        self.values(name).into_iter().next()
    }

    /// All values of the flag `name`.
    pub(crate) fn values(&self, name: &str) -> Vec<Spanned<String>> {
        self.flags.iter().filter(|flag| *flag.name == name).filter_map(|flag| flag.value.clone()).collect()
    }

    /// Whether the flag `name` is there, and says yes.
    pub(crate) fn switch(&self, name: &str) -> Option<Spanned<bool>> {
        let flag = self.flags.iter().find(|flag| *flag.name == name)?;
        let on = flag.value.as_ref().is_none_or(|value| switch(value) == Some(true));
        Some(Spanned::new(on, flag.span))
    }
}

fn unknown(flag: &Flag, keyword: &str, known: &[(&str, Takes)]) -> Diagnostic {
    let name = flag.name.as_str();
    let hint = question(name, known.iter().map(|(other, _)| *other)).map(|hint| hint.replacen('`', "`--", 1));
    Diagnostic::error(flag.name.span, format!("unknown flag `--{name}` of {keyword}")).hint(hint)
}

fn objection(flag: &Flag, takes: Takes, again: bool) -> Option<Diagnostic> {
    let name = flag.name.as_str();
    if again && takes != Takes::Values {
        return Some(Diagnostic::error(flag.span, format!("flag `--{name}` stands there twice")));
    }
    match (takes, &flag.value) {
        (Takes::Value | Takes::Values, None) => {
            Some(Diagnostic::error(flag.span, format!("flag `--{name}` needs a value: `--{name}=VALUE`")))
        }
        (Takes::Switch, Some(value)) if switch(value).is_none() => {
            Some(Diagnostic::error(flag.span, format!("flag `--{name}` takes `true` or `false`")))
        }
        _ => None,
    }
}

fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Text {
        let mut text = Text::default();
        text.push(value, 0);
        text
    }

    fn shown(value: &str) -> (Vec<(String, Option<String>)>, String) {
        let text = text(value);
        let (flags, at) = read(&text);
        let flags = flags.into_iter().map(|flag| (flag.name.value, flag.value.map(|value| value.value))).collect();
        (flags, value[at..].to_owned())
    }

    #[test]
    fn flags_end_where_the_arguments_begin() {
        type Expected = &'static [(&'static str, Option<&'static str>)];
        let cases: &[(&str, Expected, &str)] = &[
            ("a --b", &[], "a --b"),
            ("--a --b=c d", &[("a", None), ("b", Some("c"))], "d"),
            ("--a=\"b c\" d", &[("a", Some("b c"))], "d"),
            ("--a='b'c\\ d e", &[("a", Some("bc d"))], "e"),
            ("--a=b=c", &[("a", Some("b=c"))], ""),
            ("--a -- --b", &[("a", None)], " --b"),
            ("--a=", &[("a", Some(""))], ""),
            ("--a=\"b", &[("a", Some("b"))], ""),
            ("-a", &[], "-a"),
        ];
        for (value, flags, rest) in cases {
            let expected = flags.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect::<Vec<_>>();
            assert_eq!(shown(value), (expected, (*rest).to_owned()), "{value}");
        }
    }

    #[test]
    fn names_and_values_have_places() {
        let (flags, _) = read(&text("--chown=a:b x"));
        assert_eq!(flags[0].name.span, Span::new(2, 7));
        assert_eq!(flags[0].value.as_ref().map(|value| value.span), Some(Span::new(8, 11)));
    }

    #[test]
    fn unknown_repeated_and_wrong_flags_are_refused() {
        const KNOWN: &[(&str, Takes)] = &[("chown", Takes::Value), ("link", Takes::Switch), ("exclude", Takes::Values)];
        let cases = [
            ("--chwon=a", "unknown flag `--chwon` of COPY"),
            ("--chown", "flag `--chown` needs a value: `--chown=VALUE`"),
            ("--chown=a --chown=b", "flag `--chown` stands there twice"),
            ("--link=maybe", "flag `--link` takes `true` or `false`"),
            ("--link=", "flag `--link` takes `true` or `false`"),
        ];
        for (value, message) in cases {
            let mut diagnostics = Vec::new();
            Flags::check(read(&text(value)).0, "COPY", KNOWN, &mut diagnostics);
            assert_eq!(diagnostics.iter().map(|d| d.message.as_str()).collect::<Vec<_>>(), [message], "{value}");
        }
        let mut diagnostics = Vec::new();
        let flags = read(&text("--exclude=a --exclude=b --link=FALSE")).0;
        let flags = Flags::check(flags, "COPY", KNOWN, &mut diagnostics);
        assert!(diagnostics.is_empty());
        assert_eq!(flags.values("exclude").len(), 2);
        assert_eq!(flags.switch("link").map(|on| on.value), Some(false));
        let flags = read(&text("--lnik")).0;
        Flags::check(flags, "COPY", KNOWN, &mut diagnostics);
        assert_eq!(diagnostics[0].hint.as_deref(), Some("did you mean `--link`?"));
    }
}
