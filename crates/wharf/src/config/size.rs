//! Numbers of bytes as people write them: `512`, `64KiB`, `4MiB`, `1GB`.
//!
//! `KiB`, `MiB`, `GiB`, `TiB` are powers of 1024; `kB`, `MB`, `GB`, `TB` are powers of 1000.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes in a configuration value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub(crate) struct Size(pub(crate) u64);

/// Why a text is not a number of bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number of bytes such as `512`, `64KiB`, `4MiB` or `1GB`")]
pub(crate) struct NotASize(String);

/// Units, largest first within each family.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// How a size may stand in a file: as a text, or as a bare number of bytes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of bytes such as `512`, `\"64KiB\"` or `\"4MiB\"`")]
enum Written {
    Number(u64),
    Text(String),
}

impl FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let refused = || NotASize(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit {
            "" => 1,
            _ => UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(refused)?.1,
        };
        let number: u64 = number.parse().map_err(|_| refused())?;
        number.checked_mul(factor).map(Self).ok_or_else(refused)
    }
}

impl TryFrom<Written> for Size {
    type Error = NotASize;

    fn try_from(written: Written) -> Result<Self, NotASize> {
        match written {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.into_iter().filter(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        // 10 GB are 9765625 KiB, too.
        let (unit, factor) = whole.min_by_key(|(_, factor)| self.0 / factor).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_and_shown_in_its_largest_whole_unit() {
        for (text, bytes, shown) in [
            ("512", 512, "512B"),
            ("64KiB", 65_536, "64KiB"),
            ("4MiB", 4 << 20, "4MiB"),
            ("1GB", 1_000_000_000, "1GB"),
            ("10GB", 10_000_000_000, "10GB"),
            ("2kB", 2_000, "2kB"),
            ("0", 0, "0B"),
        ] {
            let size: Size = text.parse().expect(text);
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused() {
        for text in ["", "MiB", "4 MiB", "4mib", "-1", "1.5GiB", "99999999TiB", "4Mi"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
