//! Patterns of one name, as Go's `filepath.Match` reads them: `*`, `?`, `[a-z]`, `[^a]`, `\*`.

/// A pattern of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// Any character.
    Any,
    /// Any characters, or none.
    Many,
    /// One of these, or none of them.
    Class { ranges: Vec<(char, char)>, is_negated: bool },
}

impl Pattern {
    /// Whether a name is a pattern.
    pub(crate) fn has_magic(name: &[u8]) -> bool {
        name.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
    }

    /// Reads a pattern; `None` where it is malformed.
    pub(crate) fn parse(pattern: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(pattern).ok()?;
        let (mut parts, mut characters) = (Vec::new(), text.chars().peekable());
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' => Part::Many,
                '?' => Part::Any,
                '\\' => Part::One(characters.next()?),
                '[' => class(&mut characters)?,
                plain => Part::One(plain),
            });
        }
        Some(Self(parts))
    }

    /// Whether it matches the whole name.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(name) else { return false };
        let characters: Vec<char> = text.chars().collect();
        // Where the last `*` stands, and how many characters it takes: the only place to come back to.
        let (mut part, mut at, mut star) = (0, 0, None);
        while at < characters.len() {
            match self.0.get(part) {
                Some(Part::Many) => {
                    star = Some((part, at));
                    part += 1;
                }
                Some(one) if one.takes(characters[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match &mut star {
                    Some((back, taken)) => {
                        *taken += 1;
                        (part, at) = (*back + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        self.0[part..].iter().all(|part| *part == Part::Many)
    }
}

impl Part {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::One(own) => *own == character,
            Self::Any => true,
            Self::Many => false,
            Self::Class { ranges, is_negated } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *is_negated
            }
        }
    }
}

fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Part> {
    let is_negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match characters.next()? {
            ']' if !ranges.is_empty() => return Some(Part::Class { ranges, is_negated }),
            ']' | '-' => return None,
            '\\' => characters.next()?,
            plain => plain,
        };
        let high = match characters.next_if_eq(&'-') {
            None => low,
            Some(_) => match characters.next()? {
                ']' | '-' => return None,
                '\\' => characters.next()?,
                plain => plain,
            },
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_go() {
        for (pattern, name, matches) in [
            ("*", "a", true),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*d", "abc", false),
            ("?", "\u{e4}", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("*.tx?", "a.b.txt", true),
            ("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            let parsed = Pattern::parse(pattern.as_bytes()).expect(pattern);
            assert_eq!(parsed.matches(name.as_bytes()), matches, "{pattern} {name}");
        }
        for bad in ["[", "[]a]", "[a", "[-x]", "[x-]", "a\\"] {
            assert_eq!(Pattern::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
