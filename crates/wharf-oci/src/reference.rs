//! References: a tag or a digest inside one repository.
//!
//! Spec: distribution-spec, "Pulling manifests": a tag is `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};

/// The longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 128;

/// Why a text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Not a tag.
    #[error("a tag has 1 to {MAX_TAG_BYTES} letters, digits, `_`, `.` or `-`, and does not begin with `.` or `-`")]
    Tag,
    /// It holds a `:` and so is a digest, but a malformed one.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// A movable name of a manifest inside one repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

/// What attachments' tags end with, after `sha256-` and the digest's hash: cosign's, and nothing for the list of
/// referrers.
const ATTACHMENT_SUFFIXES: [&str; 4] = ["", ".sig", ".att", ".sbom"];

impl Tag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The manifest that such a tag is attached to: `sha256-HASH.sig`, `.att` and `.sbom`, by which cosign finds
    /// signatures, attestations and SBOMs, and `sha256-HASH`, the distribution-spec's "referrers tag".
    pub fn attached_to(&self) -> Option<Digest> {
        let rest = self.0.strip_prefix("sha256-")?;
        let (hash, suffix) = rest.split_at_checked(64)?;
        let is_ours = ATTACHMENT_SUFFIXES.contains(&suffix);
        is_ours.then(|| format!("sha256:{hash}").parse().ok()).flatten()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut bytes = text.bytes();
        let first_fits = bytes.next().is_some_and(is_word);
        if first_fits && text.len() <= MAX_TAG_BYTES && bytes.all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
        {
            return Ok(Self(text.to_owned()));
        }
        Err(ReferenceError::Tag)
    }
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By a name that may move.
    Tag(Tag),
    /// By its content.
    Digest(Digest),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            return Ok(Self::Digest(text.parse()?));
        }
        Ok(Self::Tag(text.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn a_colon_makes_a_digest() {
        let digest = Digest::of(Algorithm::Sha256, b"x");
        assert_eq!(digest.to_string().parse(), Ok(Reference::Digest(digest)));
        assert!(matches!("sha256:beef".parse::<Reference>(), Err(ReferenceError::Digest(_))));
        assert!(matches!("v1.0_a-b".parse::<Reference>(), Ok(Reference::Tag(_))));
    }

    #[test]
    fn an_attachments_tag_says_what_it_is_attached_to() {
        let digest = Digest::of(Algorithm::Sha256, b"x");
        let of = |text: &str| text.parse::<Tag>().expect("valid").attached_to();
        for suffix in ["", ".sig", ".att", ".sbom"] {
            assert_eq!(of(&format!("sha256-{}{suffix}", digest.hex())), Some(digest), "{suffix}");
        }
        let upper = digest.hex().to_uppercase();
        for other in ["latest", "sha256-abc.sig", &format!("sha256-{upper}.sig"), &format!("sha512-{}", digest.hex())] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of(&format!("sha256-{}.signature", digest.hex())), None);
    }

    #[test]
    fn tags_follow_the_grammar() {
        let longest = "a".repeat(128);
        for good in ["latest", "_x", "1.0", "A-b.c_d", &longest] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(129);
        for bad in ["", ".", "-a", ".a", "a/b", "a b", "ä", &too_long] {
            assert_eq!(bad.parse::<Tag>(), Err(ReferenceError::Tag), "{bad}");
        }
    }
}
