//! Patterns of `${name#pattern}` and its like: `*` any characters, `?` one character, `\` takes the meaning away. Neither
//! crosses a line end.

use regex_lite::{NoExpand, Regex};

/// So long may a pattern be: matching costs its length times the value's.
const LENGTH: usize = 1024;

/// One pattern, as a list of what must match in turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    One,
    Any,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > LENGTH {
            return Err(format!("a pattern is longer than {LENGTH} bytes"));
        }
        let mut items = Vec::new();
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            items.push(match c {
                '*' => Item::Any,
                '?' => Item::One,
                '\\' => match characters.next() {
                    // `}` and `/` were escaped so that they don't end the pattern.
                    Some(escaped @ ('*' | '?' | '\\' | '}' | '/')) => Item::Literal(escaped),
                    other => {
                        let escaped = other.map(String::from).unwrap_or_default();
                        return Err(format!(
                            "`\\{escaped}` in a pattern; only `*`, `?`, `\\`, `}}` and `/` can be escaped"
                        ));
                    }
                },
                literal => Item::Literal(literal),
            });
        }
        Ok(Self { items })
    }

    /// How many steps matching `value` may take.
    pub(crate) fn cost(&self, value: &str) -> usize {
        (self.items.len() + 1).saturating_mul(value.len() + 1)
    }

    /// How many bytes at the start of `value` match.
    pub(crate) fn prefix(&self, value: &str, longest: bool) -> Result<usize, String> {
        let regex = regex("^", self.items.iter(), longest)?;
        Ok(regex.find(value).map_or(0, |found| found.end()))
    }

    /// How many bytes at the end of `value` match.
    pub(crate) fn suffix(&self, value: &str, longest: bool) -> Result<usize, String> {
        // The shortest match at the end can't be asked for, but the shortest at the start of the reverse can.
        let reversed: String = value.chars().rev().collect();
        let regex = regex("^", self.items.iter().rev(), longest)?;
        Ok(regex.find(&reversed).map_or(0, |found| found.end()))
    }

    /// `value` with the first match, or all, replaced.
    pub(crate) fn replace(&self, value: &str, replacement: &str, all: bool) -> Result<String, String> {
        let regex = regex("", self.items.iter(), true)?;
        let limit = usize::from(!all);
        Ok(regex.replacen(value, limit, NoExpand(replacement)).into_owned())
    }
}

fn regex<'a>(anchor: &str, items: impl Iterator<Item = &'a Item>, longest: bool) -> Result<Regex, String> {
    let mut text = String::from(anchor);
    for item in items {
        match item {
            Item::Literal(c) => text.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
            Item::One => text.push('.'),
            Item::Any => text.push_str(if longest { ".*" } else { ".*?" }),
        }
    }
    Regex::new(&text).map_err(|error| format!("a pattern can't be matched: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_cut_shortest_or_longest() {
        let cases = [
            ("a*", "abcabc", 1, 6, 3, 6),
            ("*c", "abcabc", 3, 6, 1, 6),
            ("?", "äb", 2, 2, 1, 1),
            ("\\*", "*x*", 1, 1, 1, 1),
            ("", "abc", 0, 0, 0, 0),
            ("b*", "abcb", 0, 0, 1, 3),
            ("(()[]{}^$.|+", "(()[]{}^$.|+", 12, 12, 12, 12),
        ];
        for (pattern, value, shortest, longest, shortest_end, longest_end) in cases {
            let parsed = Pattern::parse(pattern).unwrap();
            let found = [
                parsed.prefix(value, false).unwrap(),
                parsed.prefix(value, true).unwrap(),
                parsed.suffix(value, false).unwrap(),
                parsed.suffix(value, true).unwrap(),
            ];
            assert_eq!(found, [shortest, longest, shortest_end, longest_end], "{pattern} on {value}");
        }
    }

    #[test]
    fn matches_are_replaced_longest_first() {
        let cases = [
            ("a", "x", "banana", false, "bxnana"),
            ("a", "x", "banana", true, "bxnxnx"),
            ("a*a", "x", "banana", true, "bx"),
            ("?n", "-", "banana", true, "b--a"),
            ("", "-", "ab", true, "-a-b-"),
            ("", "-", "ab", false, "-ab"),
            ("a", "$1", "a", true, "$1"),
        ];
        for (pattern, replacement, value, all, expected) in cases {
            let replaced = Pattern::parse(pattern).unwrap().replace(value, replacement, all).unwrap();
            assert_eq!(replaced, expected, "{pattern} on {value}");
        }
    }

    #[test]
    fn escapes_without_meaning_are_refused() {
        for pattern in ["\\", "\\x", "\\\\\\"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::parse(&"*".repeat(2000)).is_err());
    }
}
