//! States: how far an upload has come and the hash of its bytes so far, in a form that any node can continue from.

use std::fmt;

use bytes::Bytes;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};
use wharf_oci::{Algorithm, Digest};

use crate::fence::{Claim, Writer};

/// How far an upload has come.
#[derive(Clone)]
pub struct UploadState {
    /// How many bytes are in the upload.
    pub offset: u64,
    /// The append that left it so.
    pub(crate) writer: Writer,
    pub(crate) hasher: Hasher,
    /// What the store itself needs to go on from here, in a form of its own: which parts lie on S3, for example.
    pub(crate) place: Bytes,
}

impl UploadState {
    /// The state of an upload without bytes, to be hashed by `algorithm`.
    pub fn new(algorithm: Algorithm) -> Self {
        Self { offset: 0, writer: Writer::NONE, hasher: Hasher::new(algorithm), place: Bytes::new() }
    }

    /// The state of an upload without bytes that nobody hashes: a store on top has its own hash, of other bytes. Its
    /// digest is that of no bytes, and so of nothing that such an upload holds.
    pub(crate) fn unhashed() -> Self {
        Self { hasher: Hasher::None, ..Self::new(Algorithm::Sha256) }
    }

    /// The state after `claim` has added `pieces`.
    pub(crate) fn advanced(mut self, claim: &Claim, pieces: &[Bytes]) -> Self {
        for piece in pieces {
            self.hasher.update(piece);
            self.offset += piece.len() as u64;
        }
        Self { writer: claim.writers.last, ..self }
    }

    /// The algorithm that the upload is hashed by.
    pub fn algorithm(&self) -> Algorithm {
        self.hasher.algorithm()
    }

    /// The digest of the bytes so far.
    pub fn digest(&self) -> Digest {
        self.hasher.digest()
    }

    /// The saved form: one algorithm byte (1 sha256, 2 sha512, 0 not hashed), offset and writer (8 bytes each, big-endian), then the
    /// hash function's own state (104 or 208 bytes), then what the store added for itself.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17 + 208);
        bytes.push(match self.hasher {
            Hasher::None => 0,
            Hasher::Sha256(_) => 1,
            Hasher::Sha512(_) => 2,
        });
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.writer.to_bytes());
        self.hasher.save(&mut bytes);
        bytes.extend_from_slice(&self.place);
        bytes
    }

    /// Reads the saved form back; `None` when the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (algorithm, rest) = bytes.split_first()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (writer, rest) = rest.split_first_chunk()?;
        let (hasher, place) = match algorithm {
            0 => (Hasher::None, rest),
            1 => load(rest).map(|(hasher, place)| (Hasher::Sha256(hasher), place))?,
            2 => load(rest).map(|(hasher, place)| (Hasher::Sha512(hasher), place))?,
            _ => return None,
        };
        let (offset, writer) = (u64::from_be_bytes(*offset), Writer::from_bytes(*writer));
        Some(Self { offset, writer, hasher, place: Bytes::copy_from_slice(place) })
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hasher").field(&self.digest()).finish()
    }
}

impl fmt::Debug for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadState")
            .field("offset", &self.offset)
            .field("writer", &self.writer)
            .field("digest", &self.digest())
            .finish()
    }
}

/// A running hash of either algorithm.
#[derive(Clone)]
pub(crate) enum Hasher {
    /// None.
    None,
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::None | Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    fn digest(&self) -> Digest {
        match self.clone() {
            Self::None => Digest::of(Algorithm::Sha256, &[]),
            Self::Sha256(hasher) => Digest::from_hash(Algorithm::Sha256, &hasher.finalize()),
            Self::Sha512(hasher) => Digest::from_hash(Algorithm::Sha512, &hasher.finalize()),
        }
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Sha256(hasher) => bytes.extend_from_slice(&hasher.serialize()),
            Self::Sha512(hasher) => bytes.extend_from_slice(&hasher.serialize()),
        }
    }
}

/// A hash function's state, and what follows it.
fn load<H: SerializableState>(bytes: &[u8]) -> Option<(H, &[u8])> {
    let (state, rest) = bytes.split_at_checked(size_of::<SerializedState<H>>())?;
    Some((H::deserialize(&SerializedState::<H>::try_from(state).ok()?).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_state_goes_on_where_it_stopped() {
        let content: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
        for algorithm in Algorithm::ALL {
            for cut in [0, 1, 63, 64, 127, 128, 129, 3999, 4000] {
                let mut state = UploadState::new(algorithm);
                state.hasher.update(&content[..cut]);
                state.offset = cut as u64;
                let mut state = UploadState::from_bytes(&state.to_bytes()).expect("own form");
                state.hasher.update(&content[cut..]);
                assert_eq!((state.offset, state.digest()), (cut as u64, Digest::of(algorithm, &content)));
            }
        }
    }

    #[test]
    fn the_hash_state_has_the_published_sizes() {
        assert_eq!(UploadState::new(Algorithm::Sha256).to_bytes().len(), 17 + 104);
        assert_eq!(UploadState::new(Algorithm::Sha512).to_bytes().len(), 17 + 208);
    }

    #[test]
    fn what_the_store_added_comes_back() {
        let place = Bytes::from_static(b"parts");
        let state = UploadState { place: place.clone(), ..UploadState::new(Algorithm::Sha512) };
        assert_eq!(UploadState::from_bytes(&state.to_bytes()).map(|state| state.place), Some(place));
    }

    #[test]
    fn bytes_that_are_no_state_are_refused() {
        let good = UploadState::new(Algorithm::Sha256).to_bytes();
        for length in 0..good.len() {
            assert!(UploadState::from_bytes(&good[..length]).is_none(), "{length}");
        }
        assert!(UploadState::from_bytes(&[&[2], &good[1..]].concat()).is_none());
        assert!(UploadState::from_bytes(&[&[9], &good[1..]].concat()).is_none());
    }
}
