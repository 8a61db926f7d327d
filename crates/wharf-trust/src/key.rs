//! Public keys: how policies write them, and whether one of them signed something.
//!
//! A key is what `openssl pkey -pubout` and `cosign generate-key-pair` write: SubjectPublicKeyInfo (RFC 5280) in PEM. Its
//! algorithm follows from the key alone; nothing that came with a signature has a say in it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spki::der::Document;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use wharf_oci::{Algorithm, Digest};

const LABEL: &str = "PUBLIC KEY";
/// The longest key that is read: RSA of 16,384 bits needs less.
const MAX_PEM_BYTES: usize = 4096;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// What stands before the 32 bytes of an Ed25519 key (RFC 8410).
const ED_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that verifies.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo.
    der: Vec<u8>,
    kind: KeyKind,
    /// What the algorithm itself reads.
    key: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    Ed25519,
    P256,
    P384,
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not PEM, or of something else.
    #[error("a key is PEM that begins with `-----BEGIN PUBLIC KEY-----`, as `openssl pkey -pubout` writes it")]
    NotPem,
    /// An algorithm that is not verified here.
    #[error("a key is of ECDSA on P-256 or P-384, of Ed25519, or of RSA")]
    Algorithm,
}

impl PublicKey {
    /// A key by the 32 bytes that Ed25519 reads.
    pub fn ed25519(key: [u8; 32]) -> Self {
        Self { der: [&ED_PREFIX[..], &key].concat(), kind: KeyKind::Ed25519, key: key.to_vec() }
    }

    /// What the key is known by: the digest of its SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(Algorithm::Sha256, &self.der)
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> String {
        let lines: Vec<String> = data_encoding::BASE64
            .encode(&self.der)
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        format!("-----BEGIN {LABEL}-----\n{}\n-----END {LABEL}-----\n", lines.join("\n"))
    }

    /// Whether this key signed these bytes.
    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithms: &[&'static dyn VerificationAlgorithm] = match self.kind {
            KeyKind::Rsa => &[&RSA_PKCS1_2048_8192_SHA256, &RSA_PSS_2048_8192_SHA256],
            KeyKind::Ed25519 => &[&ED25519],
            KeyKind::P256 => &[&ECDSA_P256_SHA256_ASN1],
            // Tools differ in which hash belongs to this curve.
            KeyKind::P384 => &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1],
        };
        let verify = |algorithm: &&'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(*algorithm, &self.key).verify(message, signature).is_ok()
        };
        algorithms.iter().any(verify)
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        if text.len() > MAX_PEM_BYTES {
            return Err(PublicKeyError::NotPem);
        }
        let (label, document) = Document::from_pem(text).map_err(|_| PublicKeyError::NotPem)?;
        if label != LABEL {
            return Err(PublicKeyError::NotPem);
        }
        let der = document.as_bytes().to_vec();
        let (kind, key) = {
            let info = SubjectPublicKeyInfoRef::try_from(der.as_slice()).map_err(|_| PublicKeyError::NotPem)?;
            let kind = kind(&info).ok_or(PublicKeyError::Algorithm)?;
            (kind, info.subject_public_key.as_bytes().ok_or(PublicKeyError::Algorithm)?.to_vec())
        };
        Ok(Self { der, kind, key })
    }
}

fn kind(info: &SubjectPublicKeyInfoRef<'_>) -> Option<KeyKind> {
    match info.algorithm.oid {
        RSA => Some(KeyKind::Rsa),
        ED => Some(KeyKind::Ed25519),
        EC => match info.algorithm.parameters_oid().ok()? {
            P256 => Some(KeyKind::P256),
            P384 => Some(KeyKind::P384),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.fingerprint())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_pem())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
