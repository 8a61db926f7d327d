//! Spans of time as policies write them: `90s`, `30m`, `12h`, `7d`, `2w`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest span: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 86_400;
/// Letters and how many seconds each stands for, the largest first.
const UNITS: [(char, u64); 5] = [('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A span of whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    seconds: u64,
}

/// Why a text is no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a span of time is a number with a unit, `90s`, `30m`, `12h`, `7d` or `2w`, and at most ten years")]
pub struct SpanError;

impl Span {
    /// That many hours.
    pub const fn hours(hours: u64) -> Self {
        Self { seconds: hours * 3_600 }
    }

    /// The span as others count it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().find(|(_, seconds)| self.seconds > 0 && self.seconds.is_multiple_of(*seconds));
        let (unit, seconds) = exact.copied().unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.seconds / seconds)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit)).ok_or(SpanError)?;
        let digits = text.strip_suffix(*unit).ok_or(SpanError)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number).ok_or(SpanError)?;
        let seconds = number.checked_mul(*seconds).filter(|seconds| *seconds <= MAX_SECONDS).ok_or(SpanError)?;
        Ok(Self { seconds })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::text::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_its_largest_exact_unit() {
        for (text, written) in
            [("90s", "90s"), ("60s", "1m"), ("24h", "1d"), ("14d", "2w"), ("0d", "0s"), ("36h", "36h")]
        {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(written.to_owned()), "{text}");
        }
        for bad in ["", "7", "d", "-1d", "+1d", "1.5h", "1 d", "1y", "99999999999999999999w", "4000d"] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError), "{bad}");
        }
    }
}
