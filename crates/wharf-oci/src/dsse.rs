//! DSSE envelopes: a document, its type, and signatures over both.
//!
//! What is signed is not the JSON around the document but its pre-authentication encoding ([`Envelope::signed_bytes`]), so
//! that nobody has to agree on how JSON is written. Whether a signature is right, and whose it is, is not known here: key
//! ids are hints of whoever wrote the envelope. Spec: secure-systems-lab/dsse, `envelope.md` and `protocol.md`; bundles:
//! sigstore/protobuf-specs, `sigstore_bundle.proto`.

use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::members::Members;
use crate::json::{self, JsonError, MemberError};

/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// What the media types of sigstore's bundles begin with, each followed by its version.
const BUNDLE_PREFIXES: [&str; 2] =
    ["application/vnd.dev.sigstore.bundle.v0.", "application/vnd.dev.sigstore.bundle+json"];
/// The most signatures of one envelope that is read: each one costs whoever verifies.
pub const MAX_SIGNATURES: usize = 4;
/// The longest signature: that of an RSA key of 16,384 bits.
const MAX_SIGNATURE_BYTES: usize = 2048;
/// The longest type or key id.
const MAX_TEXT_BYTES: usize = 1024;

/// A document with signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is, as a media type or URI.
    pub payload_type: String,
    /// The document, byte for byte.
    pub payload: Vec<u8>,
    /// At least one.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which key may have made it; not signed itself, so no more than a hint. Empty where nothing is said.
    pub key_id: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// No strict JSON.
    #[error("the envelope is refused")]
    Json(#[from] JsonError),
    /// A member is missing or wrong.
    #[error("the envelope is refused: {0}")]
    Member(#[from] MemberError),
    /// Something is no base64.
    #[error("`{0}` of the envelope is not base64")]
    Base64(&'static str),
    /// No signature, or more than are read.
    #[error("the envelope has {0} signatures, and 1 to {MAX_SIGNATURES} are read")]
    Signatures(usize),
    /// A text or a signature is longer than any honest one.
    #[error("`{0}` of the envelope is too long")]
    TooLong(&'static str),
    /// A bundle that signs bytes elsewhere instead of holding a document.
    #[error("the bundle holds no DSSE envelope")]
    NoEnvelope,
}

/// Whether a blob of this media type holds an envelope, by itself or in a bundle.
pub fn is_signed_document(media_type: &str) -> bool {
    media_type == MEDIA_TYPE || is_bundle(media_type)
}

fn is_bundle(media_type: &str) -> bool {
    BUNDLE_PREFIXES.iter().any(|prefix| media_type.starts_with(prefix))
}

impl Envelope {
    /// Reads an envelope, or the one in a bundle, as the media type says.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let text = json::check(bytes)?;
        if !is_bundle(media_type) {
            return Self::read(text);
        }
        let members = Members::read(text, &["dsseEnvelope"])?;
        Self::read(members.get("dsseEnvelope").ok_or(EnvelopeError::NoEnvelope)?)
    }

    fn read(text: &str) -> Result<Self, EnvelopeError> {
        let members = Members::read(text, &["payloadType", "payload", "signatures"])?;
        let payload_type: String = members.string("payloadType")?.ok_or(MemberError::Missing("payloadType"))?;
        let payload = members.string("payload")?.ok_or(MemberError::Missing("payload"))?;
        let signatures = members.elements("signatures")?.ok_or(MemberError::Missing("signatures"))?;
        if payload_type.len() > MAX_TEXT_BYTES {
            return Err(EnvelopeError::TooLong("payloadType"));
        }
        if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::Signatures(signatures.len()));
        }
        let payload = decode(&payload).ok_or(EnvelopeError::Base64("payload"))?;
        let signatures = signatures.into_iter().map(signature).collect::<Result<_, _>>()?;
        Ok(Self { payload_type, payload, signatures })
    }

    /// What is signed: type and document, each behind its length.
    pub fn signed_bytes(&self) -> Vec<u8> {
        signed_bytes(&self.payload_type, &self.payload)
    }

    /// The envelope as JSON.
    pub fn render(&self) -> Vec<u8> {
        let signature =
            |signature: &Signature| Written { keyid: signature.key_id.clone(), sig: BASE64.encode(&signature.bytes) };
        let document = Document {
            payload: BASE64.encode(&self.payload),
            payload_type: &self.payload_type,
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_vec(&document).expect("texts are always JSON")
    }
}

/// What is signed of a document that is in no envelope yet.
pub fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    payload: String,
    payload_type: &'a str,
    signatures: Vec<Written>,
}

