//! Digests: what content is called.
//!
//! Spec: image-spec, descriptor.md, "Digests". Only the registered algorithms sha256 and sha512 are known, and only
//! their canonical, lower-case form is accepted: two spellings of one digest would be two names for one thing.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::Digest as _;

/// A digest algorithm that this registry stores content under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, 32 bytes; what nearly every client uses.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// All known algorithms.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name in a digest's text, e.g. `sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the hash in bytes.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The byte that stands in front of a hash in the catalog.
    fn prefix(self) -> u8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| DigestError::UnknownAlgorithm(text.chars().take(32).collect()))
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// There is no `:` between algorithm and hash.
    #[error("a digest reads `algorithm:hex`, for example `sha256:…`")]
    NoSeparator,
    /// The algorithm is not one of [`Algorithm::ALL`].
    #[error("digest algorithm `{0}` is not supported; use sha256 or sha512")]
    UnknownAlgorithm(String),
    /// The hash is not lower-case hexadecimal of the algorithm's length.
    #[error("a {algorithm} digest has {} lower-case hexadecimal digits", algorithm.size_bytes() * 2)]
    BadHash {
        /// The algorithm that was named.
        algorithm: Algorithm,
    },
}

/// The digest of some content: algorithm and hash, 33 or 65 bytes in the catalog.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    // Bytes beyond the algorithm's length are zero, so that the derived comparisons hold.
    hash: [u8; 64],
}

impl Digest {
    /// Hashes `content`.
    pub fn of(algorithm: Algorithm, content: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::from_hash(algorithm, &sha2::Sha256::digest(content)),
            Algorithm::Sha512 => Self::from_hash(algorithm, &sha2::Sha512::digest(content)),
        }
    }

    /// Makes a digest of a finished hash.
    ///
    /// # Panics
    /// When `hash` is longer than the algorithm's hash; callers hand over what a hasher of that algorithm returned.
    pub fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        debug_assert_eq!(hash.len(), algorithm.size_bytes());
        let mut padded = [0; 64];
        padded[..hash.len()].copy_from_slice(hash);
        Self { algorithm, hash: padded }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw hash, 32 or 64 bytes.
    pub fn hash(&self) -> &[u8] {
        &self.hash[..self.algorithm.size_bytes()]
    }

    /// The hash in lower-case hexadecimal, without the algorithm.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(self.hash())
    }

    /// The catalog's form: one algorithm byte (1 sha256, 2 sha512), then the hash.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.algorithm.size_bytes());
        bytes.push(self.algorithm.prefix());
        bytes.extend_from_slice(self.hash());
        bytes
    }

    /// Reads the catalog's form back; `None` when the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (prefix, hash) = bytes.split_first()?;
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.prefix() == *prefix)?;
        (hash.len() == algorithm.size_bytes()).then(|| Self::from_hash(algorithm, hash))
    }

    /// Whether `content` has this digest.
    pub fn matches(&self, content: &[u8]) -> bool {
        Self::of(self.algorithm, content) == *self
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::NoSeparator)?;
        let algorithm: Algorithm = algorithm.parse()?;
        if hex.len() != algorithm.size_bytes() * 2 {
            return Err(DigestError::BadHash { algorithm });
        }
        let hash = HEXLOWER.decode(hex.as_bytes()).map_err(|_| DigestError::BadHash { algorithm })?;
        Ok(Self::from_hash(algorithm, &hash))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_reads_back_as_it_was_written() {
        for algorithm in Algorithm::ALL {
            let digest = Digest::of(algorithm, b"wharf");
            assert_eq!(digest.to_string().parse(), Ok(digest));
            assert_eq!(Digest::from_bytes(&digest.to_bytes()), Some(digest));
            assert!(digest.matches(b"wharf") && !digest.matches(b"wharg"));
        }
        assert_eq!(Digest::of(Algorithm::Sha256, b"").to_string(), EMPTY);
    }

    #[test]
    fn other_spellings_are_refused() {
        let upper = EMPTY.to_uppercase().replace("SHA256", "sha256");
        for text in ["", "sha256", "sha256:", "sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", &upper, &EMPTY[1..]]
        {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        assert!(format!("{EMPTY}0").parse::<Digest>().is_err());
        assert_eq!(Digest::from_bytes(&[3; 33]), None);
        assert_eq!(Digest::from_bytes(&[1; 32]), None);
    }
}
