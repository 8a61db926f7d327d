//! Checkpoints: what a signature over the chain says, and how it is verified without the server.
//!
//! A checkpoint is a JWS of the registry's own keys with a `typ` of its own: it can never be taken for a token, nor a token for
//! it. Whoever verifies knows which keys to believe: those of the export, or one that was noted before.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use wharf_context::Timestamp;
use wharf_db::audit::{AuditKey, ChainHash, Checkpoint, Link};

use crate::error::Error;
use crate::key::jws::{self, SigningKey, Use};

/// The claims.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// The number of the last row.
    sequence: i64,
    /// Its hash.
    hash: String,
    /// When this was signed: microseconds since 1970.
    at: i64,
}

/// What a verified checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where the chain stood.
    pub link: Link,
    /// When.
    pub at: Timestamp,
    /// Which key says so.
    pub key_id: String,
}

/// Signs where the chain stands.
pub(super) fn sign(key: &SigningKey, link: Link, at: Timestamp) -> Result<(Checkpoint, AuditKey), Error> {
    let claims = Claims { sequence: link.sequence, hash: link.hash.to_string(), at: at.0 };
    let payload = serde_json::to_vec(&claims).map_err(Error::Claims)?;
    let (key_id, public_key) = (key.id().to_owned(), key.public_key().to_vec());
    let document = key.sign(Use::Checkpoint, &payload);
    let checkpoint = Checkpoint { sequence: link.sequence, hash: link.hash, at, key_id: key_id.clone(), document };
    Ok((checkpoint, AuditKey { id: key_id, public_key }))
}

/// The keys that checkpoints are verified with.
#[derive(Debug, Clone, Default)]
pub struct CheckpointKeys {
    /// By the header that each writes.
    by_header: BTreeMap<String, AuditKey>,
}

impl CheckpointKeys {
    /// These keys. The id of each follows from the key itself: a key under another's id is left out.
    pub fn new(public_keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let key = |public_key: Vec<u8>| {
            let id = jws::thumbprint(&public_key);
            (jws::header(&id, Use::Checkpoint), AuditKey { id, public_key })
        };
        Self { by_header: public_keys.into_iter().map(key).collect() }
    }

    /// Only the keys of these ids.
    #[must_use]
    pub fn only(mut self, ids: &[String]) -> Self {
        self.by_header.retain(|_, key| ids.contains(&key.id));
        self
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &AuditKey> {
        self.by_header.values()
    }

    /// The ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_header.values().map(|key| key.id.as_str())
    }

    /// What a checkpoint says; `None` unless one of these keys signed it.
    pub fn verify(&self, document: &str) -> Option<Statement> {
        let (signed, signature) = document.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let key = self.by_header.get(header)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        if !jws::is_signed_by(&key.public_key, signed.as_bytes(), &signature) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()?;
        let hash: ChainHash = claims.hash.parse().ok()?;
        let link = Link { sequence: claims.sequence, hash };
        Some(Statement { link, at: Timestamp(claims.at), key_id: key.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_700_000_000_000_000);

    fn key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate().expect("random")).expect("reads")
    }

    fn link() -> Link {
        Link { sequence: 7, hash: ChainHash([7; 32]) }
    }

    #[test]
    fn what_was_signed_is_said_by_its_key_alone() {
        let (ours, theirs) = (key(), key());
        let (checkpoint, public) = sign(&ours, link(), AT).expect("signed");
        let keys = CheckpointKeys::new([public.public_key.clone()]);
        let said = keys.verify(&checkpoint.document).expect("verified");
        assert_eq!(said, Statement { link: link(), at: AT, key_id: public.id.clone() });
        assert_eq!(CheckpointKeys::new([theirs.public_key().to_vec()]).verify(&checkpoint.document), None);
        assert_eq!(keys.clone().only(&["another".to_owned()]).verify(&checkpoint.document), None);
        assert!(keys.only(&[public.id]).verify(&checkpoint.document).is_some());
    }

    #[test]
    fn a_token_is_no_checkpoint() {
        let key = key();
        let claims = Claims { sequence: 7, hash: ChainHash([7; 32]).to_string(), at: AT.0 };
        let token = key.sign(Use::Token, &serde_json::to_vec(&claims).expect("JSON"));
        let keys = CheckpointKeys::new([key.public_key().to_vec()]);
        assert_eq!(keys.verify(&token), None);
        assert!(keys.verify(&sign(&key, link(), AT).expect("signed").0.document).is_some());
    }

    #[test]
    fn no_changed_letter_verifies() {
        let key = key();
        let (checkpoint, _) = sign(&key, link(), AT).expect("signed");
        let keys = CheckpointKeys::new([key.public_key().to_vec()]);
        for at in 0..checkpoint.document.len() {
            let mut changed = checkpoint.document.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(keys.verify(&changed), None, "{at}");
        }
    }
}
