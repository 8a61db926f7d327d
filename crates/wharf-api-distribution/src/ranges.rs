//! `Range` of a download. RFC 9110, section 14.

use std::ops::Range;

/// More ranges than this in one request cost more than they can be worth (RFC 9110, section 17.15).
const MAX_RANGES: usize = 16;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: there is no header, or one of a unit that we do not know.
    All,
    /// These ranges, each within the content and not empty, in the client's order.
    Parts(Vec<Range<u64>>),
    /// Nothing that exists, or nothing that makes sense.
    Unsatisfiable,
}

/// Reads a header for content of `size_bytes`.
pub(crate) fn read(header: Option<&str>, size_bytes: u64) -> Wanted {
    let Some(list) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Wanted::All };
    let specs: Vec<&str> = list.split(',').map(str::trim).filter(|spec| !spec.is_empty()).collect();
    if specs.is_empty() || specs.len() > MAX_RANGES {
        return Wanted::Unsatisfiable;
    }
    let mut parts = Vec::new();
    for spec in specs {
        match part(spec, size_bytes) {
            Some(Some(part)) => parts.push(part),
            Some(None) => {}
            None => return Wanted::Unsatisfiable,
        }
    }
    if parts.is_empty() { Wanted::Unsatisfiable } else { Wanted::Parts(parts) }
}

/// One range; `Some(None)` when it lies beyond the content, `None` when it is no range.
fn part(spec: &str, size_bytes: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?.min(size_bytes);
        return Some((suffix > 0).then(|| size_bytes - suffix..size_bytes));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some((first < size_bytes).then(|| first..last.saturating_add(1).min(size_bytes)))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_cut_to_the_content() {
        let parts = |header, size| match read(Some(header), size) {
            Wanted::Parts(parts) => parts.into_iter().map(|part| (part.start, part.end)).collect::<Vec<_>>(),
            Wanted::All | Wanted::Unsatisfiable => panic!("{header}"),
        };
        assert_eq!(parts("bytes=500-1499", 2048), [(500, 1500)]);
        assert_eq!(parts("bytes=500-", 2048), [(500, 2048)]);
        assert_eq!(parts("bytes=-500", 2048), [(1548, 2048)]);
        assert_eq!(parts("bytes=-5000", 2048), [(0, 2048)]);
        assert_eq!(parts("bytes=2000-5000", 2048), [(2000, 2048)]);
        assert_eq!(parts("bytes=0-0, 5-6 ,9999-", 2048), [(0, 1), (5, 7)]);
        assert_eq!(parts("bytes=0-18446744073709551615", 2048), [(0, 2048)]);
    }

    #[test]
    fn what_cannot_be_served_is_said() {
        for bad in [
            "bytes=500-0",
            "bytes=5000-10000",
            "bytes=-0",
            "bytes=",
            "bytes=a-b",
            "bytes=5",
            "bytes=--5",
            "bytes=5-1,0-1",
        ] {
            assert_eq!(read(Some(bad), 2048), Wanted::Unsatisfiable, "{bad}");
        }
        assert_eq!(read(Some(&format!("bytes={}", "0-1,".repeat(17))), 2048), Wanted::Unsatisfiable);
        assert_eq!(read(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(read(None, 2048), Wanted::All);
        assert_eq!(read(Some("items=0-1"), 2048), Wanted::All);
    }

    proptest! {
        #[test]
        fn parts_lie_within_the_content(header in "bytes=[0-9,-]{0,40}", size in 0u64..4096) {
            if let Wanted::Parts(parts) = read(Some(&header), size) {
                for part in parts {
                    prop_assert!(part.start < part.end && part.end <= size);
                }
            }
        }
    }
}
