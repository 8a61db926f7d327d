//! Patterns for names and tags.
//!
//! `*` stands for any characters within one path component and `**` for any characters at all; everything else stands
//! for itself: `payments/team-*`, `payments/**`, `release-*`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 255;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern has 1 to {MAX_PATTERN_BYTES} letters, digits and `.`, `_`, `-`, `/`; in it `*` stands for part of one path component and `**` for anything"
)]
pub struct PatternError;

/// A pattern for names of repositories, or for tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// What every name matches.
    pub fn anything() -> Self {
        Self("**".to_owned())
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name or a tag is meant.
    pub fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'*');
        let is_bounded = (1..=MAX_PATTERN_BYTES).contains(&text.len()) && !text.contains("***");
        let is_pattern = is_bounded && text.bytes().all(is_allowed) && text.split('/').all(|part| !part.is_empty());
        if is_pattern { Ok(Self(text.to_owned())) } else { Err(PatternError) }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Walks the text once, keeping the set of places in the pattern that the text so far leads to: no pattern, however
/// made, costs more than its length times the text's.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let tokens = tokens(pattern);
    let mut places = vec![false; tokens.len() + 1];
    places[0] = true;
    skip_stars(&tokens, &mut places);
    for byte in text {
        let mut next = vec![false; places.len()];
        for (place, token) in tokens.iter().enumerate().filter(|(place, _)| places[*place]) {
            match token {
                Token::Byte(wanted) => next[place + 1] |= wanted == byte,
                Token::Within => next[place] |= *byte != b'/',
                Token::Anything => next[place] = true,
            }
        }
        skip_stars(&tokens, &mut next);
        places = next;
    }
    places[tokens.len()]
}

enum Token {
    Byte(u8),
    Within,
    Anything,
}

fn tokens(pattern: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        tokens.push(match (first, after.first()) {
            (b'*', Some(b'*')) => {
                rest = &after[1..];
                Token::Anything
            }
            (b'*', _) => Token::Within,
            (byte, _) => Token::Byte(*byte),
        });
    }
    tokens
}

/// A star may stand for nothing.
fn skip_stars(tokens: &[Token], places: &mut [bool]) {
    for (place, token) in tokens.iter().enumerate() {
        if places[place] && !matches!(token, Token::Byte(_)) {
            places[place + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_reach_as_far_as_they_should() {
        let table = [
            ("p/app", "p/app", true),
            ("p/app", "p/app2", false),
            ("p/app", "p/app/x", false),
            ("p/team-*", "p/team-", true),
            ("p/team-*", "p/team-a", true),
            ("p/team-*", "p/team-a/b", false),
            ("p/*/base", "p/x/base", true),
            ("p/*/base", "p/x/y/base", false),
            ("p/**", "p/a/b/c", true),
            ("p/**", "p", false),
            ("p/**/base", "p/x/y/base", true),
            ("**", "p", true),
            ("**", "", true),
            ("*", "p/app", false),
            ("*", "RC-1.2_3", true),
            ("RC-*", "rc-1", false),
            ("*a*a*a", "aa", false),
        ];
        for (pattern, text, wanted) in table {
            assert_eq!(pattern.parse::<Pattern>().expect("valid").matches(text), wanted, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_pattern_is_made_of_what_names_are_made_of() {
        assert!(Pattern::anything().as_str().parse::<Pattern>().is_ok());
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        for bad in ["", "/p", "p/", "p//a", "p/***", "p/a b", "p/[a]", "p/ä", "p:v", "p\0", long.as_str()] {
            assert_eq!(bad.parse::<Pattern>(), Err(PatternError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn stars_cost_no_more_than_their_length(pattern in "[a*]{200}", text in "[a]{200}b") {
            if let Ok(pattern) = pattern.parse::<Pattern>() {
                prop_assert!(pattern.as_str().ends_with('*') || !pattern.matches(&text));
            }
        }
    }
}
