//! Passwords: how they are hashed, verified, and judged.
//!
//! argon2id for all that is stored from here on; bcrypt hashes that an htpasswd file brought are verified until their
//! owner's next log-in. Hashing runs on blocking threads, few at a time and with a bounded queue, so that a flood of
//! log-ins costs neither the CPU nor the memory of the rest. Whose password it is is not known here.

mod hasher;
pub(crate) mod htpasswd;

use std::fmt;

pub(crate) use hasher::{Hasher, Verdict};

use crate::error::Error;
use crate::name::UserName;
use crate::secret::Secret;

/// The fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The longest password, in bytes: hashing must not be made expensive by what a stranger sends.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password's hash as the catalog holds it: a PHC string, or bcrypt's `$2…$`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    pub(crate) fn from_catalog(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn is_bcrypt(&self) -> bool {
        self.0.starts_with("$2")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Refuses a new password that is too easy or too long.
pub(crate) fn judge(name: &UserName, password: &Secret) -> Result<(), Error> {
    let text = password.expose();
    let wrong = |reason| Err(Error::WeakPassword { reason });
    if text.chars().count() < MIN_PASSWORD_CHARS {
        return wrong("a password has at least 8 characters");
    }
    if text.len() > MAX_PASSWORD_BYTES {
        return wrong("a password has at most 1024 bytes");
    }
    if text.eq_ignore_ascii_case(name.as_str()) {
        return wrong("a password is not the user's name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_and_endless_passwords_are_refused() {
        let name: UserName = "administrator".parse().expect("valid");
        assert!(judge(&name, &Secret::new("correct horse")).is_ok());
        for bad in ["", "1234567", "Administrator", "ääääääá", &"x".repeat(1025)] {
            assert!(judge(&name, &Secret::new(bad)).is_err(), "{bad}");
        }
    }
}
