//! The head of an answer. RFC 9112, as far as two known servers make use of it.

use anyhow::{Context as _, Result};

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(u64),
    Chunked,
}

/// What is looked at in a head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) length: Length,
    pub(super) location: Option<String>,
    pub(super) next: Option<String>,
}

impl Head {
    /// The head and its length in bytes; `None` while it has not come whole.
    pub(super) fn parse(received: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&received[..end]).context("an answer's headers are not text")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.context("an answer without a status")?;
        let mut head = Self { status, length: Length::Known(0), location: None, next: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            head.note(name, value.trim())?;
        }
        Ok(Some((head, end + 4)))
    }

    fn note(&mut self, name: &str, value: &str) -> Result<()> {
        if name.eq_ignore_ascii_case("content-length") {
            self.length = Length::Known(value.parse().context("a body's length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("location") {
            self.location = Some(without_host(value).to_owned());
        } else if name.eq_ignore_ascii_case("link") {
            let target = value.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            self.next = target.map(|(target, _)| without_host(target).to_owned());
        }
        Ok(())
    }
}

/// Docker's registry answers with whole URLs, Wharf with paths.
fn without_host(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return url };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\nLocation: http://a:1/v2/x?y=z\r\n\r\nabc";
        assert_eq!(Head::parse(&text[..40]).expect("no end yet"), None);
        let (head, bytes) = Head::parse(text).expect("valid").expect("whole");
        assert_eq!((head.status, head.length, bytes), (202, Length::Known(7), text.len() - 3));
        assert_eq!(head.location.as_deref(), Some("/v2/x?y=z"));
    }

    #[test]
    fn chunks_and_pages_are_seen() {
        let text =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nLink: </v2/x/tags/list?last=a>; rel=\"next\"\r\n\r\n";
        let (head, _) = Head::parse(text).expect("valid").expect("whole");
        assert_eq!((head.length, head.next.as_deref()), (Length::Chunked, Some("/v2/x/tags/list?last=a")));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(Head::parse(b"HTTP/1.1\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
    }
}
