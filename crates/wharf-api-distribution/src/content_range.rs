//! `Content-Range` of a chunk: `START-END`, as the distribution-spec writes it; some clients send RFC 9110's
//! `bytes START-END/SIZE`.

use axum::http::{HeaderMap, header};
use wharf_oci::code::ErrorCode;
use wharf_registry::ChunkRange;

use crate::error::OciError;
use crate::headers;

/// The range of a chunk. One that does not agree with `Content-Length` is refused before a byte is read.
pub(crate) fn read(headers: &HeaderMap) -> Result<Option<ChunkRange>, OciError> {
    let Some(text) = headers::single(headers, &header::CONTENT_RANGE)? else { return Ok(None) };
    let malformed = || {
        OciError::new(ErrorCode::RangeInvalid, "Content-Range of a chunk reads `START-END`, both inclusive")
            .bad_request()
    };
    let range = parse(text).ok_or_else(malformed)?;
    let length = headers::single(headers, &header::CONTENT_LENGTH)?.and_then(|text| text.parse::<u64>().ok());
    match (range.size_bytes(), length) {
        (Some(size), Some(length)) if size != length => Err(OciError::new(
            ErrorCode::SizeInvalid,
            format!("Content-Range states {size} bytes and Content-Length {length}"),
        )),
        (Some(_), _) => Ok(Some(range)),
        (None, _) => Err(malformed()),
    }
}

fn parse(text: &str) -> Option<ChunkRange> {
    let text = text.trim();
    let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches(['=', ' ']));
    let range = text.split_once('/').map_or(text, |(range, _)| range);
    let (start, end) = range.split_once('-')?;
    Some(ChunkRange { start: number(start)?, end: number(end)? })
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let range = Some(ChunkRange { start: 5, end: 9 });
        for good in ["5-9", "bytes 5-9/10", "bytes=5-9", "bytes 5-9/*"] {
            assert_eq!(parse(good), range, "{good}");
        }
        for bad in ["", "-", "5-", "-9", "5", "+5-9", "5-9-", "a-b", "5-99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
