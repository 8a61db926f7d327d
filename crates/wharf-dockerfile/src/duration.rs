//! Times as Go writes them: `1h30m`, `2.5s`, `500ms`.

use std::time::Duration;

const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// Reads a time. Negative ones, which no instruction takes, are none.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_length = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len() - digits);
        let (unit, after) = rest[digits..].split_at(unit_length);
        let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = Duration::try_from_secs_f64(number * nanoseconds / 1e9).ok()?;
        total = total.checked_add(part)?;
        rest = after;
    }
    // Go counts nanoseconds in 63 bits.
    (!text.is_empty() && i64::try_from(total.as_nanos()).is_ok()).then_some(total)
}

/// Writes a time so that [`parse`] reads the same.
pub(crate) fn render(time: Duration) -> String {
    match (time.as_secs(), time.subsec_nanos()) {
        (seconds, 0) => format!("{seconds}s"),
        _ => format!("{}s{}ns", time.as_secs(), time.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("30s", Some(30_000)),
            ("1h2m3s", Some(3_723_000)),
            ("1.5m", Some(90_000)),
            ("500ms", Some(500)),
            ("2s500ms", Some(2_500)),
            (".5s", Some(500)),
            ("", None),
            ("5", None),
            ("5 s", None),
            ("5x", None),
            ("-5s", None),
            ("s", None),
            ("1..5s", None),
            ("9999999999h", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for nanoseconds in [0, 1, 1_500_000_000, 90_000_000_000, 123_456_789_012] {
            let time = Duration::from_nanos(nanoseconds);
            assert_eq!(parse(&render(time)), Some(time), "{}", render(time));
        }
    }
}
