//! Signatures of messages, as [Standard Webhooks](https://www.standardwebhooks.com) has them: HMAC-SHA-256 over id,
//! time and body.
//!
//! Three headers: `webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature` (`v1,` and base64; several
//! divided by spaces while a secret is being replaced). A receiver that checks the time within five minutes, and remembers
//! ids for as long, takes no message twice.

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// What a secret begins with as text.
const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;
/// The key sizes that the scheme allows.
const MIN_KEY_BYTES: usize = 24;
const MAX_KEY_BYTES: usize = 64;

/// The key that a webhook's messages are signed with. Wiped when it is dropped, shown by [`SigningSecret::expose`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    /// A new one of 256 random bits; `None` where the system gives no random bytes.
    pub fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// A key's bytes.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?);
        (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The text that receivers are given.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// The key itself, to be sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The signature of a message: `v1,` and base64.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let tag = hmac::sign(&self.key(), &message(id, seconds, body));
        format!("v1,{}", BASE64.encode(tag.as_ref()))
    }

    /// Whether one of a header's signatures is this secret's. The time that it takes tells nothing about the right one.
    pub fn verify(&self, id: &str, seconds: i64, body: &[u8], header: &str) -> bool {
        let message = message(id, seconds, body);
        let signatures = header.split(' ').filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?.as_bytes()).ok());
        signatures.take(8).any(|signature| hmac::verify(&self.key(), &message, &signature).is_ok())
    }

    /// What answers an inquiry: it follows from its id. No id of a message begins like what is signed here.
    pub fn token(&self, inquiry: &str) -> String {
        BASE64URL_NOPAD.encode(hmac::sign(&self.key(), &answering(inquiry)).as_ref())
    }

    /// Whether a text is the token of an inquiry. The time that it takes tells nothing about the right one.
    pub fn is_token(&self, inquiry: &str, token: &str) -> bool {
        let Ok(tag) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return false };
        hmac::verify(&self.key(), &answering(inquiry), &tag).is_ok()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

fn answering(inquiry: &str) -> Vec<u8> {
    ["inquiry\n", inquiry].concat().into_bytes()
}

fn message(id: &str, seconds: i64, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body].concat()
}

/// Whether `hex` is HMAC-SHA-256 of a body: how GitHub, Gitea, Forgejo and Gogs sign.
pub(crate) fn verify_hex(key: &[u8], body: &[u8], hex: &str) -> bool {
    let Ok(tag) = HEXLOWER.decode(hex.as_bytes()) else { return false };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), body, &tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the Standard Webhooks libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn the_example_of_the_scheme_is_signed_as_it_says() {
        let secret = SigningSecret::parse(SECRET).expect("a secret");
        assert_eq!(secret.sign(ID, 1_614_265_330, BODY), SIGNATURE);
        assert_eq!(secret.expose(), SECRET);
    }

    #[test]
    fn a_signature_is_for_one_id_time_body_and_secret() {
        let secret = SigningSecret::parse(SECRET).expect("a secret");
        assert!(secret.verify(ID, 1_614_265_330, BODY, SIGNATURE));
        assert!(secret.verify(ID, 1_614_265_330, BODY, &format!("v1,AAAA v2,x {SIGNATURE}")), "one of several");
        assert!(!secret.verify("msg_x", 1_614_265_330, BODY, SIGNATURE));
        assert!(!secret.verify(ID, 1_614_265_331, BODY, SIGNATURE));
        assert!(!secret.verify(ID, 1_614_265_330, b"{}", SIGNATURE));
        assert!(!SigningSecret::generate().expect("random").verify(ID, 1_614_265_330, BODY, SIGNATURE));
        for bad in ["", "v1,", "v1", SIGNATURE.trim_start_matches("v1,"), "v1,****"] {
            assert!(!secret.verify(ID, 1_614_265_330, BODY, bad), "{bad}");
        }
    }

    #[test]
    fn a_token_is_for_one_inquiry_and_secret() {
        let secret = SigningSecret::parse(SECRET).expect("a secret");
        let token = secret.token(ID);
        assert!(secret.is_token(ID, &token) && !secret.is_token("msg_x", &token) && !secret.is_token(ID, ""));
        assert!(!SigningSecret::generate().expect("random").is_token(ID, &token));
    }

    #[test]
    fn a_secret_has_one_spelling_and_never_shows_itself() {
        let made = SigningSecret::generate().expect("random");
        assert_eq!(SigningSecret::parse(&made.expose()), Some(made.clone()));
        assert_eq!(format!("{made:?}"), "SigningSecret(…)");
        for bad in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_****"] {
            assert_eq!(SigningSecret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_hex_signature_is_the_example_of_its_inventor() {
        // From GitHub's own page about checking deliveries.
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(verify_hex(b"It's a Secret to Everybody", b"Hello, World!", hex));
        assert!(!verify_hex(b"It's a secret to everybody", b"Hello, World!", hex));
        assert!(!verify_hex(b"It's a Secret to Everybody", b"Hello, World", hex));
        assert!(!verify_hex(b"It's a Secret to Everybody", b"Hello, World!", "zz"));
    }
}
