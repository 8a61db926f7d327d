//! PAX records: `length name=value`, one after the other.
//!
//! Spec: POSIX.1-2024, pax, "pax Extended Header". Records that change nothing for a runtime (other times, names of
//! owners, comments) are passed over.

use std::collections::HashSet;

use crate::entry::{Mtime, Xattrs};
use crate::fault::Fault;
use crate::limits::MAX_XATTR_BYTES;

/// What records say about the entry that follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link_path: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Mtime>,
    pub(crate) xattrs: Xattrs,
}

/// The prefix of extended attributes' names that all write. What libarchive writes beside it says the same.
const XATTR: &[u8] = b"SCHILY.xattr.";

impl Records {
    /// Reads the records in front of one entry.
    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self, Fault> {
        let mut records = Self::default();
        let mut seen = HashSet::new();
        let mut xattr_bytes = 0;
        while !bytes.is_empty() {
            let ((name, value), rest) = record(bytes)?;
            if !seen.insert(name) {
                return Err(Fault::PaxAmbiguous);
            }
            records.take(name, value)?;
            xattr_bytes += if name.starts_with(XATTR) { name.len() + value.len() } else { 0 };
            bytes = rest;
        }
        if xattr_bytes > MAX_XATTR_BYTES { Err(Fault::LargeXattrs) } else { Ok(records) }
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), Fault> {
        match name {
            b"path" => self.path = Some(text(value)?),
            b"linkpath" => self.link_path = Some(text(value)?),
            b"size" => self.size = Some(number("size", value)?),
            b"uid" => self.uid = Some(number("uid", value)?),
            b"gid" => self.gid = Some(number("gid", value)?),
            // A time that cannot be read is the header's: no reader leaves the entry out for it.
            b"mtime" => self.mtime = moment(value),
            // Names are bytes here and for runtimes; a reader that converts them must find what it converts from.
            b"hdrcharset" if !matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {
                return Err(Fault::PaxRecord);
            }
            _ if name.starts_with(b"GNU.sparse.") || name == b"SCHILY.realsize" => return Err(Fault::Sparse),
            _ => {
                if let Some(attribute) = name.strip_prefix(XATTR) {
                    self.take_xattr(attribute, value)?;
                }
            }
        }
        Ok(())
    }

    fn take_xattr(&mut self, name: &[u8], value: &[u8]) -> Result<(), Fault> {
        if name.is_empty() || name.contains(&0) {
            return Err(Fault::PaxRecord);
        }
        if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
            return Err(Fault::OverlayXattr);
        }
        self.xattrs.insert(name.into(), value.into());
        Ok(())
    }
}

/// A global header may comment; Go passes over what it says, the others apply it.
pub(crate) fn check_global(bytes: &[u8]) -> Result<(), Fault> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let ((name, _), next) = record(rest)?;
        if name != b"comment" {
            return Err(Fault::PaxGlobal);
        }
        rest = next;
    }
    Ok(())
}

/// A record's name and value.
type Record<'b> = (&'b [u8], &'b [u8]);

/// The first record, and what follows it.
fn record(bytes: &[u8]) -> Result<(Record<'_>, &[u8]), Fault> {
    let space = bytes.iter().take(8).position(|byte| *byte == b' ').ok_or(Fault::PaxRecord)?;
    let length = decimal(&bytes[..space]).and_then(|length| usize::try_from(length).ok()).ok_or(Fault::PaxRecord)?;
    if length > bytes.len() || length <= space + 1 {
        return Err(Fault::PaxRecord);
    }
    let (record, rest) = bytes.split_at(length);
    let Some((b'\n', record)) = record[space + 1..].split_last() else { return Err(Fault::PaxRecord) };
    let equals = record.iter().position(|byte| *byte == b'=').ok_or(Fault::PaxRecord)?;
    let (name, value) = (&record[..equals], &record[equals + 1..]);
    if name.is_empty() || name.contains(&0) { Err(Fault::PaxRecord) } else { Ok(((name, value), rest)) }
}

fn text(value: &[u8]) -> Result<Vec<u8>, Fault> {
    match value {
        // Empty means "as if there were no record" for some, and an empty name for others.
        [] => Err(Fault::PaxAmbiguous),
        _ if value.contains(&0) => Err(Fault::NulInPath),
        _ => Ok(value.to_vec()),
    }
}

fn number(name: &'static str, value: &[u8]) -> Result<u64, Fault> {
    decimal(value).ok_or(Fault::Number(name))
}

/// `-1.5`: seconds, with as many digits behind the point as the writer knew.
fn moment(value: &[u8]) -> Option<Mtime> {
    let text = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.get(..fraction.len().min(9))?;
    let is_plain = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let nanoseconds: u32 = format!("{digits:0<9}").parse().ok().filter(|_| is_plain)?;
    let seconds: i64 = whole.parse().ok()?;
    if whole.starts_with('-') && nanoseconds > 0 {
        return Some(Mtime { seconds: seconds.checked_sub(1)?, nanoseconds: 1_000_000_000 - nanoseconds });
    }
    Some(Mtime { seconds, nanoseconds })
}

