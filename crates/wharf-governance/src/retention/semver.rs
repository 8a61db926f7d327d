//! Semantic versions as tags write them, and their order. Pure.
//!
//! Spec: semver.org 2.0.0, section 11 (precedence). A `v` may stand in front; build metadata needs a `+`, which no tag has.

use std::cmp::Ordering;

/// A version: `1.2.3`, `v1.2.3-rc.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Semver<'a> {
    numbers: [u64; 3],
    pre: Option<Vec<Identifier<'a>>>,
}

/// A part of a pre-release. Numbers come before texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Semver<'a> {
    /// `None` where the text is no semantic version.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (release, pre) = text.split_once('-').map_or((text, None), |(release, pre)| (release, Some(pre)));
        let mut parts = release.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        let pre = pre.map(|pre| pre.split('.').map(identifier).collect::<Option<Vec<_>>>());
        match pre {
            None => Some(Self { numbers, pre: None }),
            Some(pre) => pre.map(|pre| Self { numbers, pre: Some(pre) }),
        }
    }
}

/// Digits without a zero in front.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_number)
}

fn identifier(text: &str) -> Option<Identifier<'_>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(Identifier::Number);
    }
    Some(Identifier::Text(text))
}

impl Ord for Semver<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let pre = match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            // A release comes after all that was released before it.
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(ours), Some(theirs)) => ours.cmp(theirs),
        };
        self.numbers.cmp(&other.numbers).then(pre)
    }
}

impl PartialOrd for Semver<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_the_specification() {
        let order = [
            "0.0.0",
            "0.9.10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "v1.0.0-rc.1",
            "1.0.0",
            "1.0.10",
            "1.2.0",
            "10.0.0",
        ];
        let versions: Vec<_> = order.iter().map(|text| Semver::parse(text).expect("a version")).collect();
        assert!(versions.is_sorted() && versions.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Semver::parse("v1.2.3"), Semver::parse("1.2.3"));
    }

    #[test]
    fn other_tags_are_no_versions() {
        for text in
            ["", "latest", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3-01", "vv1.2.3", "1.2.x"]
        {
            assert_eq!(Semver::parse(text), None, "{text}");
        }
        assert_eq!(Semver::parse("99999999999999999999.0.0"), None);
    }
}
