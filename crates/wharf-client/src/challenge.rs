//! Challenges: what a registry asks for before it answers (`WWW-Authenticate`).
//!
//! Spec: RFC 9110, 11.6.1; distribution's token authentication. Whether a realm may be trusted with a log-in is decided
//! in [`crate::auth`].

use http::{HeaderMap, header};

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// The name and password themselves.
    Basic,
    /// A token, which the realm gives.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// The best of the challenges that an answer makes: a token before a password. Those of unknown schemes count for
/// nothing.
pub(crate) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut has_basic = false;
    for challenge in texts.filter_map(|text| http_auth::parse_challenges(text).ok()).flatten() {
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            has_basic = true;
        }
        if challenge.scheme.eq_ignore_ascii_case("bearer")
            && let Some(bearer) = bearer(&challenge)
        {
            return Some(bearer);
        }
    }
    has_basic.then_some(Challenge::Basic)
}

fn bearer(challenge: &http_auth::ChallengeRef<'_>) -> Option<Challenge> {
    let parameter = |name: &str| {
        let (_, value) = challenge.params.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        Some(value.to_unescaped()).filter(|value| !value.is_empty())
    };
    Some(Challenge::Bearer { realm: parameter("realm")?, service: parameter("service"), scope: parameter("scope") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(texts: &[&str]) -> Option<Challenge> {
        let values = texts.iter().map(|text| (header::WWW_AUTHENTICATE, text.parse().expect("a header")));
        read(&values.collect())
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        let bearer = |service: Option<&str>, scope: Option<&str>| {
            let (service, scope) = (service.map(str::to_owned), scope.map(str::to_owned));
            Some(Challenge::Bearer { realm: "https://auth.example/token".to_owned(), service, scope })
        };
        let full = r#"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push""#;
        assert_eq!(read_all(&[full]), bearer(Some("r.example"), Some("repository:a/b:pull,push")));
        assert_eq!(read_all(&[r#"BEARER Realm="https://auth.example/token", service="""#]), bearer(None, None));
        assert_eq!(read_all(&[r#"Basic realm="x", Bearer realm="https://auth.example/token""#]), bearer(None, None));
        assert_eq!(read_all(&["Basic realm=x", r#"Bearer realm="https://auth.example/token""#]), bearer(None, None));
        assert_eq!(read_all(&[r#"Basic realm="a \"quoted\" name""#]), Some(Challenge::Basic));
        for nothing in [
            "",
            "Negotiate",
            "Bearer",
            r#"Bearer service="x""#,
            "Bearer realm=",
            "=,=",
            r#"Digest realm="x", nonce="y""#,
        ] {
            assert_eq!(read_all(&[nothing]), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(realm in "[ -~]{1,30}", service in "[ -~]{1,30}", scope in "[ -~]{1,30}") {
            let quote = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
            let text = format!(
                r#"Bearer realm="{}",service="{}",scope="{}""#, quote(&realm), quote(&service), quote(&scope)
            );
            let expected = Challenge::Bearer { realm, service: Some(service), scope: Some(scope) };
            prop_assert_eq!(read_all(&[&text]), Some(expected));
        }

        #[test]
        fn no_header_panics(text in "[ -~\t]{0,80}") {
            drop(read_all(&[&text]));
        }
    }
}
