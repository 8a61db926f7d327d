//! Secrets: passwords, robot secrets, tokens. They are compared and hashed here and never printed.
//!
//! A secret has no `Display`, its `Debug` shows nothing, and its memory is wiped when it is dropped. How passwords are
//! hashed is not decided here: see [`crate::password`].

use std::fmt;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::Error;

const RANDOM_BYTES: usize = 32;
const READABLE_BYTES: usize = 20;

/// A secret text. Only [`Secret::expose`] shows it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text in charge.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for a hash function, or for the one answer that hands it to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A new secret of 256 random bits behind `prefix`, by which scanners for leaked secrets know it.
    pub(crate) fn generate(prefix: &str) -> Result<Self, Error> {
        let bytes = Zeroizing::new(random::<RANDOM_BYTES>()?);
        Ok(Self::new(format!("{prefix}{}", BASE64URL_NOPAD.encode(bytes.as_slice()))))
    }

    /// A new password of 160 random bits that a person can read from a screen and type.
    pub(crate) fn readable() -> Result<Self, Error> {
        let bytes = Zeroizing::new(random::<READABLE_BYTES>()?);
        Ok(Self::new(BASE32_NOPAD.encode(bytes.as_slice()).to_ascii_lowercase()))
    }

    /// SHA-256 of the text: enough for secrets that we made ourselves, which nobody can guess.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.expose().as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Fingerprint(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// SHA-256 of a secret of high entropy. This, and not the secret, is stored.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// What no secret has: compared against where there is no row, so that both ways take the same time.
    pub(crate) const NONE: Self = Self([0; 32]);

    /// Reads what the catalog holds.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares in constant time (Harbor's CVE-2023-20902 was a comparison that was not).
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// `N` bytes of the operating system's randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", secret.fingerprint()), "Secret(…) Fingerprint(…)");
    }

    #[test]
    fn generated_secrets_are_long_and_differ() {
        let (one, two) = (Secret::generate("x_").expect("random"), Secret::generate("x_").expect("random"));
        assert_eq!(one.expose().len(), "x_".len() + 43);
        assert_ne!(one.expose(), two.expose());
        let readable = Secret::readable().expect("random");
        assert!(readable.expose().len() == 32 && readable.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(one.fingerprint().matches(&one.clone().fingerprint()));
        assert!(!one.fingerprint().matches(&two.fingerprint()));
        assert!(!one.fingerprint().matches(&Fingerprint::NONE));
    }
}
