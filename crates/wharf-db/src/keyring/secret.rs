//! Secrets of 32 bytes and what is done with them: the master key wraps data keys, a data key seals small things.
//!
//! AES-256-GCM under random nonces: each key seals few things, far from where 96 random bits would come again. What is
//! sealed is bound to what it is for, so that it does not open in another place.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Purpose;
use crate::error::Error;

/// The first byte of everything that is sealed here.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// A key of 32 bytes, wiped when it is dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// The key that data keys are wrapped by. It lies outside of the catalog: in a file, or with the system's own secrets.
pub struct MasterKey {
    id: String,
    secret: Secret,
}

impl MasterKey {
    /// Reads a key: 32 bytes as they are, in hex, or in base64; a line end behind the text does not matter.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let secret = match bytes.try_into() {
            Ok(secret) => Zeroizing::new(secret),
            Err(_) => decode(bytes.trim_ascii())?,
        };
        Some(Self::new(secret))
    }

    /// A new key, and its text for a file.
    pub fn generate() -> Result<(Self, Zeroizing<String>), Error> {
        let secret = random()?;
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((Self::new(secret), Zeroizing::new(hex + "\n")))
    }

    fn new(secret: Secret) -> Self {
        let named = Zeroizing::new([b"wharf master key\0", &secret[..]].concat());
        let id = digest(&SHA256, &named).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { id, secret }
    }

    /// A fingerprint: the catalog says by it which master key wraps a data key.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, Error> {
        seal(&self.secret, &context(key.purpose, key.id), &key.secret[..])
    }

    pub(super) fn unwrap(&self, id: Uuid, purpose: Purpose, wrapped: &[u8]) -> Option<DataKey> {
        let secret = open(&self.secret, &context(purpose, id), wrapped)?;
        Some(DataKey { id, purpose, secret: Zeroizing::new(secret[..].try_into().ok()?) })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A key that things are sealed under. The catalog keeps it, wrapped.
pub struct DataKey {
    /// Its id, which stands with whatever is sealed under it.
    pub id: Uuid,
    pub(super) purpose: Purpose,
    secret: Secret,
}

impl DataKey {
    pub(super) fn generate(purpose: Purpose) -> Result<Self, Error> {
        Ok(Self { id: Uuid::now_v7(), purpose, secret: random()? })
    }

    /// The key itself, for a cipher that this crate does not have.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        self.secret.clone()
    }

    /// Seals something small for the place that `context` names: one byte of version, the key's id, a nonce, the
    /// ciphertext and its tag.
    pub fn seal(&self, context: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let sealed = seal(&self.secret, context.as_bytes(), bytes)?;
        Ok([&[VERSION], &self.id.as_bytes()[..], &sealed].concat())
    }

    pub(super) fn open(&self, context: &str, sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.secret, context.as_bytes(), sealed.bytes)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// Something sealed by [`DataKey::seal`], cut into its parts.
pub(super) struct Sealed<'s> {
    pub(super) key: Uuid,
    bytes: &'s [u8],
}

impl<'s> Sealed<'s> {
    pub(super) fn split(bytes: &'s [u8]) -> Option<Self> {
        let (key, bytes) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        Some(Self { key: Uuid::from_bytes(*key), bytes })
    }
}

fn context(purpose: Purpose, id: Uuid) -> Vec<u8> {
    [b"wharf data key\0", purpose.name().as_bytes(), b"\0", &id.as_bytes()[..]].concat()
}

fn seal(secret: &Secret, context: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_BYTES];
    SystemRandom::new().fill(&mut nonce).map_err(|_| Error::Random)?;
    let mut sealed = Vec::with_capacity(bytes.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(bytes);
    let done =
        cipher(secret).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed);
    done.expect("what is small is far below what GCM takes");
    Ok([&nonce[..], &sealed].concat())
}

fn open(secret: &Secret, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk()?;
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let opened = cipher(secret).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut bytes);
    let size_bytes = opened.ok()?.len();
    bytes.truncate(size_bytes);
    Some(bytes)
}

fn cipher(secret: &Secret) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret[..]).expect("32 bytes are a key of AES-256"))
}

fn random() -> Result<Secret, Error> {
    let mut secret = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut secret[..]).map_err(|_| Error::Random)?;
    Ok(secret)
}

/// Hex or base64 of 32 bytes: which one, its length says.
fn decode(text: &[u8]) -> Option<Secret> {
    let decoded = match text.len() {
        64 => data_encoding::HEXLOWER_PERMISSIVE.decode(text),
        44 => data_encoding::BASE64.decode(text),
        _ => return None,
    };
    let decoded = Zeroizing::new(decoded.ok()?);
    Some(Zeroizing::new(decoded[..].try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_reads_in_three_spellings_and_each_is_the_same_key() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).expect("small"));
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        let base64 = data_encoding::BASE64.encode(&bytes);
        let ids = [
            &bytes[..],
            hex.as_bytes(),
            hex.to_uppercase().as_bytes(),
            base64.as_bytes(),
            format!("{hex}\n").as_bytes(),
        ]
        .map(|spelling| MasterKey::parse(spelling).expect("reads").id().to_owned());
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for wrong in [&b""[..], b"short", &bytes[..31], &hex.as_bytes()[..63], b"g".repeat(64).as_slice()] {
            assert!(MasterKey::parse(wrong).is_none());
        }
        let (made, text) = MasterKey::generate().expect("random");
        assert_eq!(MasterKey::parse(text.as_bytes()).expect("reads").id(), made.id());
    }

    #[test]
    fn a_wrapped_key_opens_under_its_master_for_its_purpose_and_id_only() {
        let [(master, _), (other, _)] = [(); 2].map(|()| MasterKey::generate().expect("random"));
        let key = DataKey::generate(Purpose::Blobs).expect("random");
        let wrapped = master.wrap(&key).expect("wraps");
        assert_eq!(master.unwrap(key.id, Purpose::Blobs, &wrapped).expect("opens").secret(), key.secret());
        assert!(other.unwrap(key.id, Purpose::Blobs, &wrapped).is_none());
        assert!(master.unwrap(key.id, Purpose::Catalog, &wrapped).is_none());
        assert!(master.unwrap(Uuid::now_v7(), Purpose::Blobs, &wrapped).is_none());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(master.unwrap(key.id, Purpose::Blobs, &changed).is_none(), "{at}");
        }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let key = DataKey::generate(Purpose::Catalog).expect("random");
        let bytes = key.seal("here", b"secret").expect("seals");
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        let sealed = Sealed::split(&bytes).expect("own form");
        assert_eq!(sealed.key, key.id);
        assert_eq!(key.open("here", &sealed).expect("opens")[..], *b"secret");
        assert!(key.open("there", &sealed).is_none());
        assert!(Sealed::split(b"\x30\x51").is_none() && Sealed::split(b"").is_none());
    }

    #[test]
    fn no_key_shows_itself() {
        let (master, text) = MasterKey::generate().expect("random");
        let key = DataKey::generate(Purpose::Blobs).expect("random");
        let shown = format!("{master:?} {key:?}");
        assert!(!shown.contains(text.trim()) && !shown.contains(&format!("{:?}", key.secret())), "{shown}");
    }
}
