//! Compact JWS (RFC 7515) with Ed25519 (RFC 8037): signs our own tokens and verifies them.
//!
//! One algorithm, keys from our own set only. The header of a token is never interpreted: the text of its first part
//! must be, byte for byte, the header that one of our keys writes. `alg: none`, another algorithm, or a key brought
//! along in `jwk` or `x5c` (CVE-2025-24976) is simply a header that no key has. What a token says is not known here.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use wharf_context::Timestamp;
use zeroize::Zeroizing;

use super::seen::SeenSignatures;
use crate::error::Error;

/// The algorithm's name in headers and key sets.
pub(crate) const ALGORITHM: &str = "EdDSA";
/// The longest token that is looked at.
pub(crate) const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Why a token is not accepted. The client learns only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not three parts of base64url, too long, or not the claims that we write.
    #[error("the token is malformed")]
    Malformed,
    /// No key of ours writes such a header.
    #[error("the token was signed by no key of this registry")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Its time has ended.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// Issued by or for somebody else.
    #[error("the token was issued for another service")]
    OtherService,
}

/// What a signature is for. Each use writes a header of its own, and no other is accepted in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A token that a client shows.
    Token,
    /// A statement about the audit log.
    Checkpoint,
}

impl Use {
    fn typ(self) -> &'static str {
        match self {
            Self::Token => "JWT",
            Self::Checkpoint => "wharf-audit-checkpoint",
        }
    }
}

/// A key that signs.
pub(crate) struct SigningKey {
    id: String,
    header: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A new key as PKCS#8.
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, Error> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| Error::Random)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads a key; its id is the thumbprint of its public half (RFC 7638).
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| Error::MalformedRow { what: "a signing key" })?;
        let id = thumbprint(pair.public_key().as_ref());
        Ok(Self { header: header(&id, Use::Token), id, pair })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs bytes that no token or checkpoint could be: those begin with base64url and hold a dot.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }

    /// Signs a payload for one use.
    pub(crate) fn sign(&self, usage: Use, payload: &[u8]) -> String {
        let header = match usage {
            Use::Token => self.header.clone(),
            Use::Checkpoint => header(&self.id, usage),
        };
        let mut token = format!("{header}.{}", BASE64URL_NOPAD.encode(payload));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(signature.as_ref()));
        token
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A key that verifies.
#[derive(Debug, Clone)]
pub(crate) struct VerifyingKey {
    pub(crate) id: String,
    pub(crate) public_key: Vec<u8>,
    /// The end of the last token that it may have signed; `None` while it signs.
    pub(crate) until: Option<Timestamp>,
}

/// The keys that tokens are verified with, by the header that each writes.
#[derive(Debug, Default)]
pub(crate) struct VerifyingKeys {
    by_header: HashMap<String, VerifyingKey>,
    seen: Arc<SeenSignatures>,
}

impl VerifyingKeys {
    pub(crate) fn new(keys: impl IntoIterator<Item = VerifyingKey>, seen: Arc<SeenSignatures>) -> Self {
        Self { by_header: keys.into_iter().map(|key| (header(&key.id, Use::Token), key)).collect(), seen }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.by_header.values()
    }

    /// The payload of a token that one of the keys signed. Its claims are still to be judged.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Vec<u8>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let key = self.by_header.get(header).ok_or(TokenError::UnknownKey)?;
        if key.until.is_some_and(|until| until <= now) {
            return Err(TokenError::UnknownKey);
        }
        // Strict: no padding and no stray bits, so that a token has one spelling.
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| TokenError::Malformed)?;
        if !self.seen.verify(&key.public_key, signed.as_bytes(), &signature) {
            return Err(TokenError::BadSignature);
        }
        BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|_| TokenError::Malformed)
    }
}

/// Whether `signature` is `public_key`'s on `signed`. For what is looked at once: tokens go through [`SeenSignatures`].
pub(crate) fn is_signed_by(public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(signed, signature).is_ok()
}

/// RFC 7638: SHA-256 over the required members in lexical order.
pub(crate) fn thumbprint(public_key: &[u8]) -> String {
    let x = BASE64URL_NOPAD.encode(public_key);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64URL_NOPAD.encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()).as_ref())
}

