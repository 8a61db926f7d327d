//! Time zones by their names: whose day it is.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time zone of the IANA's database, such as `Asia/Seoul`. The database is built in: all nodes know the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// What times are reckoned with.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let zone = TimeZoneDatabase::bundled().get(text);
        let zone = zone.map_err(|_| format!("`{text}` is no time zone; one is written as `Asia/Seoul` or `UTC`"))?;
        Ok(Self { name: text.to_owned(), zone })
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_one_that_is_known() {
        for good in ["UTC", "Asia/Seoul", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert_eq!(good.parse::<Zone>().map(|zone| zone.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Seoul", "Asia/../UTC", "/etc/passwd", "UTC+1"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }
}
