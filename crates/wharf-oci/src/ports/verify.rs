//! Comparing a blob's bytes with its descriptor while they stream.

use sha2::Digest as _;

use super::error::{ContentError, ContentErrorKind};
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest};

/// Sees each byte of one blob once, in order, and says at the end whether they are what the descriptor names. It outlives
/// broken connections: bytes that come again are not counted again.
#[derive(Debug)]
pub struct Verifier {
    digest: Digest,
    size: u64,
    position: u64,
    hashing: Hashing,
}

/// The digest of bytes that come in pieces.
#[derive(Debug, Clone)]
pub struct Hashing(Hasher);

#[derive(Debug, Clone)]
enum Hasher {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hashing {
    /// The digest of nothing, so far.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(sha2::Sha512::new()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes that came.
    pub fn finish(self) -> Digest {
        match self.0 {
            Hasher::Sha256(hasher) => Digest::from_hash(Algorithm::Sha256, &hasher.finalize()),
            Hasher::Sha512(hasher) => Digest::from_hash(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

impl Verifier {
    /// One that has seen nothing yet.
    pub fn new(descriptor: &Descriptor) -> Self {
        let hashing = Hashing::new(descriptor.digest.algorithm());
        Self { digest: descriptor.digest, size: descriptor.size, position: 0, hashing }
    }

    /// How many bytes it has seen.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes the bytes that stand at `offset`. Fails when there are more than the descriptor says, or when some before
    /// them were left out.
    pub fn update(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ContentError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.size {
            return Err(self.refuse(&format!("it has more than its {} bytes", self.size)));
        }
        let Some(seen) = self.position.checked_sub(offset) else {
            return Err(self.refuse(&format!("bytes {} to {offset} were left out", self.position)));
        };
        self.hashing.update(usize::try_from(seen).ok().and_then(|seen| bytes.get(seen..)).unwrap_or_default());
        self.position = self.position.max(end);
        Ok(())
    }

    /// Whether all bytes came and are the right ones.
    pub fn finish(&self) -> Result<(), ContentError> {
        if self.position != self.size {
            return Err(self.refuse(&format!("it ends after {} of {} bytes", self.position, self.size)));
        }
        let digest = self.hashing.clone().finish();
        if digest == self.digest { Ok(()) } else { Err(self.refuse(&format!("its bytes have the digest `{digest}`"))) }
    }

    fn refuse(&self, reason: &str) -> ContentError {
        ContentError::new(
            ContentErrorKind::Invalid,
            format!("blob `{}` is not what it should be: {reason}", self.digest),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn descriptor(algorithm: Algorithm, content: &[u8]) -> Descriptor {
        Descriptor::new("text/plain", Digest::of(algorithm, content), content.len() as u64)
    }

    #[test]
    fn other_bytes_fewer_and_more_are_refused() {
        for algorithm in Algorithm::ALL {
            let wanted = descriptor(algorithm, b"wharf");
            for (content, reason) in [
                (&b"wharg"[..], "its bytes have the digest"),
                (b"whar", "it ends after 4 of 5 bytes"),
                (b"", "it ends after 0 of 5 bytes"),
                (b"wharfs", "it has more than its 5 bytes"),
            ] {
                let mut verifier = Verifier::new(&wanted);
                let outcome = verifier.update(0, content).and_then(|()| verifier.finish());
                let error = outcome.expect_err("refused");
                assert_eq!(error.kind, ContentErrorKind::Invalid);
                assert!(error.to_string().contains(reason), "{error}");
            }
        }
    }

    #[test]
    fn a_gap_is_refused() {
        let mut verifier = Verifier::new(&descriptor(Algorithm::Sha256, b"wharf"));
        verifier.update(0, b"wh").expect("in order");
        assert!(verifier.update(3, b"rf").is_err());
        assert!(verifier.update(u64::MAX, b"rf").is_err());
    }

    proptest! {
        #[test]
        fn pieces_that_come_again_change_nothing(
            content in prop::collection::vec(any::<u8>(), 0..200),
            steps in prop::collection::vec((0..40_usize, 0..40_usize), 0..20),
        ) {
            let mut verifier = Verifier::new(&descriptor(Algorithm::Sha256, &content));
            for (back, length) in steps {
                let position = usize::try_from(verifier.position()).expect("small");
                let from = position.saturating_sub(back);
                let to = (from + length).min(content.len());
                verifier.update(from as u64, &content[from..to]).expect("the right bytes");
            }
            let position = usize::try_from(verifier.position()).expect("small");
            verifier.update(position as u64, &content[position..]).expect("the rest");
            prop_assert!(verifier.finish().is_ok());
        }
    }
}