pub(crate) fn header(id: &str, usage: Use) -> String {
    let typ = usage.typ();
    BASE64URL_NOPAD.encode(format!(r#"{{"alg":"{ALGORITHM}","kid":"{id}","typ":"{typ}"}}"#).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate().expect("random")).expect("reads")
    }

    fn verifying(key: &SigningKey, until: Option<Timestamp>) -> VerifyingKeys {
        let key = VerifyingKey { id: key.id().to_owned(), public_key: key.public_key().to_vec(), until };
        VerifyingKeys::new([key], Arc::default())
    }

    #[test]
    fn what_was_signed_verifies() {
        let key = key();
        let token = key.sign(Use::Token, b"{}");
        assert_eq!(verifying(&key, None).verify(&token, NOW), Ok(b"{}".to_vec()));
        assert_eq!(VerifyingKeys::default().verify(&token, NOW), Err(TokenError::UnknownKey));
    }

    #[test]
    fn what_was_signed_for_another_use_is_no_token() {
        let key = key();
        let statement = key.sign(Use::Checkpoint, b"{}");
        assert_eq!(verifying(&key, None).verify(&statement, NOW), Err(TokenError::UnknownKey));
    }

    #[test]
    fn a_retired_key_verifies_until_its_last_token_has_ended() {
        let key = key();
        let token = key.sign(Use::Token, b"{}");
        assert!(verifying(&key, Some(Timestamp(NOW.0 + 1))).verify(&token, NOW).is_ok());
        assert_eq!(verifying(&key, Some(NOW)).verify(&token, NOW), Err(TokenError::UnknownKey));
    }

    #[test]
    fn headers_of_others_are_not_interpreted() {
        let key = key();
        let keys = verifying(&key, None);
        let token = key.sign(Use::Token, b"{}");
        let rest = token.split_once('.').expect("three parts").1;
        let x = BASE64URL_NOPAD.encode(key.public_key());
        let id = key.id();
        for header in [
            r#"{"alg":"none"}"#.to_owned(),
            format!(r#"{{"alg":"none","kid":"{id}","typ":"JWT"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{id}","typ":"JWT"}}"#),
            format!(r#"{{"alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{id}","typ":"JWT","crit":["x"]}}"#),
            format!(r#"{{"kid":"{id}","alg":"EdDSA","typ":"JWT"}}"#),
            String::new(),
        ] {
            let forged = format!("{}.{rest}", BASE64URL_NOPAD.encode(header.as_bytes()));
            assert_eq!(keys.verify(&forged, NOW), Err(TokenError::UnknownKey), "{header}");
        }
        for malformed in ["", ".", "a.b", "..", &format!("{token}."), &format!("{token}="), &"a".repeat(70_000)] {
            assert!(keys.verify(malformed, NOW).is_err());
        }
    }

    #[test]
    fn a_key_of_the_same_name_does_not_help_a_forger() {
        let (ours, theirs) = (key(), key());
        let forged = SigningKey { id: ours.id.clone(), header: ours.header.clone(), pair: theirs.pair };
        assert_eq!(verifying(&ours, None).verify(&forged.sign(Use::Token, b"{}"), NOW), Err(TokenError::BadSignature));
    }

    proptest! {
        #[test]
        fn no_flipped_bit_verifies(payload in proptest::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let key = key();
            let keys = verifying(&key, None);
            let mut token = key.sign(Use::Token, &payload).into_bytes();
            prop_assert_eq!(keys.verify(std::str::from_utf8(&token).expect("ASCII"), NOW), Ok(payload));
            let at = at.index(token.len());
            token[at] ^= 1 << bit;
            if let Ok(flipped) = std::str::from_utf8(&token) {
                prop_assert!(keys.verify(flipped, NOW).is_err());
            }
        }

        #[test]
        fn no_text_panics_or_verifies(text in "[A-Za-z0-9_=.-]{0,200}|.{0,60}") {
            prop_assert!(verifying(&key(), None).verify(&text, NOW).is_err());
        }
    }
}
