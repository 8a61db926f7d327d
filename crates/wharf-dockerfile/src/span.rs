//! Places in a Dockerfile: byte ranges, and the lines and columns that people read.
//!
//! A [`Span`] is two numbers, so that every token can have one; lines and columns are counted when somebody asks.

use std::fmt;
use std::ops::Deref;

/// A range of bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to, but without `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A value with its place. Two of them are equal when their values are: what a file says does not depend on its layout.
#[derive(Clone, Copy)]
pub struct Spanned<T> {
    /// Where it stands.
    pub span: Span,
    /// What stands there.
    pub value: T,
}

impl<T> Spanned<T> {
    /// The value `value` at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { span, value }
    }

    /// Another value at the same place.
    pub fn with<U>(&self, value: U) -> Spanned<U> {
        Spanned { span: self.span, value }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}@{}..{}", self.value, self.span.start, self.span.end)
    }
}

/// A line and a column, as editors count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the lines of `text`.
    pub fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The line and column of a byte of `text`, which must be the text that the lines are of.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let line = self.line(offset);
        let before = text.get(self.starts[line - 1]..offset).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    /// Where line `line` of `text` stands, without its end; an empty span after the last one.
    pub fn span(&self, text: &str, line: usize) -> Span {
        let Some(start) = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied() else {
            return Span::new(text.len(), text.len());
        };
        let end = self.starts.get(line).map_or(text.len(), |next| next - 1);
        let content = text.get(start..end).unwrap_or_default();
        Span::new(start, start + content.trim_end_matches('\r').len())
    }

    /// How many lines there are; a line end at the end of the text begins none.
    pub fn count(&self, text: &str) -> usize {
        self.starts.len() - usize::from(self.starts.last() == Some(&text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_before_their_end() {
        let text = "FROM ä\r\nRUN x\n";
        let lines = Lines::of(text);
        assert_eq!(lines.position(text, 7), Position { line: 1, column: 7 });
        assert_eq!(lines.position(text, 9), Position { line: 2, column: 1 });
        assert_eq!(lines.span(text, 1), Span::new(0, 7));
        assert_eq!(lines.span(text, 2), Span::new(9, 14));
        assert_eq!(lines.span(text, 9), Span::new(15, 15));
        assert_eq!(lines.count(text), 2);
        assert_eq!(Lines::of("").count(""), 0);
    }

    #[test]
    fn values_are_equal_wherever_they_stand() {
        assert_eq!(Spanned::new("a", Span::new(0, 1)), Spanned::new("a", Span::new(7, 8)));
        assert_ne!(Spanned::new("a", Span::new(0, 1)), Spanned::new("b", Span::new(0, 1)));
    }
}
