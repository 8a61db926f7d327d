//! Keys: what an upload and its stored bytes are called inside the store.
//!
//! Keys are made here and nowhere else, and a text that is not exactly a key has no constructor: no text from outside
//! becomes part of a path. They say nothing about the content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An upload that has begun and is neither finished nor aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadKey(Uuid);

/// Immutable bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StorageKey(Uuid);

/// The text is not a key that a store made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the blob store")]
pub struct KeyError;

impl UploadKey {
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The same key for an upload whose bytes are sealed; see [`StorageKey::is_sealed`].
    pub(crate) fn sealed(self) -> Self {
        Self(uuid::Builder::from_bytes(self.0.into_bytes()).with_version(uuid::Version::Custom).into_uuid())
    }

    /// The key that this upload's bytes get when it is finished. It is known beforehand, so that whoever gives up an
    /// upload whose end was never recorded (a crash between [`crate::Store::finish`] and the catalog's commit) can
    /// delete those bytes too.
    pub fn storage_key(self) -> StorageKey {
        StorageKey(self.0)
    }
}

impl StorageKey {
    /// The upload that ends under this key; see [`crate::Store::begin`].
    pub fn upload(self) -> UploadKey {
        UploadKey(self.0)
    }

    /// Whether the bytes under this key are sealed ([`crate::Sealed`]): said by the version in the key, 8 for sealed ones
    /// and 7 for plain ones. Nothing that a client sends has a say in it.
    pub fn is_sealed(self) -> bool {
        self.0.get_version() == Some(uuid::Version::Custom)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Where the key lies in the two-level fan-out: one byte per level.
    ///
    /// Taken from the time in the key (65 s per folder, 256 folders per 4.7 h, all in turn every 50 days), because
    /// uploads that end together then share a folder and its fsync, and a new folder is rare; taken from the random
    /// part, each would sync a folder of its own.
    pub(crate) fn fan_out(self) -> [u8; 2] {
        let [_, _, upper, lower, ..] = *self.0.as_bytes();
        [upper, lower]
    }
}

fn parse(text: &str) -> Result<Uuid, KeyError> {
    let uuid = Uuid::try_parse(text).map_err(|_| KeyError)?;
    // Uuid::try_parse also takes braces, URNs, upper case and no hyphens: a second spelling would be a second name.
    let mut canonical = Uuid::encode_buffer();
    if uuid.hyphenated().encode_lower(&mut canonical) == text { Ok(uuid) } else { Err(KeyError) }
}

impl FromStr for UploadKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse(text).map(Self)
    }
}

impl FromStr for StorageKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse(text).map(Self)
    }
}

impl fmt::Display for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written_and_in_no_other_spelling() {
        let key = UploadKey::generate();
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(text.parse(), Ok(key.storage_key()));
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            format!("{text}/"),
            format!("../{text}"),
            String::new(),
        ] {
            assert_eq!(other.parse::<StorageKey>(), Err(KeyError), "{other}");
        }
    }

    #[test]
    fn a_sealed_key_says_so_and_lies_where_the_plain_one_would() {
        let plain = UploadKey::generate();
        let sealed = plain.sealed();
        assert!(sealed.storage_key().is_sealed() && !plain.storage_key().is_sealed());
        assert_eq!(sealed.storage_key().fan_out(), plain.storage_key().fan_out());
        assert_eq!(sealed.to_string().parse(), Ok(sealed));
        let differing = sealed.0.as_bytes().iter().zip(plain.0.as_bytes()).filter(|(a, b)| a != b);
        assert_eq!(differing.count(), 1, "only the version differs");
    }

    #[test]
    fn keys_of_one_minute_share_a_folder_and_keys_of_a_day_do_not() {
        let at = |seconds: u64| {
            let time = uuid::Timestamp::from_unix_time(seconds, 0, 0, 0);
            StorageKey(Uuid::new_v7(time)).fan_out()
        };
        let start = 0x0199_0000_0000 / 1000;
        assert_eq!(at(start + 1), at(start + 60));
        assert_ne!(at(start + 1), at(start + 70));
        let folders: std::collections::HashSet<_> = (0..1400).map(|step| at(start + step * 66)).collect();
        assert!(folders.len() > 1300, "{}", folders.len());
    }
}
