//! Any bytes as a signed document: never a panic, and what is read says the same when it is written again.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use wharf_trust::{PublicKey, predicate, verify};
use wharf_oci::dsse::{self, Envelope};
use wharf_oci::statement::Statement;
use wharf_oci::{Algorithm, Digest};

fuzz_target!(|bytes: &[u8]| {
    for media_type in [dsse::MEDIA_TYPE, "application/vnd.dev.sigstore.bundle.v0.3+json"] {
        if let Ok(envelope) = Envelope::parse(media_type, bytes) {
            assert_eq!(Envelope::parse(dsse::MEDIA_TYPE, &envelope.render()).as_ref(), Ok(&envelope));
            let _ = Statement::parse(&envelope.payload);
        }
    }
    if let Ok(statement) = Statement::parse(bytes) {
        for predicate_type in ["https://slsa.dev/provenance/v1", statement.predicate_type.as_str()] {
            let said = predicate::read(predicate_type, &statement.predicate);
            assert_eq!(said.source.is_some(), said.revision.is_some());
        }
    }
    let key = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<PublicKey>().ok());
    let keys: BTreeMap<Digest, &PublicKey> = key.iter().map(|key| (key.fingerprint(), key)).collect();
    let subject = Digest::of(Algorithm::Sha256, b"");
    let signed = verify((dsse::MEDIA_TYPE, bytes), &subject, &keys);
    assert!(signed.is_err() || keys.is_empty(), "a key signs no envelope that it is itself");
});
