//! Numbers in headers.
//!
//! Octal digits after spaces and before spaces or NULs; or, where the first byte is 0x80, a binary number. What readers
//! take differently is refused: negative numbers, base 64, digits after the end, more than 63 bits.

/// Reads a number that must be there.
pub(crate) fn parse(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, binary)) => parse_binary(binary),
        _ => parse_octal(field),
    }
}

/// Reads a number that may be left out: nothing but spaces, or nothing but NULs, is zero.
pub(crate) fn parse_optional(field: &[u8]) -> Option<u64> {
    let is_all = |byte| field.iter().all(|other| *other == byte);
    if is_all(0) || is_all(b' ') { Some(0) } else { parse(field) }
}

fn parse_binary(bytes: &[u8]) -> Option<u64> {
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(8));
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    let number = low.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte));
    i64::try_from(number).is_ok().then_some(number)
}

fn parse_octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|byte| *byte != b' ')?;
    let field = &field[start..];
    let length = field.iter().position(|byte| !matches!(byte, b'0'..=b'7')).unwrap_or(field.len());
    let (digits, rest) = field.split_at(length);
    let is_ended = rest.iter().all(|byte| matches!(byte, b' ' | 0));
    // Twelve digits, the longest field, have 36 bits.
    let number = digits.iter().fold(0, |number: u64, digit| (number << 3) | u64::from(digit - b'0'));
    (is_ended && !digits.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_readers_take_for_one_number_is_a_number() {
        for (field, number) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"0000644 ", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"77777777", Some(0o77_777_777)),
            (b"0\0\0\0\0\0\0\0", Some(0)),
            (b"\x80\0\0\0\0\0\x12\x34", Some(0x1234)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX as u64)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\x81\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x000644\0", None),
            (b"644\0 5\0\0", None),
            (b"0000648\0", None),
            (b"-0000644", None),
            (b"+0000644", None),
            (b"        ", None),
            (b"\0\0\0\0\0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(parse(field), number, "{field:?}");
        }
        for (field, number) in
            [(&b"        "[..], Some(0)), (b"\0\0\0\0", Some(0)), (b"  \0\0", None), (b" 7\0\0", Some(7))]
        {
            assert_eq!(parse_optional(field), number, "{field:?}");
        }
    }
}
