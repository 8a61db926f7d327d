//! `ENV`, `LABEL` and `ARG`: names and values.

use std::ops::Range;

use super::Reading;
use super::read::ignore_flags;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::text::Text;
use crate::word::{is_blank, quoted};

/// The names and values of `ENV` or `LABEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    /// The pairs, in their order; at least one.
    pub pairs: Vec<Pair>,
    /// The old form `ENV name value`, of which the value is the rest of the line.
    pub legacy: bool,
}

/// One name with its value, both as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub key: Spanned<String>,
    /// The value.
    pub value: Spanned<String>,
}

/// `ARG`: variables that a build may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// The variables, in their order; at least one.
    pub arguments: Vec<Argument>,
}

/// One variable of an `ARG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name, as written.
    pub name: Spanned<String>,
    /// Its default, as written.
    pub default: Option<Spanned<String>>,
}

impl Pairs {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        reading.flags(&[]);
        let text = &reading.arguments;
        let words = quoted(text, reading.escape);
        let Some(first) = words.first() else { return Err(reading.wrong("needs at least one `NAME=VALUE`")) };
        if !text.as_str()[first.clone()].contains('=') {
            return Self::read_legacy(&reading);
        }
        let pairs = words.into_iter().map(|word| pair(&reading, word)).collect::<Result<_, _>>()?;
        Ok(Self { pairs, legacy: false })
    }

    fn read_legacy(reading: &Reading<'_>) -> Result<Self, Diagnostic> {
        let value = reading.arguments.as_str();
        let end = value.find(is_blank).ok_or_else(|| {
            let hint = format!("{} {value}=VALUE", reading.name());
            reading.wrong("must have two arguments, a name and a value").hint(Some(hint))
        })?;
        let start = value.len() - value[end..].trim_start_matches(is_blank).len();
        let pair = Pair { key: reading.arguments.token(0..end), value: reading.arguments.token(start..value.len()) };
        Ok(Self { pairs: vec![pair], legacy: true })
    }
}

fn pair(reading: &Reading<'_>, word: Range<usize>) -> Result<Pair, Diagnostic> {
    let text = &reading.arguments;
    let (key, value) = split(text, word.clone());
    let Some(value) = value else {
        let message = format!("`{}` has no `=`: {} takes `NAME=VALUE`", key.value, reading.name());
        return Err(Diagnostic::error(key.span, message));
    };
    if key.is_empty() {
        return Err(Diagnostic::error(text.span(word), format!("a name of {} is empty", reading.name())));
    }
    Ok(Pair { key, value })
}

fn split(text: &Text, word: Range<usize>) -> (Spanned<String>, Option<Spanned<String>>) {
    match text.as_str()[word.clone()].find('=') {
        Some(at) => {
            let at = word.start + at;
            (text.token(word.start..at), Some(text.token(at + 1..word.end)))
        }
        None => (text.token(word), None),
    }
}

impl Arg {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        ignore_flags(&mut reading);
        let text = &reading.arguments;
        let words = quoted(text, reading.escape);
        if words.is_empty() {
            return Err(reading.wrong("needs at least one name"));
        }
        let argument = |word: Range<usize>| {
            let (name, default) = split(text, word.clone());
            if name.is_empty() {
                return Err(Diagnostic::error(text.span(word), "a name of ARG is empty"));
            }
            Ok(Argument { name, default })
        };
        Ok(Self { arguments: words.into_iter().map(argument).collect::<Result<_, _>>()? })
    }
}
