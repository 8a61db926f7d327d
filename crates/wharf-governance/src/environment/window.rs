//! Windows: when a promotion may be executed. Pure; a moment comes from the caller.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan as _};
use serde::{Deserialize, Serialize};
use wharf_context::Timestamp;

/// How far ahead an opening is looked for.
const HORIZON_DAYS: i32 = 400;

/// The hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// On which days it opens; on all where nothing is said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<Day>,
    /// When it opens, `22:00`.
    #[serde(with = "crate::text")]
    pub from: Time,
    /// When it closes. Not later than `from`: on the next day.
    #[serde(with = "crate::text")]
    pub until: Time,
    /// The time zone of these hours, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub time_zone: String,
}

/// Days on which nothing is executed, the last one included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The first day.
    #[serde(with = "crate::text")]
    pub from: Date,
    /// The last day.
    #[serde(with = "crate::text")]
    pub until: Date,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week say what they are")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Window {
    pub(super) fn check(&self) -> Result<(), String> {
        let zone = zone(&self.time_zone);
        zone.map(drop).ok_or_else(|| format!("`{}` is not a time zone; write one like `Europe/Berlin`", self.time_zone))
    }

    /// From when until when it is open on the day `date`, if it opens there.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Instant, Instant)> {
        if !self.days.is_empty() && !self.days.contains(&Day::of(date.weekday())) {
            return None;
        }
        let until = if self.until > self.from { date } else { date.tomorrow().ok()? };
        Some((instant(date.to_datetime(self.from), zone)?, instant(until.to_datetime(self.until), zone)?))
    }
}

impl Freeze {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.from <= self.until { Ok(()) } else { Err(format!("a freeze ends on {}, before it begins", self.until)) }
    }
}

/// When the next execution may be, `now` or later. `None`: not within the next year.
pub fn next_opening(window: Option<&Window>, freeze: &[Freeze], now: Timestamp) -> Option<Timestamp> {
    if window.is_none() && freeze.is_empty() {
        return Some(now);
    }
    let now = Instant::from_microsecond(now.0).ok()?;
    let zone = window.map_or(Some(TimeZone::UTC), |window| zone(&window.time_zone))?;
    let today = now.to_zoned(zone.clone()).date();
    // Yesterday's window may still be open.
    let mut date = today.yesterday().ok()?;
    for _ in 0..HORIZON_DAYS {
        let open = match window {
            Some(window) => window.on(date, &zone),
            None => instant(date.to_datetime(Time::midnight()), &zone)
                .zip(instant(date.tomorrow().ok()?.to_datetime(Time::midnight()), &zone)),
        };
        if let Some(found) = open.and_then(|(from, until)| thawed(from.max(now), until, freeze, &zone)) {
            return Some(Timestamp(found.as_microsecond()));
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// The first moment from `from` on, before `until`, that lies on no frozen day.
fn thawed(from: Instant, until: Instant, freeze: &[Freeze], zone: &TimeZone) -> Option<Instant> {
    let mut at = from;
    while at < until {
        let date = at.to_zoned(zone.clone()).date();
        let Some(frozen) = freeze.iter().find(|freeze| freeze.from <= date && date <= freeze.until) else {
            return Some(at);
        };
        at = instant(frozen.until.checked_add(1.day()).ok()?.to_datetime(Time::midnight()), zone)?;
    }
    None
}

fn instant(at: DateTime, zone: &TimeZone) -> Option<Instant> {
    zone.to_timestamp(at).ok()
}

fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<Instant>().expect("a moment").as_microsecond())
    }

    fn window(document: &str) -> Window {
        serde_json::from_str(document).expect("a window")
    }

    fn freeze(from: &str, until: &str) -> Freeze {
        Freeze { from: from.parse().expect("a day"), until: until.parse().expect("a day"), reason: String::new() }
    }

    #[test]
    fn a_window_is_open_now_or_opens_later() {
        // 30 November 2026 is a Monday.
        let evenings = r#"{"days":["monday","wednesday"],"from":"22:00","until":"02:00"}"#;
        let berlin = r#"{"from":"09:00","until":"17:00","time_zone":"Europe/Berlin"}"#;
        #[rustfmt::skip]
        let table = [
            (evenings, "2026-11-30T21:59:59Z", "2026-11-30T22:00:00Z"),
            (evenings, "2026-11-30T23:30:00Z", "2026-11-30T23:30:00Z"),
            (evenings, "2026-12-01T01:59:59Z", "2026-12-01T01:59:59Z"),
            (evenings, "2026-12-01T02:00:00Z", "2026-12-02T22:00:00Z"),
            (evenings, "2026-12-03T03:00:00Z", "2026-12-07T22:00:00Z"),
            (berlin  , "2026-11-30T07:00:00Z", "2026-11-30T08:00:00Z"),
            (berlin  , "2026-07-01T16:00:00Z", "2026-07-02T07:00:00Z"),
        ];
        for (document, now, opens) in table {
            assert_eq!(next_opening(Some(&window(document)), &[], at(now)), Some(at(opens)), "{document} {now}");
        }
        assert_eq!(next_opening(None, &[], at("2026-11-30T21:00:00Z")), Some(at("2026-11-30T21:00:00Z")));
    }

    #[test]
    fn frozen_days_are_left_out() {
        let days = [freeze("2026-12-20", "2027-01-06")];
        let evenings = window(r#"{"from":"22:00","until":"02:00"}"#);
        let night = at("2026-12-19T23:59:00Z");
        assert_eq!(next_opening(Some(&evenings), &days, night), Some(night));
        assert_eq!(next_opening(Some(&evenings), &days, at("2026-12-20T00:00:00Z")), Some(at("2027-01-07T00:00:00Z")));
        assert_eq!(next_opening(None, &days, at("2026-12-24T12:00:00Z")), Some(at("2027-01-07T00:00:00Z")));
        assert_eq!(next_opening(None, &[freeze("2026-01-01", "2099-12-31")], night), None);
    }

    #[test]
    fn what_is_no_window_is_told() {
        assert!(window(r#"{"from":"09:00","until":"17:00","time_zone":"Mars/Olympus"}"#).check().is_err());
        assert!(freeze("2026-12-02", "2026-12-01").check().is_err());
        for bad in [r#"{"from":"25:00","until":"17:00"}"#, r#"{"from":"9","until":"17:00"}"#, r#"{"until":"17:00"}"#] {
            assert!(serde_json::from_str::<Window>(bad).is_err(), "{bad}");
        }
    }
}
