//! Numbers of bytes as policies write them: `512MiB`, `2GB`, `1048576`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Units, and how many bytes each stands for; binary ones first, because their names end in decimal ones.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(pub(crate) u64);

/// Why a text is no number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a size is a whole number of bytes, or of KiB, MiB, GiB, TiB, KB, MB, GB or TB: `512MiB`")]
pub(crate) struct ByteSizeError;

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
        let (number, bytes) = unit.unwrap_or((text, 1));
        let number = number.trim_end();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| is_number).ok_or(ByteSizeError)?;
        number.checked_mul(bytes).map(Self).ok_or(ByteSizeError)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = UNITS[..4].iter().rev().find(|(_, bytes)| self.0 >= *bytes);
        let Some((unit, bytes)) = binary else { return write!(f, "{} B", self.0) };
        let (whole, tenths) = (self.0 / bytes, self.0 % bytes * 10 / bytes);
        if tenths == 0 { write!(f, "{whole} {unit}") } else { write!(f, "{whole}.{tenths} {unit}") }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        let read = |text: &str| text.parse::<ByteSize>().ok().map(|size| size.0);
        assert_eq!(
            (read("7"), read("7B"), read("2 KiB"), read("3GB")),
            (Some(7), Some(7), Some(2048), Some(3_000_000_000))
        );
        for bad in ["", "MiB", "-1", "1.5MiB", "1 PiB", "99999999999TiB", "+1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(
            (ByteSize(5).to_string(), ByteSize(1_572_864).to_string()),
            ("5 B".to_owned(), "1.5 MiB".to_owned())
        );
    }
}
