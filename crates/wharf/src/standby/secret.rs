//! The token by which the two servers of a pair know each other.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A token is no password: a machine makes it, so it can be long.
const LEAST_BYTES: usize = 16;

/// The token.
#[derive(Clone)]
pub(crate) struct Token(Arc<Zeroizing<String>>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Reads the file that the configuration names.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("read the standby's token in `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("`{}` holds no token", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let token = text.trim();
        ensure!(token.len() >= LEAST_BYTES, "a token has at least {LEAST_BYTES} characters: `openssl rand -hex 32`");
        ensure!(token.bytes().all(|byte| byte.is_ascii_graphic()), "a token is one word of ASCII");
        Ok(Self(Arc::new(Zeroizing::new(token.to_owned()))))
    }

    /// Whether a request brings it. How long it takes says nothing of how much of it was right.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| bool::from(given.ct_eq(self.0.as_bytes())))
    }

    /// What a request brings.
    pub(crate) fn header(&self) -> HeaderValue {
        let value = HeaderValue::from_str(&format!("Bearer {}", self.0.as_str()));
        let mut value = value.expect("a token is graphic ASCII");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_let_in() {
        let token = Token::parse(" 0123456789abcdef\n").expect("long enough");
        let brings = |value: &str| {
            let headers = [(header::AUTHORIZATION, value.parse().expect("a header"))].into_iter().collect();
            token.is_in(&headers)
        };
        assert!(brings("Bearer 0123456789abcdef"));
        for other in ["Bearer 0123456789abcde", "Bearer 0123456789abcdeg", "Basic 0123456789abcdef", "Bearer ", ""] {
            assert!(!brings(other), "{other}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(token.is_in(&[(header::AUTHORIZATION, token.header())].into_iter().collect()));
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn a_short_or_strange_token_is_refused() {
        for text in ["", "short", "0123456789 abcdef", "0123456789abcdeé"] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }
}
