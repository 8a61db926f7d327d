//! What a client logs in with.

use std::fmt;

use data_encoding::BASE64;
use http::HeaderValue;
use zeroize::Zeroizing;

/// What a client logs in with. `Debug` shows no secret.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing: the registry may still answer.
    #[default]
    Anonymous,
    /// A name and its password, or a robot's or a cloud's secret.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// What gets a token for each use; a registry gave it at log-in.
    IdentityToken(Zeroizing<String>),
}

impl Credentials {
    /// Whether there are none.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }

    /// The header of HTTP's Basic scheme, where there is a password.
    pub(crate) fn basic(&self) -> Option<HeaderValue> {
        let Self::Password { username, password } = self else { return None };
        let pair = Zeroizing::new(format!("{username}:{}", password.as_str()));
        authorization("Basic", &BASE64.encode(pair.as_bytes()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Password { username, .. } => write!(f, "Password({username})"),
            Self::IdentityToken(_) => f.write_str("IdentityToken"),
        }
    }
}

/// A header that is not shown when the request is; `None` when the secret cannot stand in one.
pub(crate) fn authorization(scheme: &str, secret: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("{scheme} {secret}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_holds_a_secret() {
        let secret = || Zeroizing::new("hunter2".to_owned());
        let password = Credentials::Password { username: "ann".to_owned(), password: secret() };
        let token = Credentials::IdentityToken(secret());
        let header = password.basic().expect("a header");
        assert_eq!(header.as_bytes(), b"Basic YW5uOmh1bnRlcjI=");
        for shown in [format!("{password:?}"), format!("{token:?}"), format!("{header:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("YW5u"), "{shown}");
        }
        assert!(token.basic().is_none() && authorization("Bearer", "a\nb").is_none());
    }
}
