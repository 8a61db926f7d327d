//! Forms of tags: what a rule accepts. Pure.

use regex_lite::{Regex, RegexBuilder};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wharf_oci::Tag;

use crate::version::DateVersion;

/// The longest own pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 256;
/// How large a compiled pattern may be.
const MAX_COMPILED_BYTES: usize = 256 * 1024;
/// The most digits of one number in a software version.
const MAX_DIGITS: usize = 6;

/// A form that a tag may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `YYYYMMDD_NN`, as the server has allocated it.
    Date,
    /// A Git commit: 7 to 64 hexadecimal digits in lower case.
    GitSha,
    /// A semantic version, also with a `v` in front; what follows a `+` follows a `_`, because tags have no `+`.
    Semver,
    /// The version of the software inside, as base images have it: `21`, `3.20.1`, `21.0.4-jdk-alpine3.20`.
    SoftwareVersion,
    /// A pattern of one's own that the whole tag matches.
    Pattern(TagPattern),
}

/// A regular expression for whole tags. It is matched in time that grows with the tag's length alone.
#[derive(Debug, Clone)]
pub struct TagPattern {
    text: String,
    regex: Regex,
}

impl Form {
    /// Whether a tag has this form. Whether a date version was allocated is another question.
    pub(crate) fn accepts(&self, tag: &Tag) -> bool {
        let text = tag.as_str();
        match self {
            Self::Date => text.parse::<DateVersion>().is_ok(),
            Self::GitSha => is_git_sha(text),
            Self::Semver => is_semver(text.strip_prefix('v').unwrap_or(text)),
            Self::SoftwareVersion => is_software_version(text),
            Self::Pattern(pattern) => pattern.regex.is_match(text),
        }
    }

    /// What it is, with an example, for somebody whose tag was refused.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Date => "a date version that the server allocated, as `20261130_01`".to_owned(),
            Self::GitSha => "a Git commit, as `9fceb02d0ae5`".to_owned(),
            Self::Semver => "a semantic version, as `1.4.2`".to_owned(),
            Self::SoftwareVersion => "the version of the software inside, as `3.20.1`".to_owned(),
            Self::Pattern(pattern) => format!("what matches `{}`", pattern.text),
        }
    }
}

/// Whether a text is a Git commit, whole or abbreviated.
pub(super) fn is_git_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Semantic Versioning 2.0.0, section 2 and 9 to 10.
fn is_semver(text: &str) -> bool {
    let (text, build) = text.split_once('_').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let is_identifier =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_number = |part: &str| {
        let is_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && (part == "0" || !part.starts_with('0'))
    };
    let is_pre =
        |part: &str| is_identifier(part) && (!part.bytes().all(|byte| byte.is_ascii_digit()) || is_number(part));
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_pre))
        && build.is_none_or(|build| build.split('.').all(is_identifier))
}

/// One to five numbers with dots between them, and behind a `-` whatever says which variant it is.
fn is_software_version(text: &str) -> bool {
    let (numbers, variant) = text.split_once('-').map_or((text, None), |(text, variant)| (text, Some(variant)));
    let is_number =
        |part: &str| (1..=MAX_DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() <= 5
        && numbers.split('.').all(is_number)
        && variant.is_none_or(|variant| variant.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()))
}

impl TagPattern {
    /// The pattern of a text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            return Err(format!("a pattern for tags has 1 to {MAX_PATTERN_BYTES} bytes"));
        }
        let compile = |text: &str| RegexBuilder::new(text).size_limit(MAX_COMPILED_BYTES).build();
        // By itself first: `a)|(b` would be one only with what is put around it.
        let regex = compile(text).and_then(|_| compile(&format!("^(?:{text})$")));
        let regex = regex.map_err(|error| format!("`{text}` is no regular expression: {error}"))?;
        Ok(Self { text: text.to_owned(), regex })
    }
}

impl PartialEq for TagPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for TagPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for TagPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &Form, good: &[&str], bad: &[&str]) {
        let accepts = |text: &str| form.accepts(&text.parse().expect("a tag"));
        for text in good {
            assert!(accepts(text), "{text} as {form:?}");
        }
        for text in bad {
            assert!(!accepts(text), "{text} as {form:?}");
        }
    }

    #[test]
    fn each_form_takes_its_own() {
        check(&Form::Date, &["20261130_01", "20261130_100"], &["20261130_1", "20261131_01", "20261130-01", "v1"]);
        let sha = "9fceb02d0ae598e95dc970b74767f19372d61af8";
        check(
            &Form::GitSha,
            &[sha, "9fceb02", "20261130"],
            &["9fceb0", "9FCEB02", "9fceb0g", &"a".repeat(65), "git-9fceb02"],
        );
        let semver = ["1.2.3", "v1.2.3", "0.0.0", "1.2.3-rc.1", "1.2.3-0a.b-c", "1.2.3_build.5", "1.2.3-rc.1_001"];
        check(
            &Form::Semver,
            &semver,
            &["1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "vv1.2.3", "1.2.3_", "1.2.x"],
        );
        let software = ["21", "24.04", "3.20.1", "21.0.4-jdk-alpine3.20", "1.2.3.4.5", "12-slim"];
        check(
            &Form::SoftwareVersion,
            &software,
            &["1.2.3.4.5.6", "1.", "v1", "20261130_01", "12-", "1-_a", "1234567", "latest"],
        );
        let pattern = Form::Pattern(TagPattern::parse("rc-[0-9]+|final").expect("valid"));
        check(&pattern, &["rc-1", "rc-12", "final"], &["rc-", "xrc-1", "rc-1x", "finally", "a-final"]);
    }

    #[test]
    fn a_pattern_is_small_and_compiles() {
        for bad in
            ["", "[", "a)|(b", "a{1000000}", "(((((a{100}){100}){100}){100}){100})", &"a".repeat(MAX_PATTERN_BYTES + 1)]
        {
            assert!(TagPattern::parse(bad).is_err(), "{bad}");
        }
        let long = format!("{}!", "a".repeat(120));
        assert!(!TagPattern::parse("(a|a)*(a+)+b").expect("valid").regex.is_match(&long));
    }

    #[test]
    fn a_form_is_a_word_or_a_pattern() {
        let forms: Vec<Form> = serde_json::from_str(r#"["date","git_sha",{"pattern":"rc-[0-9]+"}]"#).expect("valid");
        assert_eq!(forms[2], Form::Pattern(TagPattern::parse("rc-[0-9]+").expect("valid")));
        let written = serde_json::to_string(&forms).expect("written");
        assert_eq!(written, r#"["date","git_sha",{"pattern":"rc-[0-9]+"}]"#);
        assert!(serde_json::from_str::<Form>(r#"{"pattern":"["}"#).is_err());
        assert!(serde_json::from_str::<Form>(r#""calver""#).is_err());
    }
}
