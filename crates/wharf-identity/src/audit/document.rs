//! Documents that the registry signs with its own key, beside the audit log's checkpoints.
//!
//! What is signed is a DSSE pre-authentication encoding, which begins with `DSSEv1 `: no header of a token or checkpoint does,
//! so that neither can be taken for the other.

use wharf_db::audit::AuditKey;
use wharf_oci::dsse::{self, Envelope, Signature};

use super::checkpoint::CheckpointKeys;
use crate::error::Error;
use crate::identity::Identity;

impl Identity {
    /// Signs a document with the key that signs checkpoints now. The key is one of [`Identity::list_audit_keys`] from then on.
    pub async fn sign_document(&self, payload_type: &str, payload: Vec<u8>) -> Result<Envelope, Error> {
        let key = self.keys.signing(self.clock.now()).await?;
        self.db.note_audit_key(&AuditKey { id: key.id().to_owned(), public_key: key.public_key().to_vec() }).await?;
        let bytes = key.sign_bytes(&dsse::signed_bytes(payload_type, &payload));
        let signatures = vec![Signature { key_id: key.id().to_owned(), bytes }];
        Ok(Envelope { payload_type: payload_type.to_owned(), payload, signatures })
    }
}

impl CheckpointKeys {
    /// The id of the key that signed a document; `None` unless one of these did.
    pub fn signer_of(&self, envelope: &Envelope) -> Option<&str> {
        let signed = envelope.signed_bytes();
        self.keys()
            .find(|key| {
                let mut signatures = envelope.signatures.iter();
                signatures.any(|signature| crate::key::jws::is_signed_by(&key.public_key, &signed, &signature.bytes))
            })
            .map(|key| key.id.as_str())
    }
}