#[derive(Serialize)]
struct Written {
    #[serde(skip_serializing_if = "String::is_empty")]
    keyid: String,
    sig: String,
}

fn signature(raw: &RawValue) -> Result<Signature, EnvelopeError> {
    let members = Members::read(raw.get(), &["keyid", "sig"])?;
    let key_id = members.string("keyid")?.unwrap_or_default();
    let bytes = members.string("sig")?.ok_or(MemberError::Missing("sig"))?;
    let bytes = decode(&bytes).ok_or(EnvelopeError::Base64("sig"))?;
    if key_id.len() > MAX_TEXT_BYTES {
        return Err(EnvelopeError::TooLong("keyid"));
    }
    if bytes.len() > MAX_SIGNATURE_BYTES {
        return Err(EnvelopeError::TooLong("sig"));
    }
    Ok(Signature { key_id, bytes })
}

/// Both alphabets of base64 are allowed.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let encodings = [BASE64, BASE64URL, BASE64URL_NOPAD];
    encodings.iter().find_map(|encoding| encoding.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification (protocol.md).
    const PAYLOAD: &[u8] = b"hello world";
    const TYPE: &str = "http://example.com/HelloWorld";

    fn read(text: &str) -> Result<Envelope, EnvelopeError> {
        Envelope::parse(MEDIA_TYPE, text.as_bytes())
    }

    #[test]
    fn the_signed_bytes_are_those_of_the_specification() {
        let text = format!(
            r#"{{"payload":"aGVsbG8gd29ybGQ=","payloadType":"{TYPE}","signatures":[{{"keyid":"k","sig":"AAEC"}},{{"sig":"_-8"}}]}}"#
        );
        let envelope = read(&text).expect("an envelope");
        assert_eq!((envelope.payload.as_slice(), envelope.payload_type.as_str()), (PAYLOAD, TYPE));
        assert_eq!(envelope.signed_bytes(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(
            (envelope.signatures[0].key_id.as_str(), envelope.signatures[0].bytes.as_slice()),
            ("k", &[0, 1, 2][..])
        );
        assert_eq!(envelope.signatures[1], Signature { key_id: String::new(), bytes: vec![0xff, 0xef] });
        assert_eq!(Envelope::parse(MEDIA_TYPE, &envelope.render()), Ok(envelope));
    }

    #[test]
    fn a_bundle_holds_an_envelope_or_none() {
        let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let inner = r#"{"payload":"e30=","payloadType":"t","signatures":[{"sig":"AA=="}]}"#;
        let text = format!(r#"{{"mediaType":"{bundle}","verificationMaterial":{{}},"dsseEnvelope":{inner}}}"#);
        assert_eq!(Envelope::parse(bundle, text.as_bytes()), read(inner));
        let other = br#"{"messageSignature":{"signature":"AA=="}}"#;
        assert_eq!(Envelope::parse(bundle, other), Err(EnvelopeError::NoEnvelope));
        assert!(
            is_signed_document(bundle) && is_signed_document("application/vnd.dev.sigstore.bundle+json;version=0.2")
        );
        assert!(!is_signed_document("application/vnd.in-toto+json"), "that may be a statement without a signature");
    }

    #[test]
    fn what_is_ambiguous_or_absurd_is_refused() {
        let with = |signatures: &str| format!(r#"{{"payload":"e30=","payloadType":"t","signatures":[{signatures}]}}"#);
        let one = r#"{"sig":"AA=="}"#;
        assert!(read(&with(one)).is_ok());
        assert_eq!(read(&with("")), Err(EnvelopeError::Signatures(0)));
        assert_eq!(read(&with(&[one; 5].join(","))), Err(EnvelopeError::Signatures(5)));
        assert_eq!(read(&with(r#"{"sig":"*"}"#)), Err(EnvelopeError::Base64("sig")));
        let long = format!(r#"{{"sig":"{}"}}"#, "AAAA".repeat(1000));
        assert_eq!(read(&with(&long)), Err(EnvelopeError::TooLong("sig")));
        for bad in [
            r#"{"payload":"e30=","payload":"e30=","payloadType":"t","signatures":[]}"#,
            r#"{"Payload":"e30=","payloadType":"t","signatures":[{"sig":"AA=="}]}"#,
            r#"{"payload":"e30=","payloadType":"t","signatures":[[]]}"#,
            r#"{"payload":7,"payloadType":"t","signatures":[{"sig":"AA=="}]}"#,
            "[]",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
