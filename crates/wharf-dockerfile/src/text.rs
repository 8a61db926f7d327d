//! The text of one instruction: its lines, joined, without the comments between them. It knows where each of its bytes
//! stands in the file.

use std::fmt;
use std::ops::Range;

use crate::span::{Span, Spanned};

/// Characters that were joined from several places of the file. Equal texts have equal characters, wherever they stand.
#[derive(Clone, Default)]
pub struct Text {
    value: String,
    pieces: Vec<Piece>,
    /// Where the file goes on after the text.
    end: usize,
}

/// From byte `at` of a text on, its bytes stand in the file from `source` on.
#[derive(Debug, Clone, Copy)]
struct Piece {
    at: usize,
    source: usize,
}

impl Text {
    /// Puts `value`, which stands in the file from `source` on, at the end.
    pub(crate) fn push(&mut self, value: &str, source: usize) {
        self.pieces.push(Piece { at: self.value.len(), source });
        self.value.push_str(value);
        self.end = source + value.len();
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// Where the whole text stands.
    pub fn whole(&self) -> Span {
        self.span(0..self.value.len())
    }

    /// Where some bytes of the text stand: from the first to the last, with the line ends and comments between them.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = if range.start >= self.value.len() { self.end } else { self.source(range.start) };
        let end = if range.is_empty() { start } else { self.source(range.end - 1) + 1 };
        Span { start, end: end.max(start) }
    }

    fn source(&self, at: usize) -> usize {
        let next = self.pieces.partition_point(|piece| piece.at <= at);
        self.pieces.get(next.wrapping_sub(1)).map_or(at, |piece| piece.source + (at - piece.at))
    }

    /// A part of the text. The range must lie on the borders of characters.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let mut part = Self { end: self.span(range.clone()).end, ..Self::default() };
        part.value.push_str(&self.value[range.clone()]);
        let first = self.pieces.partition_point(|piece| piece.at <= range.start).saturating_sub(1);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.at < range.end.max(range.start + 1)) {
            let skipped = range.start.saturating_sub(piece.at);
            part.pieces.push(Piece { at: piece.at.saturating_sub(range.start), source: piece.source + skipped });
        }
        part
    }

    /// The text without white space at its ends.
    pub(crate) fn trimmed(&self) -> Self {
        self.slice(trimmed(&self.value, 0..self.value.len()))
    }

    /// A part of the text as a value with its place.
    pub(crate) fn token(&self, range: Range<usize>) -> Spanned<String> {
        Spanned::new(self.value[range.clone()].to_owned(), self.span(range))
    }
}

/// `range` of `value` without the white space at both ends.
pub(crate) fn trimmed(value: &str, range: Range<usize>) -> Range<usize> {
    let inner = &value[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.value)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Text {
        // RUN a \⏎  # comment⏎ b
        let mut text = Text::default();
        text.push("RUN a ", 0);
        text.push(" b ", 20);
        text
    }

    #[test]
    fn bytes_keep_their_places_through_joining_slicing_and_trimming() {
        let text = text();
        assert_eq!(text.as_str(), "RUN a  b ");
        assert_eq!(text.span(4..5), Span::new(4, 5));
        assert_eq!(text.span(4..8), Span::new(4, 22));
        assert_eq!(text.span(9..9), Span::new(23, 23));
        let rest = text.slice(4..9).trimmed();
        assert_eq!(rest.as_str(), "a  b");
        assert_eq!((rest.span(0..1), rest.span(3..4)), (Span::new(4, 5), Span::new(21, 22)));
        assert_eq!(rest.whole(), Span::new(4, 22));
        assert_eq!(rest.slice(3..4).whole(), Span::new(21, 22));
        assert_eq!(rest.slice(4..4).whole(), Span::new(22, 22));
    }

    #[test]
    fn an_empty_text_has_a_place() {
        assert_eq!(Text::default().whole(), Span::new(0, 0));
        assert_eq!(text().slice(0..0).whole(), Span::new(0, 0));
    }
}
