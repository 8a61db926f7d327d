//! Patterns for repository names, which have no capital letters.

use std::fmt;
use std::str::FromStr;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a repository name in which `*` stands for part of one path component and `**` for anything")]
pub(crate) struct PatternError;

/// A pattern for repository names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(wharf_oci::Pattern);

impl Pattern {
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let pattern = text.parse().map_err(|_| PatternError)?;
        let has_capitals = text.bytes().any(|byte| byte.is_ascii_uppercase());
        if has_capitals { Err(PatternError) } else { Ok(Self(pattern)) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
