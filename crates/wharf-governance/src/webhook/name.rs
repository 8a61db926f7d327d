//! Names of webhooks, out and in: unique in their project, part of paths and addresses.

use std::fmt;
use std::str::FromStr;

const MAX_NAME_BYTES: usize = 63;

/// Why a text is no name of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook's name is 1 to {MAX_NAME_BYTES} of `a`–`z`, `0`–`9`, `.`, `_` and `-`, and begins with a letter or a digit"
)]
pub struct NameError;

/// The name of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookName(String);

impl WebhookName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = text.len() <= MAX_NAME_BYTES
            && text.bytes().next().is_some_and(is_alphanumeric)
            && text.bytes().all(|byte| is_alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if is_name { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_paths() {
        for good in ["ci", "0", "gitlab-main", "a.b_c"] {
            assert!(good.parse::<WebhookName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", ".", "A", "a/b", "a b", "ü", &"a".repeat(64)] {
            assert!(bad.parse::<WebhookName>().is_err(), "{bad}");
        }
    }
}