/// Digits only, at most 63 bits, and no zeros in front.
fn decimal(digits: &[u8]) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || !digits.starts_with(b"0"));
    let number: i64 = std::str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with its length in front.
    fn written(name: &str, value: &str) -> String {
        let rest = format!(" {name}={value}\n");
        let length = (1..).find(|digits| (rest.len() + digits).to_string().len() == *digits).expect("some length");
        format!("{}{rest}", rest.len() + length)
    }

    #[test]
    fn records_say_what_matters_to_a_runtime() {
        let text = [
            written("path", "a=b\nc"),
            written("linkpath", "../x"),
            written("size", "9000000000"),
            written("uid", "4000000"),
            written("mtime", "1.5"),
            written("SCHILY.xattr.user.a", "\n=\0"),
            written("SCHILY.xattr.user.b", ""),
            written("hdrcharset", "BINARY"),
        ]
        .concat();
        let records = Records::parse(text.as_bytes()).expect("records");
        assert_eq!(records.path.as_deref(), Some(&b"a=b\nc"[..]));
        assert_eq!(records.link_path.as_deref(), Some(&b"../x"[..]));
        assert_eq!((records.size, records.uid, records.gid), (Some(9_000_000_000), Some(4_000_000), None));
        assert_eq!(records.mtime, Some(Mtime { seconds: 1, nanoseconds: 500_000_000 }));
        assert_eq!(moment(b"-1.25"), Some(Mtime { seconds: -2, nanoseconds: 750_000_000 }));
        assert_eq!(moment(b"x"), None);
        let expected: Xattrs =
            [(&b"user.a"[..], &b"\n=\0"[..]), (b"user.b", b"")].map(|(name, value)| (name.into(), value.into())).into();
        assert_eq!(records.xattrs, expected);
        assert_eq!(Records::parse(b""), Ok(Records::default()));
    }

    #[test]
    fn records_that_two_readers_could_read_differently_are_refused() {
        let twice = [written("path", "a"), written("path", "b")].concat();
        let long = "x".repeat(MAX_XATTR_BYTES);
        for (text, fault) in [
            (twice, Fault::PaxAmbiguous),
            (written("path", ""), Fault::PaxAmbiguous),
            (written("path", "a\0b"), Fault::NulInPath),
            (written("size", "-1"), Fault::Number("size")),
            (written("size", "+1"), Fault::Number("size")),
            (written("size", "1.0"), Fault::Number("size")),
            (written("size", "01"), Fault::Number("size")),
            (written("size", " 1"), Fault::Number("size")),
            (written("size", ""), Fault::Number("size")),
            (written("size", "9223372036854775808"), Fault::Number("size")),
            (written("uid", "x"), Fault::Number("uid")),
            (written("GNU.sparse.map", "0,1"), Fault::Sparse),
            (written("GNU.sparse.major", "1"), Fault::Sparse),
            (written("hdrcharset", "KOI8-R"), Fault::PaxRecord),
            (written("SCHILY.xattr.", "x"), Fault::PaxRecord),
            (written("SCHILY.xattr.trusted.overlay.opaque", "y"), Fault::OverlayXattr),
            (written("SCHILY.xattr.user.overlay.whiteout", ""), Fault::OverlayXattr),
            (written("SCHILY.xattr.user.x", &long), Fault::LargeXattrs),
            ("7 a=b".to_owned(), Fault::PaxRecord),
            ("6 a=b\nx".to_owned(), Fault::PaxRecord),
            ("5 a=b\n".to_owned(), Fault::PaxRecord),
            ("7 a=b\n".to_owned(), Fault::PaxRecord),
            ("06 a=b\n".to_owned(), Fault::PaxRecord),
            ("6\ta=b\n".to_owned(), Fault::PaxRecord),
            ("5 ab\n".to_owned(), Fault::PaxRecord),
            ("5 =b\n".to_owned(), Fault::PaxRecord),
            ("8 a\0=bc\n".to_owned(), Fault::PaxRecord),
            ("0 \n".to_owned(), Fault::PaxRecord),
            ("2 \n".to_owned(), Fault::PaxRecord),
            ("99999999999 a=b\n".to_owned(), Fault::PaxRecord),
        ] {
            assert_eq!(Records::parse(text.as_bytes()), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn a_global_header_may_only_comment() {
        assert_eq!(check_global(written("comment", "5e8ff9bf55ba3508199d22e984129be6").as_bytes()), Ok(()));
        assert_eq!(check_global(written("path", "a").as_bytes()), Err(Fault::PaxGlobal));
        assert_eq!(check_global(written("size", "1").as_bytes()), Err(Fault::PaxGlobal));
        assert_eq!(check_global(b"7 a=b\n"), Err(Fault::PaxRecord));
    }
}
