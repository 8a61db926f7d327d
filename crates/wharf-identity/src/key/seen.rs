//! Remembers which signatures were found right, because a client shows one token for hundreds of requests and the
//! arithmetic of one costs more than the rest of a request.
//!
//! That a public key verifies a text with a signature is a fact of arithmetic: it never changes, so remembering it
//! grants nothing. Whether the key is still ours, whether the token has ended, and what it grants is judged each time.

use std::time::Duration;

use moka::sync::Cache;
use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, UnparsedPublicKey};

/// How many signatures are remembered; only right ones are, so a stranger cannot push others out.
const MAX_SIGNATURES: u64 = 20_000;
/// How long one is remembered that nobody shows any more.
const IDLE: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct SeenSignatures(Cache<[u8; 32], ()>);

impl Default for SeenSignatures {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_SIGNATURES).time_to_idle(IDLE).build())
    }
}

impl SeenSignatures {
    /// Whether `signature` is `public_key`'s on `signed`.
    pub(crate) fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        let fact = fact(public_key, signed, signature);
        if self.0.get(&fact).is_some() {
            return true;
        }
        let is_right = UnparsedPublicKey::new(&ED25519, public_key).verify(signed, signature).is_ok();
        if is_right {
            self.0.insert(fact, ());
        }
        is_right
    }
}

/// One digest over all three, each with its length in front, so that no two facts have one text.
fn fact(public_key: &[u8], signed: &[u8], signature: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [public_key, signed, signature] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut fact = [0; 32];
    fact.copy_from_slice(context.finish().as_ref());
    fact
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    #[test]
    fn a_right_signature_is_right_again_and_for_nothing_else() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("a seed");
        let (key, signature) = (pair.public_key().as_ref(), pair.sign(b"text"));
        let seen = SeenSignatures::default();
        for _ in 0..2 {
            assert!(seen.verify(key, b"text", signature.as_ref()));
            assert!(!seen.verify(key, b"texts", signature.as_ref()));
            assert!(!seen.verify(key, b"text", &[0; 64]));
            assert!(!seen.verify(other.public_key().as_ref(), b"text", signature.as_ref()));
            assert!(!seen.verify(key, b"tex", &[b"t", signature.as_ref()].concat()));
        }
    }
}
