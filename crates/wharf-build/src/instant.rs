//! The moment that an image is of: the same for equal inputs, on every machine.

use wharf_layer::Mtime;

/// 1980-01-01: what is older does not fit into a zip archive.
const EARLIEST: i64 = 315_532_800;

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant(pub(crate) i64);

impl Instant {
    /// The epoch that was asked for, or the base image's moment, or the earliest one.
    pub(crate) fn of(epoch: Option<i64>, base: Option<&str>) -> Self {
        let base = || base.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| time.as_second());
        Self(epoch.unwrap_or_else(|| base().map_or(EARLIEST, |seconds| seconds.max(EARLIEST))))
    }

    /// As RFC 3339.
    pub(crate) fn text(self) -> String {
        jiff::Timestamp::from_second(self.0).map_or_else(|_| "1980-01-01T00:00:00Z".to_owned(), |time| time.to_string())
    }

    pub(crate) fn mtime(self) -> Mtime {
        Mtime { seconds: self.0, nanoseconds: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_of_its_epoch_or_of_its_bases_moment() {
        assert_eq!(Instant::of(Some(0), Some("2023-11-14T22:13:20Z")).text(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant::of(None, Some("2023-11-14T22:13:20.5Z")), Instant(1_700_000_000));
        assert_eq!(Instant::of(None, Some("0001-01-01T00:00:00Z")).text(), "1980-01-01T00:00:00Z");
        assert_eq!(Instant::of(None, Some("yesterday")), Instant::of(None, None));
    }
}
