//! Tokens: what a realm gives for a log-in, kept until shortly before they expire.
//!
//! Spec: distribution's token authentication and its OAuth2 form.

use std::time::Duration;

use http::HeaderValue;
use serde::Deserialize;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::credentials::authorization;

/// What a token is good for when nothing is said.
const DEFAULT_SECONDS: u64 = 60;
/// A token this near its end is not used: the request would arrive too late.
const MARGIN: Duration = Duration::from_secs(10);

/// A token and until when it is used.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<Zeroizing<String>>,
    access_token: Option<Zeroizing<String>>,
    refresh_token: Option<Zeroizing<String>>,
    expires_in: Option<u64>,
}

/// What a realm gave.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) token: Token,
    /// What later tokens are got with, instead of the password.
    pub(crate) refresh_token: Option<Zeroizing<String>>,
}

impl Given {
    /// Reads a realm's answer; `None` when there is no token in it.
    pub(crate) fn read(body: &[u8], now: Instant) -> Option<Self> {
        let answer: Answer = serde_json::from_slice(body).ok()?;
        let given = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty())?;
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or_default().clamp(DEFAULT_SECONDS, 24 * 3600));
        let token = Token { header: authorization("Bearer", &given)?, until: now + lifetime - MARGIN };
        Some(Self { token, refresh_token: answer.refresh_token.filter(|token| !token.is_empty()) })
    }
}

impl Token {
    /// Whether it can still be used.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_a_token_are_known() {
        let now = Instant::now();
        for (body, header) in [
            (r#"{"token":"a"}"#, Some("Bearer a")),
            (r#"{"access_token":"b"}"#, Some("Bearer b")),
            (r#"{"token":"","access_token":"b","expires_in":300}"#, Some("Bearer b")),
            (r#"{"token":"a\nb"}"#, None),
            (r#"{"token":""}"#, None),
            ("{}", None),
            ("[]", None),
            ("", None),
        ] {
            let given = Given::read(body.as_bytes(), now);
            assert_eq!(
                given.map(|given| given.token.header),
                header.map(|text| text.parse().expect("a header")),
                "{body}"
            );
        }
    }

    #[test]
    fn a_token_is_not_used_to_its_last_second() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for (body, lifetime) in [
            (r#"{"token":"a"}"#, 60),
            (r#"{"token":"a","expires_in":1}"#, 60),
            (r#"{"token":"a","expires_in":300}"#, 300),
            (r#"{"token":"a","expires_in":18446744073709551615}"#, 24 * 3600),
        ] {
            let token = Given::read(body.as_bytes(), now).expect("a token").token;
            assert!(token.is_fresh(now + second * (lifetime - 11)) && !token.is_fresh(now + second * (lifetime - 10)));
        }
    }
}
