//! Heredocs: `<<EOF` in RUN, COPY and ADD, and the lines up to `EOF`.

use std::borrow::Cow;

use crate::expand::lexer::{Lexed, Mode, Nothing, lex};
use crate::span::Spanned;
use crate::text::Text;

/// A heredoc: what opens it, and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// What opens it.
    pub opening: Spanned<Opening>,
    /// The lines as they stand there, with their ends, without the line that ends the heredoc.
    pub content: Spanned<String>,
}

/// The word that opens a heredoc: `<<EOF`, `<<-"EOF"`, `3<<EOF`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The word that ends it, without quotes. COPY and ADD take it for the file's name.
    pub name: String,
    /// The same as written.
    pub written: String,
    /// Whether variables are expanded in it: no part of the word is quoted.
    pub expands: bool,
    /// `<<-`: tabs at the beginning of its lines don't count.
    pub strips_tabs: bool,
    /// The file descriptor before `<<`, for the shell.
    pub descriptor: Option<u32>,
}

impl Heredoc {
    /// The lines without the tabs at their beginning, where `<<-` asks for that.
    pub fn text(&self) -> Cow<'_, str> {
        if !self.opening.strips_tabs {
            return Cow::Borrowed(&self.content);
        }
        self.content.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }

    /// Whether `line`, which may have its end, ends the heredoc.
    pub(crate) fn ends_at(opening: &Opening, line: &str) -> bool {
        let line = line.trim_end_matches(['\r', '\n']);
        let line = if opening.strips_tabs { line.trim_start_matches('\t') } else { line };
        line == opening.name
    }
}

impl Opening {
    /// Reads a word. `None`: it opens no heredoc.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = word[digits..].strip_prefix("<<")?;
        let (strips_tabs, rest) = match rest.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let rest = rest.trim_start();
        if rest.is_empty() || rest.contains('<') {
            return None;
        }
        let plain = single_word(rest, Mode { keep_unset: true, ..Mode::default() })?;
        let raw = single_word(rest, Mode { keep_unset: true, keep_quotes: true, ..Mode::default() })?;
        let expands = quotes(&plain) == quotes(&raw);
        let descriptor = word[..digits].parse().ok();
        Some(Self { name: plain, written: word.to_owned(), expands, strips_tabs, descriptor })
    }
}

fn single_word(text: &str, mode: Mode) -> Option<String> {
    let mut words = lex(text, '\\', mode, &Nothing, &mut 0).ok()?.words;
    let (_, word) = words.pop()?;
    words.is_empty().then_some(word)
}

fn quotes(text: &str) -> usize {
    text.chars().filter(|c| matches!(c, '\'' | '"')).count()
}

/// The heredocs that the line of an instruction opens, in their order, each with its place.
pub(crate) fn openings(text: &Text) -> Vec<Spanned<Opening>> {
    if !text.as_str().contains("<<") {
        return Vec::new();
    }
    let mode = Mode { keep_quotes: true, keep_escapes: true, keep_unset: true, plain_quotes: false };
    // A line that is no words, with a quote that nothing ends, opens none: it is the shell that understands it.
    let Lexed { words, .. } = lex(text.as_str(), '\\', mode, &Nothing, &mut 0).unwrap_or_default();
    let opened = |(at, word): (usize, String)| {
        let end = (at + word.len()).min(text.as_str().len());
        Opening::parse(&word).map(|opening| Spanned::new(opening, text.span(at..end)))
    };
    words.into_iter().filter_map(opened).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    fn text(value: &str) -> Text {
        let mut text = Text::default();
        text.push(value, 0);
        text
    }

    #[test]
    fn openings_are_words_that_begin_with_the_sign() {
        type Expected = &'static [(&'static str, bool, bool)];
        let cases: &[(&str, Expected)] = &[
            ("RUN <<EOF", &[("EOF", true, false)]),
            ("RUN <<-EOF", &[("EOF", true, true)]),
            ("RUN << EOF", &[("EOF", true, false)]),
            ("RUN <<'EOF'", &[("EOF", false, false)]),
            ("RUN <<\"E\"OF", &[("EOF", false, false)]),
            ("RUN <<E\\'F", &[("E'F", true, false)]),
            ("RUN 3<<EOF cat", &[("EOF", true, false)]),
            ("COPY <<a.txt <<-'b c' /d/", &[("a.txt", true, false), ("b c", false, true)]),
            ("RUN cat <<EOF > /f", &[("EOF", true, false)]),
            ("RUN <<$EOF", &[("$EOF", true, false)]),
            ("RUN cat<<EOF", &[]),
            ("RUN cat <<<EOF", &[]),
            ("RUN \"<<EOF\"", &[]),
            ("RUN '<<EOF", &[]),
            ("RUN echo $((1<<2))", &[]),
            ("RUN <<", &[]),
        ];
        for (line, expected) in cases {
            let found = openings(&text(line));
            let found: Vec<_> = found.iter().map(|o| (o.name.as_str(), o.expands, o.strips_tabs)).collect();
            assert_eq!(&found, expected, "{line}");
        }
        assert_eq!(openings(&text("RUN x <<EOF y"))[0].span, Span::new(6, 11));
        assert_eq!(Opening::parse("4<<EOF").and_then(|opening| opening.descriptor), Some(4));
    }

    #[test]
    fn tabs_are_stripped_at_the_beginning_of_lines_only() {
        let opening = Opening::parse("<<-EOF").unwrap();
        assert!(Heredoc::ends_at(&opening, "\t\tEOF\r\n") && !Heredoc::ends_at(&opening, " EOF\n"));
        let content = Spanned::new("\ta\tb\n\t\tc\n\n".to_owned(), Span::default());
        let opening = Spanned::new(opening, Span::default());
        assert_eq!(Heredoc { opening, content }.text(), "a\tb\nc\n\n");
    }
}
