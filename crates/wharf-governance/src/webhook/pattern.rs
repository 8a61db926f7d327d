//! Patterns for repository names: `*` stands for part of one path component, `**` for anything.

use std::fmt;
use std::str::FromStr;

/// The longest repository name, and so the longest pattern that makes sense.
const MAX_PATTERN_BYTES: usize = 255;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a repository name in which `*` stands for part of one path component and `**` for anything")]
pub(crate) struct PatternError;

/// A pattern for repository names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(crate) fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'*')
        };
        let is_bounded = (1..=MAX_PATTERN_BYTES).contains(&text.len()) && !text.contains("***");
        let is_pattern = is_bounded && text.bytes().all(is_allowed) && text.split('/').all(|part| !part.is_empty());
        if is_pattern { Ok(Self(text.to_owned())) } else { Err(PatternError) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Row by row, which beginnings of the name each beginning of the pattern matches: no pattern costs more than its
/// length times the name's.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let is_double = *first == b'*' && after.first() == Some(&b'*');
        rest = if is_double { &after[1..] } else { after };
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match (first, at.checked_sub(1)) {
                (b'*', before) => {
                    let goes_on = before.is_some_and(|before| next[before] && (is_double || name[before] != b'/'));
                    reached[at] || goes_on
                }
                (byte, Some(before)) => reached[before] && name[before] == *byte,
                (_, None) => false,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_reach_as_far_as_they_should() {
        let table = [
            ("pay/app", "pay/app", true),
            ("pay/app", "pay/app2", false),
            ("pay/*", "pay/app", true),
            ("pay/*", "pay/app/web", false),
            ("pay/**", "pay/app/web", true),
            ("**", "pay/app", true),
            ("pay/a*b", "pay/axxb", true),
            ("pay/a*b", "pay/ab", true),
            ("pay/*/web", "pay/app/web", true),
            ("*/app", "pay/app", true),
            ("pay/**/web", "pay/a/b/web", true),
            ("p*", "pay/app", false),
        ];
        for (pattern, name, wanted) in table {
            let pattern: Pattern = pattern.parse().expect(pattern);
            assert_eq!(pattern.matches(name), wanted, "{pattern} {name}");
        }
        for bad in ["", "Pay/app", "pay//app", "pay/***", "pay/?", "/pay", &"a".repeat(256)] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern: Pattern = "*a".repeat(120).parse().expect("a pattern");
        assert!(!pattern.matches(&format!("{}b", "a".repeat(250))));
    }
}
