//! Names in a cold place: parts with slashes between them, which every file system and endpoint takes as they are.

use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes; S3 takes 1,024 with the prefix.
const MAX_NAME_BYTES: usize = 800;
/// The longest part, in bytes: what file systems take.
const MAX_PART_BYTES: usize = 255;

/// A name. It leads to nothing outside of its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName(String);

/// The text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name in a cold place is parts of letters, digits, `.`, `_`, `-` and `+` that begin with a letter or digit, with `/` between them"
)]
pub struct ObjectNameError;

impl ObjectName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name below this one.
    pub fn join(&self, rest: &str) -> Result<Self, ObjectNameError> {
        format!("{}/{rest}", self.0).parse()
    }
}

impl FromStr for ObjectName {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        let is_part = |part: &str| {
            (1..=MAX_PART_BYTES).contains(&part.len())
                && part.as_bytes()[0].is_ascii_alphanumeric()
                && part.bytes().all(is_plain)
        };
        let is_name = text.len() <= MAX_NAME_BYTES && text.split('/').all(is_part);
        if is_name { Ok(Self(text.to_owned())) } else { Err(ObjectNameError) }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["a", "pay/app/1", "pay/my-app_2/blobs/sha256/00ff", "oci-layout", "x/index.json"] {
            assert_eq!(good.parse::<ObjectName>().as_ref().map(ObjectName::as_str), Ok(good));
        }
        for bad in ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", ".hidden", "a\0", "a b", "ä", "a\\b", "-a"] {
            assert_eq!(bad.parse::<ObjectName>(), Err(ObjectNameError), "{bad}");
        }
        let part = "a".repeat(256);
        assert!(part.parse::<ObjectName>().is_err() && part[1..].parse::<ObjectName>().is_ok());
        assert!(vec!["a"; 401].join("/").parse::<ObjectName>().is_err());
        let name: ObjectName = "a/b".parse().expect("a name");
        assert_eq!(name.join("c").map(|name| name.to_string()), Ok("a/b/c".to_owned()));
        assert_eq!(name.join("../c"), Err(ObjectNameError));
    }
}
