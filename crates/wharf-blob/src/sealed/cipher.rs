//! The cipher: AES-256-GCM over one segment at a time, under a key of the blob's own.
//!
//! *No nonce repeats under a key.* The key is derived from a data key, the blob's salt and its storage key. A nonce is an
//! epoch (64 random bits, drawn anew for every append and every finish) and the segment's number: within an epoch numbers
//! only go up, and an upload that drops bytes and seals other ones in their place does so in another epoch.
//!
//! *A segment opens only where it was sealed.* Its number is in the nonce; whether it is the last, and the tag of the
//! segment before it, are authenticated with it. So one that is moved, repeated or taken from another blob does not open,
//! and neither do bytes that were cut short or continued. One from an earlier try of the same upload, dropped since, opens
//! only before the segments that followed it then: no try but the one that was finished has an end.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::format::{EPOCH_BYTES, Head, TAG_BYTES};
use super::keys::DataKey;
use crate::error::Error;
use crate::key::StorageKey;

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A blob's segments.
    Segments,
    /// What an upload's state holds between two appends.
    Tail,
}

impl Use {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Segments => b"wharf blob 1 segments",
            Self::Tail => b"wharf blob 1 tail",
        }
    }
}

/// A segment's place: what it opens at, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Its number, from 0.
    pub(super) index: u32,
    /// Whether it ends the blob.
    pub(super) is_last: bool,
    /// The tag of the one before it; zeros for the first.
    pub(super) previous: [u8; TAG_BYTES],
}

/// A key derived for one use in one blob.
pub(super) struct Cipher(LessSafeKey);

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        AES_256_GCM.key_len()
    }
}

impl Cipher {
    /// The key for `usage` in the blob `key`, whose head is `head`.
    pub(super) fn derive(data_key: &DataKey, head: &Head, key: StorageKey, usage: Use) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &head.salt).extract(data_key.secret());
        let info = [usage.name(), key.as_bytes()];
        let derived = extracted.expand(&info, Length).and_then(|okm| okm.fill(&mut secret[..]));
        derived.expect("32 bytes are one block of HKDF-SHA256");
        let key = UnboundKey::new(&AES_256_GCM, &secret[..]).expect("32 bytes are a key of AES-256");
        Self(LessSafeKey::new(key))
    }

    /// Seals a segment where it stands and returns its tag.
    pub(super) fn seal(&self, epoch: [u8; EPOCH_BYTES], at: Position, bytes: &mut [u8]) -> [u8; TAG_BYTES] {
        let sealed = self.0.seal_in_place_separate_tag(nonce(epoch, at.index), Aad::from(at.bound()), bytes);
        let tag = sealed.expect("a segment is far below what GCM takes");
        tag.as_ref().try_into().expect("a tag of GCM has 16 bytes")
    }

    /// Opens a segment where it stands; whether it is what was sealed at this place.
    pub(super) fn open(&self, epoch: [u8; EPOCH_BYTES], at: Position, bytes: &mut [u8], tag: [u8; TAG_BYTES]) -> bool {
        let bound = Aad::from(at.bound());
        self.0.open_in_place_separate_tag(nonce(epoch, at.index), bound, Tag::from(tag), bytes, 0..).is_ok()
    }

    /// Seals `bytes` under a random nonce, which stands before them, bound to `context`.
    pub(super) fn seal_alone(&self, context: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; 12] = random()?;
        let mut sealed = bytes.to_vec();
        let tag =
            self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed);
        let tag = tag.expect("a tail is far below what GCM takes");
        Ok([&nonce[..], &sealed[..], tag.as_ref()].concat())
    }

    /// Opens what [`Self::seal_alone`] sealed.
    pub(super) fn open_alone(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk()?;
        let mut bytes = sealed.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut bytes);
        let size_bytes = opened.ok()?.len();
        bytes.truncate(size_bytes);
        Some(bytes)
    }
}

impl Position {
    fn bound(self) -> [u8; 1 + TAG_BYTES] {
        let mut bound = [u8::from(self.is_last); 1 + TAG_BYTES];
        bound[1..].copy_from_slice(&self.previous);
        bound
    }
}

fn nonce(epoch: [u8; EPOCH_BYTES], index: u32) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..EPOCH_BYTES].copy_from_slice(&epoch);
    nonce[EPOCH_BYTES..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
