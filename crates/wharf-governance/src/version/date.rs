//! Date versions: `YYYYMMDD_NN`, a day and the number of the version on it. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use wharf_context::Timestamp;

/// The highest number of one day.
const MAX_NUMBER: u32 = 999_999;

/// Why a text is no date version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date version is a day of the calendar and a number with two digits or more: `20261130_01`, `20261130_100`")]
pub struct DateVersionError;

/// A day, written `YYYYMMDD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(Date);

/// A version by day. They are ordered as they were given out: `_100` comes after `_99`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateVersion {
    day: Day,
    number: u32,
}

impl Day {
    /// The day that it is at a moment in a time zone.
    pub(crate) fn at(moment: Timestamp, zone: &TimeZone) -> Self {
        let moment = jiff::Timestamp::from_microsecond(moment.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self(zone.to_datetime(moment).date())
    }

    /// The day as one number, `20261130`, which the catalog keeps.
    pub(crate) fn to_integer(self) -> i64 {
        i64::from(self.0.year()) * 10_000 + i64::from(self.0.month()) * 100 + i64::from(self.0.day())
    }

    /// The day of such a number.
    pub(crate) fn from_integer(number: i64) -> Option<Self> {
        let year = i16::try_from(number / 10_000).ok().filter(|year| (0..=9999).contains(year))?;
        let month = i8::try_from(number / 100 % 100).ok()?;
        let day = i8::try_from(number % 100).ok()?;
        Date::new(year, month, day).ok().map(Self)
    }
}

impl DateVersion {
    /// The `number`th version of a day; `None` beyond what a day has.
    pub(crate) fn new(day: Day, number: i64) -> Option<Self> {
        let number = u32::try_from(number).ok().filter(|number| (1..=MAX_NUMBER).contains(number))?;
        Some(Self { day, number })
    }

    /// The day.
    pub(crate) fn day(self) -> Day {
        self.day
    }

    /// Which of the day's versions it is, from 1.
    pub(crate) fn number(self) -> u32 {
        self.number
    }
}

impl fmt::Display for DateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}_{:02}", self.day.to_integer(), self.number)
    }
}

impl FromStr for DateVersion {
    type Err = DateVersionError;

    fn from_str(text: &str) -> Result<Self, DateVersionError> {
        let parse = || {
            let (day, number) = text.split_once('_')?;
            let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let is_padded_right = number.len() == 2 || (number.len() > 2 && !number.starts_with('0'));
            if day.len() != 8 || !are_digits(day) || !are_digits(number) || !is_padded_right {
                return None;
            }
            Self::new(Day::from_integer(day.parse().ok()?)?, number.parse().ok()?)
        };
        parse().ok_or(DateVersionError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_spelling() {
        for good in ["20261130_01", "20261130_99", "20261130_100", "20240229_10", "00010101_999999"] {
            assert_eq!(good.parse::<DateVersion>().map(|version| version.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "20261130",
            "20261130_",
            "20261130_0",
            "20261130_1",
            "20261130_00",
            "20261130_001",
            "20261130_0100",
            "20261130_1000000",
            "20261131_01",
            "20260229_01",
            "20261301_01",
            "20260001_01",
            "2026113_01",
            "+2026113_01",
            "20261130_+1",
            "20261130-01",
            "20261130_01 ",
            "20261130_01_02",
            "v20261130_01",
            "20261130_99999999999999999999",
        ] {
            assert_eq!(bad.parse::<DateVersion>(), Err(DateVersionError), "{bad}");
        }
    }

    #[test]
    fn a_hundred_follows_ninety_nine() {
        let version = |text: &str| text.parse::<DateVersion>().expect("valid");
        assert!(version("20261130_99") < version("20261130_100"));
        assert!(version("20261130_100") < version("20261201_01"));
        let day = version("20261130_01").day();
        assert_eq!(DateVersion::new(day, 100).map(|version| version.to_string()).as_deref(), Some("20261130_100"));
        assert_eq!((DateVersion::new(day, 0), DateVersion::new(day, 1_000_000)), (None, None));
    }

    #[test]
    fn the_day_is_that_of_the_time_zone() {
        // 2026-01-01 23:30 in UTC is the next day in Tokyo and still that day in New York.
        let late = Timestamp(1_767_310_200_000_000);
        let day = |zone: &str| Day::at(late, &TimeZone::get(zone).expect("known")).to_integer();
        assert_eq!((day("UTC"), day("Asia/Tokyo"), day("America/New_York")), (20_260_101, 20_260_102, 20_260_101));
    }
}
