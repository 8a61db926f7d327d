//! Places: which objects and parts an upload's state stands on, in a form that is small enough to be written to the
//! catalog with every chunk.
//!
//! What a place names never changes: a tail has a name of its own each time, and a part is named together with the
//! endpoint's tag of its bytes, without which the endpoint does not put it into a blob. Whoever writes to the upload
//! meanwhile can make a state useless, but not wrong.

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

const VERSION: u8 = 1;
const HAS_PARTS: u8 = 1;
const HAS_TAIL: u8 = 2;
const HAS_STALE: u8 = 4;
const IS_WHOLE: u8 = 8;

/// A quoted MD5 in hexadecimal digits, as nearly every endpoint tags parts; kept as its 16 bytes.
const MD5_TAG_BYTES: usize = 34;

/// Makes an object's name its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn generate() -> Self {
        Self(Uuid::new_v4().as_u64_pair().0)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where the bytes of an upload lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The first bytes.
    pub(super) parts: Option<Parts>,
    /// The bytes after the parts.
    pub(super) tail: Option<Tail>,
    /// The tail of the state before: nobody can continue from that one once somebody continues from this one.
    pub(super) stale: Option<Mark>,
    /// All bytes lie under the blob's own name already, because they had to be read before the end.
    pub(super) is_whole: bool,
}

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// What the endpoint calls it.
    pub(super) id: String,
    /// The note about it.
    pub(super) note: Mark,
    /// The endpoint's tags of the parts, which are numbered from one.
    pub(super) tags: Vec<String>,
}

/// An object with the bytes after the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) mark: Mark,
    pub(super) size_bytes: u64,
}

impl Place {
    /// How many parts there are.
    pub(super) fn part_count(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.tags.len())
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        if *self == Self::default() {
            return Bytes::new();
        }
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let mut bytes = BytesMut::with_capacity(64 + 17 * self.part_count());
        bytes.put_u8(VERSION);
        bytes.put_u8(
            flag(self.parts.is_some(), HAS_PARTS)
                | flag(self.tail.is_some(), HAS_TAIL)
                | flag(self.stale.is_some(), HAS_STALE)
                | flag(self.is_whole, IS_WHOLE),
        );
        if let Some(parts) = &self.parts {
            put_text(&mut bytes, &parts.id);
            bytes.put_u64(parts.note.0);
            put_number(&mut bytes, parts.tags.len() as u64);
            parts.tags.iter().for_each(|tag| put_tag(&mut bytes, tag));
        }
        if let Some(tail) = &self.tail {
            bytes.put_u64(tail.mark.0);
            put_number(&mut bytes, tail.size_bytes);
        }
        if let Some(stale) = self.stale {
            bytes.put_u64(stale.0);
        }
        bytes.freeze()
    }

    /// Reads the form back; `None` when the bytes are not one.
    pub(super) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let bytes = &mut bytes;
        let (version, flags) = (bytes.try_get_u8().ok()?, bytes.try_get_u8().ok()?);
        if version != VERSION || flags > 15 {
            return None;
        }
        let mut place = Self { is_whole: flags & IS_WHOLE != 0, ..Self::default() };
        if flags & HAS_PARTS != 0 {
            let (id, note) = (get_text(bytes)?, get_mark(bytes)?);
            let tags = (0..get_number(bytes)?).map(|_| get_tag(bytes)).collect::<Option<_>>()?;
            place.parts = Some(Parts { id, note, tags });
        }
        if flags & HAS_TAIL != 0 {
            place.tail = Some(Tail { mark: get_mark(bytes)?, size_bytes: get_number(bytes)? });
        }
        if flags & HAS_STALE != 0 {
            place.stale = Some(get_mark(bytes)?);
        }
        bytes.is_empty().then_some(place)
    }
}

fn put_number(bytes: &mut BytesMut, mut number: u64) {
    while number > 0x7f {
        bytes.put_u8((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.put_u8((number & 0x7f) as u8);
}

fn get_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn put_text(bytes: &mut BytesMut, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.put_slice(text.as_bytes());
}

fn get_text(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(get_number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn get_mark(bytes: &mut &[u8]) -> Option<Mark> {
    bytes.try_get_u64().ok().map(Mark)
}

fn put_tag(bytes: &mut BytesMut, tag: &str) {
    match md5(tag) {
        Some(md5) => {
            bytes.put_u8(0);
            bytes.put_u128(md5);
        }
        None => put_text(bytes, tag),
    }
}

fn get_tag(bytes: &mut &[u8]) -> Option<String> {
    if bytes.first() == Some(&0) {
        bytes.advance(1);
        return bytes.try_get_u128().ok().map(|md5| format!("\"{md5:032x}\""));
    }
    get_text(bytes)
}

/// The number in a tag that is written exactly as [`get_tag`] writes it.
fn md5(tag: &str) -> Option<u128> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if tag.len() == MD5_TAG_BYTES && is_plain { u128::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_place() -> impl Strategy<Value = Place> {
        let mark = || any::<u64>().prop_map(Mark);
        let tag = prop_oneof![any::<u128>().prop_map(|md5| format!("\"{md5:032x}\"")), "[ -~]{1,60}"];
        let parts = ("[!-~]{0,200}", mark(), prop::collection::vec(tag, 0..20));
        let parts = parts.prop_map(|(id, note, tags)| Parts { id, note, tags });
        let tail = (mark(), 0..1_u64 << 60).prop_map(|(mark, size_bytes)| Tail { mark, size_bytes });
        (prop::option::of(parts), prop::option::of(tail), prop::option::of(mark()), any::<bool>())
            .prop_map(|(parts, tail, stale, is_whole)| Place { parts, tail, stale, is_whole })
    }

    proptest! {
        #[test]
        fn a_place_reads_back_as_it_was_written(place in any_place()) {
            prop_assert_eq!(Place::from_bytes(&place.to_bytes()), Some(place));
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            Place::from_bytes(&bytes);
        }

        #[test]
        fn a_place_that_is_cut_short_is_refused(place in any_place(), cut in any::<prop::sample::Index>()) {
            let bytes = place.to_bytes();
            prop_assume!(bytes.len() > 1);
            prop_assert_eq!(Place::from_bytes(&bytes[..1 + cut.index(bytes.len() - 1)]), None);
        }
    }

    #[test]
    fn ten_thousand_parts_fit_into_a_row() {
        let tags = (0..10_000_u128).map(|part| format!("\"{part:032x}\"")).collect();
        let parts = Some(Parts { id: "x".repeat(200), note: Mark(1), tags });
        assert!(Place { parts, ..Place::default() }.to_bytes().len() < 171_000);
    }
}
